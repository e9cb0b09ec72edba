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

    It is the coarse half: what an act takes beside the scope is in the `acts` modules, which the services ask.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the principal holds a scope of this method.

        Raises:
            AccessDenied: it holds none of them.
        """
        if not request.user or not request.user.is_authenticated:
            return False
        if request.method == "OPTIONS":
            return True
        needed = getattr(view, "scopes", {}).get("GET" if request.method == "HEAD" else request.method)
        if needed is None:
            return False
        principal_of(request).require(*([needed] if isinstance(needed, Scope) else needed))
        return True
