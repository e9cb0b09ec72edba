"""The shape of an RFC 9457 problem. Which exception becomes which is decided in `config.problems`."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

CONTENT_TYPE: Final = "application/problem+json"


class Problem(serializers.Serializer[Any]):
    """The shape of every error answer; for the schema only."""

    type = serializers.CharField(default="about:blank")
    code = serializers.CharField(help_text="Stable; the list is in docs/reference/errors.md.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do.")
    errors = serializers.JSONField(  # type: ignore[assignment]  # shadows Serializer.errors; used for the schema only
        required=False, help_text="One entry a fault, where there are several."
    )


def problem_body(*, code: str, title: str, status: int, detail: str, errors: object = None) -> dict[str, Any]:
    """Return the members of a problem."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "code": code,
        "title": title,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return body
