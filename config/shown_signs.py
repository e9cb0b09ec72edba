"""Characters that nobody sees are marks on every page, whatever way the text on it came."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from evidence.hidden_signs import show_hidden_in_page


class ShowHiddenSigns:
    """Puts marks into pages where they are whole, so that no template, list or message can forget to."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponse) and response.get("Content-Type", "").startswith("text/html"):
            page = response.content.decode(response.charset)
            shown = show_hidden_in_page(page)
            if shown is not page:
                response.content = shown.encode(response.charset)
        return response
