"""A view says which scope each method needs; a view that says nothing is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from evidence.access import principal_of
from evidence.models import Scope

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it loads this module while it is being defined


class HasScope(BasePermission):
    """Allows what `ScopedView.scopes` names for the method, and nothing else.

    HEAD is GET without the body. OPTIONS tells the methods of an address and takes no scope.
    """

    message = "This needs a scope that you do not hold; docs/guides lists which role holds which."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the principal holds the scope of this method."""
        if not request.user or not request.user.is_authenticated:
            return False
        if request.method == "OPTIONS":
            return True
        needed = getattr(view, "scopes", {}).get("GET" if request.method == "HEAD" else request.method)
        return isinstance(needed, Scope) and principal_of(request).may(needed)
