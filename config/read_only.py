"""Views that only read and stand outside the API: which methods they have, and that they take no parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from config.problems import WrongMethod
from evidence.api.inputs import check_parameters

View = Callable[..., HttpResponseBase]


def allow_methods(*methods: str) -> Callable[[View], View]:
    """Return a decorator that refuses every other method; OPTIONS tells which there are."""
    allowed = (*methods, "OPTIONS")

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if request.method == "OPTIONS":
                return HttpResponse(status=204, headers={"Allow": ", ".join(allowed)})
            if request.method not in methods:
                raise WrongMethod(str(request.method), allowed)
            return view(request, *args, **kwargs)

        return checked

    return decorate


def read_only(view: View) -> View:
    """Answer GET and HEAD without query parameters, and refuse anything else by name."""

    @wraps(view)
    def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        check_parameters(request.GET, ())
        return view(request, *args, **kwargs)

    return allow_methods("GET", "HEAD")(checked)
