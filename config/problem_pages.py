"""A problem as a page: in the frame for whoever is signed in, else alone; with a way back, in the reader's language.

It stands alone too where the fault is the server's: the frame needs the database.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.exceptions import DisallowedHost
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language_from_request, override

from evidence.pages.refusal_words import REFUSAL_WORDS
from evidence.pages.refusals import in_language, title_in_language

logger = logging.getLogger(__name__)

_TEMPLATE: Final = "problem.html"
_LONGEST: Final = 2_000  # characters of an address that is led back to


def show_problem(request: HttpRequest, body: Mapping[str, Any], *, is_general: bool) -> HttpResponse:
    """Return a problem as a page.

    Args:
        body: the members of the problem.
        is_general: whether its detail says nothing that the words for its code do not.
    """
    words = REFUSAL_WORDS.get(body["code"])
    language = get_language_from_request(request)  # the middleware that chooses it may not have been reached
    with override(language):
        said = words.said if words is not None and is_general and words.said else in_language(body["detail"])
        title = title_in_language(body["code"], body["title"])
        told = {**body, "back": _page_before(request), "title": title, "detail": said}
        if body["status"] < HTTPStatus.INTERNAL_SERVER_ERROR and (framed := _in_frame(request, told)):
            return framed
        page = render_to_string(_TEMPLATE, {"problem": told, "language": language})
    return HttpResponse(page, status=body["status"], headers={"Content-Language": language})


def _in_frame(request: HttpRequest, told: Mapping[str, Any]) -> HttpResponse | None:
    from evidence.pages.frame import show_refusal, stands_in_frame  # noqa: PLC0415  # the admin's site reads this module

    try:
        return show_refusal(request, told).render() if stands_in_frame(request) else None
    except Error as exc:
        logger.warning("a refusal is shown outside of the frame: %s", exc)
        return None


def _page_before(request: HttpRequest) -> str:
    """Return the address of the page of ours that led here, without its host; empty where none did."""
    before = request.headers.get("Referer", "")
    try:
        ours = {request.get_host()}
    except DisallowedHost:
        return ""
    if len(before) > _LONGEST or not url_has_allowed_host_and_scheme(
        before, ours, require_https=request.is_secure()
    ):
        return ""
    parts = urlsplit(before)
    address = parts.path + (f"?{parts.query}" if parts.query else "")
    return "" if request.method == "GET" and address == request.get_full_path() else address
