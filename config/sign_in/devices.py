"""Browsers that a person has signed in with before: told by a cookie that only we can make, and that opens nothing."""

from __future__ import annotations

import secrets
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

COOKIE: Final = "tracebinder_browser"
_PATH: Final = "/admin/"
_KEPT: Final = 180 * 24 * 3600  # seconds
_SALT: Final = "config.sign_in.devices"


def read_device(request: HttpRequest, username: str) -> str:
    """Return what tells this browser from others, where this person has signed in with it; empty where not."""
    try:
        known = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_KEPT)
    except signing.BadSignature:
        return ""
    return str(known["id"]) if known["person"] == username else ""


def remember_device(response: HttpResponseBase, username: str) -> None:
    """Have the browser of whoever has just signed in known from now on."""
    known = {"person": username, "id": secrets.token_urlsafe(16)}
    response.set_cookie(
        COOKIE,
        signing.dumps(known, salt=_SALT),
        max_age=_KEPT,
        path=_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
