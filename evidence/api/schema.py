"""The OpenAPI schema, from the same declarations that requests are checked against."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from rest_framework.mixins import ListModelMixin

_ANYTHING_OR_NULL = [{}, {"type": "null"}]
_END_OF_SUMMARY: Final = re.compile(r"[.;:](?:\s|$)")


class ApiSchema(AutoSchema):
    """Adds what `ApiView.queries` says an address takes, and says of lists alone that they answer pages."""

    def get_override_parameters(self) -> list[Any]:
        """Return the query parameters of the method, as the serializer that validates them."""
        taken = getattr(self.view, "queries", {}).get(self.method)
        return [*super().get_override_parameters(), *([taken] if taken else [])]

    def get_summary(self) -> str:
        """Return what the operation is for in a few words, which documentation shows beside its address.

        That is how its docstring begins: the view's where that is of one method, as its method says "it" of what the
        view is of.
        """
        methods = [name for name in ("get", "post") if callable(getattr(self.view, name, None))]
        own = inspect.getdoc(getattr(self.view, self.method.lower())) if len(methods) > 1 else None
        told = inspect.getdoc(type(self.view)) if own is None or self._is_inherited() else own
        return _END_OF_SUMMARY.split(" ".join((told or "").split()), maxsplit=1)[0]

    def _is_inherited(self) -> bool:
        """Whether the method is that of every list, which says nothing of this one."""
        return "ListAPIView" in getattr(self.view, self.method.lower()).__qualname__

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
