"""The OpenAPI schema, from the same declarations that requests are checked against."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema


class ApiSchema(AutoSchema):
    """Adds what `ApiView.queries` says an address takes."""

    def get_override_parameters(self) -> list[Any]:
        """Return the query parameters of the method, as the serializer that validates them."""
        taken = getattr(self.view, "queries", {}).get(self.method)
        return [*super().get_override_parameters(), *([taken] if taken else [])]
