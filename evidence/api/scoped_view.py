"""What every view of the API is: a table of which method needs which scope.

Apart from the permission that reads the table: Django REST framework loads that while it defines `APIView`.
"""

from __future__ import annotations

from typing import ClassVar

from rest_framework.views import APIView

from evidence.models import Scope


class ScopedView(APIView):
    """A view whose methods each name the scope they need; a view that names none is closed."""

    # HTTP method -> the scope it takes, or several of which one is enough
    scopes: ClassVar[dict[str, Scope | tuple[Scope, ...]]]
