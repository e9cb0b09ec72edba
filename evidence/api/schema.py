"""The OpenAPI schema, from the same declarations that requests are checked against."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.mixins import ListModelMixin

_ANYTHING_OR_NULL = [{}, {"type": "null"}]


class ApiSchema(AutoSchema):
    """Adds what `ApiView.queries` says an address takes, and says of lists alone that they answer pages."""

    def get_override_parameters(self) -> list[Any]:
        """Return the query parameters of the method, as the serializer that validates them."""
        taken = getattr(self.view, "queries", {}).get(self.method)
        return [*super().get_override_parameters(), *([taken] if taken else [])]

    def _get_paginator(self) -> Any:
        """Return what cuts a list into pages: what is posted to one is answered whole, and so are parts of one row."""
        is_list = self.method == "GET" and isinstance(self.view, ListModelMixin)
        return super()._get_paginator() if is_list else None  # type: ignore[no-untyped-call]


def say_anything_once(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say of what may be anything just that, null being a part of it: a hook of drf-spectacular.

    It says "anything, or else null", of which null is both: no null would be as the schema says.
    """
    for component in result["components"]["schemas"].values():
        for said in component.get("properties", {}).values():
            if said.get("oneOf") == _ANYTHING_OR_NULL:
                del said["oneOf"]
    return result
