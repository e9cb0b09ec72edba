"""Sending somebody to the provider, and what has to be remembered until they come back.

Their browser remembers it, in a cookie that we signed: whoever asks a million times stores nothing here. That it was
answered the broker remembers, so that each question is answered once.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Final

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from config.heartbeats import open_broker
from config.sign_in.provider.metadata import find_provider
from evidence import clock
from evidence.digests import sha256_hex
from evidence.errors import ProviderRefused
from evidence.worded import worded

COOKIE: Final = "tracebinder_asked_provider"
_SALT: Final = "config.sign_in.provider"
_ANSWERED: Final = "tracebinder:sign-in:answered:"
_LASTS: Final = 10 * 60  # seconds somebody may take to sign in there


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to the provider."""

    state: str
    nonce: str
    verifier: str  # of RFC 7636
    began: float  # seconds since 1970, by our clock
    goes_to: str
    proves: int | None  # the person who is signed in and proves again who they are; None at a sign-in


def send_to_provider(
    request: HttpRequest, *, goes_to: str, proves: int | None = None
) -> HttpResponseRedirect:
    """Lead the browser to the provider, with what it has to bring back.

    Raises:
        ProviderAway: as `find_provider` does.
    """
    asked = Asked(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        began=clock.now().timestamp(),
        goes_to=goes_to,
        proves=proves,
    )
    led = HttpResponseRedirect(_address_for(asked, return_address(request)))
    led.set_cookie(
        COOKIE,
        signing.dumps(asdict(asked), salt=_SALT),
        max_age=_LASTS,
        path=reverse("admin:provider_return"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return led


def _address_for(asked: Asked, redirect_uri: str) -> str:
    said: list[tuple[str, str]] = [
        ("response_type", "code"),
        ("client_id", settings.OIDC_CLIENT_ID),
        ("redirect_uri", redirect_uri),
        ("scope", " ".join(settings.OIDC_SCOPES)),
        ("state", asked.state),
        ("nonce", asked.nonce),
        ("code_challenge", create_s256_code_challenge(asked.verifier)),
        ("code_challenge_method", "S256"),
        # Has the provider say when the person proved who they are, and ask them where that is too long ago.
        ("max_age", "0" if asked.proves else str(settings.SESSION_COOKIE_AGE)),
    ]
    if asked.proves:
        said.append(("prompt", "login"))
    if settings.OIDC_ACR:
        said.append(("acr_values", " ".join(settings.OIDC_ACR)))
    return str(add_params_to_uri(find_provider().authorization_endpoint, said))


def take_asked(request: HttpRequest, state: str) -> Asked:
    """Return the question that this answers, once, whatever comes of it.

    Raises:
        ProviderRefused: this browser was not sent to the provider, or for something else, or too long ago.
        redis.RedisError: whether it was answered before cannot be told.
    """
    try:
        asked = Asked(**signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT))
    except signing.BadSignature:
        asked = None
    if (
        asked is None
        or not secrets.compare_digest(asked.state.encode(), state.encode())
        or clock.now().timestamp() - asked.began > _LASTS
        or not open_broker().set(f"{_ANSWERED}{sha256_hex(state.encode())}", 1, nx=True, ex=2 * _LASTS)
    ):
        raise ProviderRefused(
            "wrong_state", worded("This sign-in was not begun here, was used, or took too long: begin again.")
        )
    return asked


def return_address(request: HttpRequest) -> str:
    """Return the address that the provider leads back to, which is to be registered there."""
    return request.build_absolute_uri(reverse("admin:provider_return"))
