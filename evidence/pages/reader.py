"""Who reads a page: beneath both the pages and the admin, neither of which can then be loaded too early."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.http import HttpRequest

from evidence.access import Principal, principal_of_session

REREADS: Final = "rereads_form"  # what is set on a request that shows once more a form that was sent before


def principal_of(request: HttpRequest) -> Principal:
    """Return who is looking, computed once for a request."""
    cached: Principal | None = getattr(request, "_admin_principal", None)
    if cached is None:
        cached = replace(principal_of_session(request), rereads=getattr(request, REREADS, False))
        request._admin_principal = cached  # type: ignore[attr-defined]  # noqa: SLF001  # our cache, on the request itself
    return cached
