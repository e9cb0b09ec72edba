"""The Content-Security-Policy: what a browser may load and run on a page of ours, whoever wrote the text on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from django.http import HttpRequest, HttpResponseBase

HEADER: Final = "Content-Security-Policy"

# Traces, documents and model answers are other people's text. Should one ever reach a page unescaped, nothing in it
# runs, loads, styles or posts: everything a page uses is a file of this server. No `unsafe-*`, no `data:`, no nonces
# (docs/decisions/0009-pages-in-the-admins-frame.md).
DIRECTIVES: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
POLICY: Final = "; ".join(f"{name} {sources}" for name, sources in DIRECTIVES.items())


class ContentPolicyMiddleware:
    """Puts the policy on every answer, whatever its type: what is not a page loses nothing by it.

    A page of foreign code that cannot live with it sets a policy of its own, which stays. The tests allow that one
    thing more: `data:` images.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault(HEADER, POLICY)
        return response
