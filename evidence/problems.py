"""The shape of an RFC 9457 problem. Which exception becomes which is decided in `config.problems`."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

CONTENT_TYPE: Final = "application/problem+json"


class ProblemFault(serializers.Serializer[Any]):
    """One thing that is wrong with what was sent."""

    path = serializers.CharField(help_text="For example `pins[0].kind`; empty: the whole of it.")
    code = serializers.CharField()
    message = serializers.CharField()
    nearest = serializers.CharField(
        allow_null=True, help_text="The known name closest to one that nobody knows."
    )

    def get_fields(self) -> dict[str, Any]:
        """Add `in`, which is no name a Python class can have."""
        return {
            "in": serializers.ChoiceField(["body", "query", "path"], required=False),
            **super().get_fields(),
        }


class Problem(serializers.Serializer[Any]):
    """The shape of every error answer; for the schema only."""

    type = serializers.CharField(default="about:blank")
    code = serializers.CharField(help_text="Stable; the list is in docs/reference/errors.md.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do.")
    errors = ProblemFault(  # type: ignore[assignment]  # shadows Serializer.errors; used for the schema only
        many=True, required=False, help_text="Each fault, where the answer can name them."
    )


def problem_body(*, code: str, title: str, status: int, detail: str) -> dict[str, Any]:
    """Return the members of a problem."""
    return {"type": "about:blank", "code": code, "title": title, "status": status, "detail": detail}
