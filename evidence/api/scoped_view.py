"""What every view of the API is: a table of which method needs which scope and takes which query parameters.

Apart from the permission that reads the table: Django REST framework loads that while it defines `APIView`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evidence.api.inputs import QueryInput, check_parameters
from evidence.models import Scope


class ApiView(APIView):
    """A view that refuses a method it has not, then a caller it does not let in, then a query it does not know."""

    queries: ClassVar[dict[str, type[QueryInput]]] = {}  # HTTP method -> the query parameters it takes
    query: dict[str, Any]  # those of this request, validated

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check method, caller and query before any handler runs."""
        method = str(request.method).lower()
        if method not in self.http_method_names or not hasattr(self, method):
            self.http_method_not_allowed(request, *args, **kwargs)
        super().initial(request, *args, **kwargs)
        self.query = self.read_query(request)

    def read_query(self, request: Request) -> dict[str, Any]:
        """Return the query parameters, validated.

        Raises:
            InvalidInput: one is unknown, given twice, empty or does not fit.
        """
        taken = self.queries.get(method_of(request), QueryInput)
        check_parameters(request.query_params, taken().fields)
        asked = taken(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Answer with the methods there are, and nothing of what is behind them."""
        del request, args, kwargs
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})


class ScopedView(ApiView):
    """A view whose methods each name the scope they need; a view that names none is closed."""

    # HTTP method -> the scope it takes, or several of which one is enough
    scopes: ClassVar[dict[str, Scope | tuple[Scope, ...]]]


def method_of(request: Request) -> str:
    """Return the method whose rules hold for a request: HEAD is GET without the body."""
    return "GET" if request.method == "HEAD" else str(request.method)
