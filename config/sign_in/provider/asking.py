"""Sending somebody to the provider, and what we have to remember until they come back."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Final

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.urls import reverse

from config.sign_in.provider.metadata import find_provider
from evidence import clock
from evidence.errors import ProviderRefused

_ASKED: Final = "tracebinder_asked_provider"  # of a session
_LASTS: Final = 10 * 60  # seconds somebody may take to sign in there


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to the provider: in the session of whoever was sent there, and gone once it was answered."""

    state: str
    nonce: str
    verifier: str  # of RFC 7636
    began: float  # seconds since 1970
    goes_to: str
    proves: int | None  # the person who is signed in and proves again who they are; None at a sign-in


def send_to_provider(request: HttpRequest, *, goes_to: str, proves: int | None = None) -> str:
    """Return the address at the provider to lead the browser to.

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
    address = find_provider().authorization_endpoint
    request.session[_ASKED] = asdict(asked)
    said: list[tuple[str, str]] = [
        ("response_type", "code"),
        ("client_id", settings.OIDC_CLIENT_ID),
        ("redirect_uri", return_address(request)),
        ("scope", " ".join(settings.OIDC_SCOPES)),
        ("state", asked.state),
        ("nonce", asked.nonce),
        ("code_challenge", create_s256_code_challenge(asked.verifier)),
        ("code_challenge_method", "S256"),
        # Has the provider say when the person proved who they are, and ask them where that is too long ago.
        ("max_age", "0" if proves else str(settings.SESSION_COOKIE_AGE)),
    ]
    if proves:
        said.append(("prompt", "login"))
    if settings.OIDC_ACR:
        said.append(("acr_values", " ".join(settings.OIDC_ACR)))
    return str(add_params_to_uri(address, said))


def take_asked(session: SessionBase, state: str) -> Asked:
    """Return the question that this answers, once.

    Raises:
        ProviderRefused: this browser was not sent to the provider, or for something else, or too long ago.
    """
    kept = session.pop(_ASKED, None)
    asked = Asked(**kept) if kept else None
    if (
        asked is None
        or not secrets.compare_digest(asked.state.encode(), state.encode())
        or clock.now().timestamp() - asked.began > _LASTS
    ):
        raise ProviderRefused(
            "wrong_state", "This sign-in was not begun here, was used, or took too long: begin again."
        )
    return asked


def return_address(request: HttpRequest) -> str:
    """Return the address that the provider leads back to, which is to be registered there."""
    return request.build_absolute_uri(reverse("admin:provider_return"))
