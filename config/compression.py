"""Answers as gzip, where nobody learns anything from how long they are (docs/decisions/0098-compressed-pages.md).

How well a text compresses tells how much of what a stranger put into it repeats what is secret in it (BREACH). That
takes many requests which a stranger's page has somebody's browser send, each with a guess in its address. So what comes
with a session is compressed only where the browser says that a page of ours, or the person, asked for it; a page that
shows a secret never is. Each answer is padded by a random length besides, and Django masks the token of a form anew in
each page.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from typing import Any, Final, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_string
from whitenoise.middleware import WhiteNoiseFileResponse  # type: ignore[import-untyped]  # it has no stubs

from evidence.pages.told_once import is_told_once

_TYPES: Final = frozenset(
    {
        "text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml", "application/json",
        "application/problem+json", "application/vnd.oai.openapi", "application/vnd.oai.openapi+json",
    }
)  # fmt: skip
_LEAST: Final = 500  # bytes; what is shorter fits into one packet as it is
_MOST_STATIC: Final = 4 * 1024 * 1024  # bytes of a static file, which is read at once
_PADDING: Final = 100  # bytes, at most
_OURS: Final = frozenset({"same-origin", "none"})  # `none`: typed, or a bookmark
_SHOW_SECRETS: Final = frozenset({"second_factor", "password_link"})  # names of addresses
_GZIP: Final = re.compile(
    r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?(?:,|$)", re.IGNORECASE
)


class CompressAnswers:
    """Compresses pages, lists of the API and static files; what is streamed goes out as it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._files: dict[str, tuple[str, bytes]] = {}  # by path: when it was last changed, and compressed

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method != "GET" or not _may_be_compressed(response):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        if not _takes_gzip(request.headers.get("Accept-Encoding", "")):
            return response
        if isinstance(response, WhiteNoiseFileResponse):
            return self._file(request.path_info, response)
        if isinstance(response, HttpResponse) and _nobody_guesses(request, response):
            _replace(response, compress_string(response.content, max_random_bytes=_PADDING))
        return response

    def _file(self, path: str, response: Any) -> HttpResponseBase:
        """Return a static file compressed, which is done once for each state of it."""
        if int(response.headers.get("Content-Length", 0)) > _MOST_STATIC:
            return cast("HttpResponseBase", response)
        changed, packed = self._files.get(path, ("", b""))
        with response.file_to_stream as file:  # and not the response: its end is that of the request
            if changed != response.headers.get("Last-Modified"):
                changed = response.headers.get("Last-Modified", "")
                packed = gzip.compress(file.read(), 9, mtime=0)
                self._files[path] = changed, packed
        sent = HttpResponse(packed, headers=dict(response.items()))
        sent.headers["Content-Encoding"] = "gzip"
        sent.headers["Content-Length"] = str(len(packed))
        return sent


def _may_be_compressed(response: HttpResponseBase) -> bool:
    if response.has_header("Content-Encoding") or response.status_code in {204, 206, 304}:
        return False
    if response.headers.get("Content-Type", "").partition(";")[0].strip() not in _TYPES:
        return False
    if isinstance(response, HttpResponse):
        return len(response.content) >= _LEAST
    return isinstance(response, WhiteNoiseFileResponse) and response.status_code == 200


def _takes_gzip(accepted: str) -> bool:
    found = _GZIP.search(accepted)
    return found is not None and float(found[1] or 1) > 0


def _nobody_guesses(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether no stranger's page can have had this answer asked for with what is a person's.

    A token is no cookie: no browser sends one by itself. What comes with neither is the same for everybody.
    """
    match: Any = request.resolver_match
    if is_told_once(response) or (match is not None and match.url_name in _SHOW_SECRETS):
        return False
    if "Authorization" in request.headers or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return True
    return request.headers.get("Sec-Fetch-Site", "") in _OURS


def _replace(response: HttpResponse, packed: bytes) -> None:
    if len(packed) >= len(response.content):
        return
    response.content = packed
    response.headers["Content-Encoding"] = "gzip"
    if response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(packed))
