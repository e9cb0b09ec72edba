"""Reading what came back: the code is changed into an ID token, and nothing of that is believed before it was checked.

By OpenID Connect Core 1.0, section 3.1.3.7, RFC 7636 (PKCE) and RFC 9207 (whose answer it is).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from authlib.oidc.core import CodeIDToken
from django.conf import settings
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError, MissingKeyError
from joserfc.jwk import KeySet

from config.sign_in.provider.asking import Asked
from config.sign_in.provider.metadata import Provider, fetch_json, find_keys, find_provider
from evidence import clock
from evidence.errors import ProviderAway, ProviderRefused

_LEEWAY: Final = 60  # seconds by which the provider's clock and ours may differ
_REFUSED: Final = {
    400,
    401,
    403,
}  # statuses of a provider that has looked at a code or a client and takes neither
_UNKNOWN_KEY: Final = (InvalidKeyIdError, MissingKeyError)


@dataclass(frozen=True, slots=True)
class Proven:
    """Who somebody is to the provider, checked."""

    subject: str
    proved: float  # when they proved it there, seconds since 1970
    about: Mapping[str, object]  # for the record


def read_answer(said: Mapping[str, str], asked: Asked, redirect_uri: str) -> Proven:
    """Change the code of an answer into who it is.

    Args:
        said: the parameters that the browser brought.

    Raises:
        ProviderRefused: anything of it is not as it should be; the reason is a stable word.
        ProviderAway: the provider does not answer.
    """
    provider = find_provider()
    _check_whose_answer(said, provider)
    if not said.get("code"):
        raise _refuse("no_code", "The provider sent no code.")
    token = _change_code(provider, said["code"], asked, redirect_uri)
    claims = _check_signature(provider, str(token.get("id_token") or ""))
    _check_claims(claims, asked, str(token.get("access_token") or ""))
    _check_when(claims, asked)
    _check_how(claims)
    about = {name: claims[name] for name in ("acr", "amr") if name in claims}
    return Proven(str(claims["sub"]), float(claims["auth_time"]), {"issuer": settings.OIDC_ISSUER, **about})


def _check_whose_answer(said: Mapping[str, str], provider: Provider) -> None:
    if said.get("iss", settings.OIDC_ISSUER if not provider.names_itself else "") != settings.OIDC_ISSUER:
        raise _refuse("wrong_issuer", "This answer is another provider's.")
    if said.get("error"):
        raise _refuse("provider_error", "The provider signed nobody in.")


def _change_code(provider: Provider, code: str, asked: Asked, redirect_uri: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": settings.OIDC_CLIENT_ID,
        "code_verifier": asked.verifier,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if settings.OIDC_CLIENT_SECRET and provider.takes_secret_in_body:
        form["client_secret"] = settings.OIDC_CLIENT_SECRET
    elif settings.OIDC_CLIENT_SECRET:
        both = f"{quote_plus(settings.OIDC_CLIENT_ID)}:{quote_plus(settings.OIDC_CLIENT_SECRET)}"
        headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
    try:
        return fetch_json(provider.token_endpoint, body=urlencode(form).encode(), headers=headers)
    except ProviderAway as exc:
        if exc.status not in _REFUSED:
            raise
        raise _refuse("code_refused", "The provider does not take its code back: begin again.") from exc


def _check_signature(provider: Provider, token: str) -> CodeIDToken:
    try:
        try:
            read = _decode(token, find_keys(provider))
        except _UNKNOWN_KEY:
            read = _decode(token, find_keys(provider, again=True))
    except (JoseError, ValueError, TypeError, KeyError) as exc:
        raise _refuse("bad_signature", "What the provider sent is not signed by it.") from exc
    return CodeIDToken(
        read.claims,
        read.header,
        {
            "iss": {"essential": True, "value": settings.OIDC_ISSUER},
            "aud": {"essential": True, "value": settings.OIDC_CLIENT_ID},
            "sub": {"essential": True},
            "exp": {"essential": True},
            "iat": {"essential": True},
        },
    )


def _decode(token: str, keys: KeySet) -> jwt.Token:
    return jwt.decode(token, keys, algorithms=list(settings.OIDC_ALGORITHMS))


def _check_claims(claims: CodeIDToken, asked: Asked, access_token: str) -> None:
    claims.params = {
        "nonce": asked.nonce,
        "client_id": settings.OIDC_CLIENT_ID,
        "access_token": access_token,
    }
    try:
        claims.validate(now=int(clock.now().timestamp()), leeway=_LEEWAY)
    except (JoseError, ValueError, TypeError) as exc:
        raise _refuse(
            f"wrong_{getattr(exc, 'claim', None) or 'claims'}",
            f"What the provider sent is not for this sign-in: {exc}",
        ) from exc
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise _refuse("wrong_sub", "The provider does not say who it is.")


def _check_when(claims: CodeIDToken, asked: Asked) -> None:
    """See that the person proved who they are lately: for a proof, since we asked."""
    proved = claims.get("auth_time")
    if isinstance(proved, bool) or not isinstance(proved, (int, float)):
        raise _refuse("no_auth_time", "The provider does not say when you proved who you are (`auth_time`).")
    now = clock.now().timestamp()
    earliest = asked.began if asked.proves else now - settings.SESSION_COOKIE_AGE
    if not earliest - _LEEWAY <= proved <= now + _LEEWAY:
        raise _refuse("old_proof", "The provider did not ask you again who you are: try again.")


def _check_how(claims: CodeIDToken) -> None:
    """See that it was by the means that the settings demand."""
    used = claims.get("amr") or []
    if settings.OIDC_ACR and claims.get("acr") not in settings.OIDC_ACR:
        raise _refuse(
            "wrong_acr", f"Sign in there with a second factor: {' or '.join(settings.OIDC_ACR)} is asked for."
        )
    if settings.OIDC_AMR and not set(settings.OIDC_AMR) & {str(each) for each in used}:
        raise _refuse(
            "wrong_amr", f"Sign in there with a second factor: {' or '.join(settings.OIDC_AMR)} is asked for."
        )


def _refuse(reason: str, message: str) -> ProviderRefused:
    return ProviderRefused(reason, message)
