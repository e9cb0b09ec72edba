"""What the provider says of itself: its addresses and its public keys, kept for a while by each process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from config.safe_address import is_safe_address
from evidence.errors import ProviderAway
from evidence.outgoing import NoAnswer, ask
from evidence.worded import sentence_of, worded

_KEPT: Final = 3600  # seconds
_ASKED_AGAIN: Final = 60  # seconds at the least between two looks for a key that is not there
_ADDRESSES: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_PATH: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider answers."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    takes_secret_in_body: bool  # it takes the client's secret there and not as HTTP's own
    names_itself: bool  # in each answer, by RFC 9207


def find_provider() -> Provider:
    """Return the provider of the settings.

    Raises:
        ProviderAway: it does not answer, is another than configured, or would have us send secrets in the clear.
    """
    key = f"sign-in-provider:{settings.OIDC_ISSUER}"
    found = cache.get(key)
    if found is None:
        found = _read_provider(fetch_json(settings.OIDC_ISSUER.rstrip("/") + _PATH))
        cache.set(key, found, _KEPT)
    return found  # type: ignore[no-any-return]  # what was put there


def find_keys(provider: Provider, *, again: bool = False) -> KeySet:
    """Return the public keys of a provider.

    Args:
        again: one that signed was not among those we knew. Then they are read anew, but not all the time: anybody
            can make up names of keys.

    Raises:
        ProviderAway: it does not answer, or with something else.
    """
    key = f"sign-in-keys:{provider.jwks_uri}"
    told = cache.get(key)
    if told is None or (again and cache.add(f"{key}:again", 1, _ASKED_AGAIN)):
        told = fetch_json(provider.jwks_uri)
        cache.set(key, told, _KEPT)
    try:
        return KeySet.import_key_set(told)
    except (JoseError, KeyError, TypeError, ValueError) as exc:
        raise ProviderAway(
            worded(
                "%(jwks_uri)s gives no keys that we can read: %(reason)s",
                jwks_uri=provider.jwks_uri,
                reason=sentence_of(exc),
            )
        ) from exc


def fetch_json(
    url: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return the JSON object that an address of the provider answers with.

    Raises:
        ProviderAway: none, another status than 200, or something else.
    """
    try:
        status, answer = ask(
            url,
            timeout=settings.OIDC_TIMEOUT,
            body=body,
            headers={"Accept": "application/json", **(headers or {})},
        )
        told = json.loads(answer) if status == 200 else None
    except (NoAnswer, ValueError) as exc:
        raise ProviderAway(
            worded(
                "Sign-in by %(provider)s is not possible now: %(reason)s",
                provider=settings.OIDC_NAME,
                reason=sentence_of(exc),
            )
        ) from exc
    if not isinstance(told, dict):
        raise ProviderAway(
            worded(
                "Sign-in by %(provider)s is not possible now: %(url)s answered %(status)s.",
                provider=settings.OIDC_NAME,
                url=url,
                status=status,
            ),
            status,
        )
    return told


def _read_provider(told: dict[str, Any]) -> Provider:
    if told.get("issuer") != settings.OIDC_ISSUER:
        raise ProviderAway(
            worded(
                "The provider calls itself %(issuer)s, and TRACEBINDER_OIDC_ISSUER is %(expected)s.",
                issuer=repr(told.get("issuer")),
                expected=repr(settings.OIDC_ISSUER),
            )
        )
    addresses = {name: str(told.get(name)) for name in _ADDRESSES}
    scheme = urlsplit(settings.OIDC_ISSUER).scheme  # http on this machine alone, and then for all of them
    if unsafe := [
        url for url in addresses.values() if not (is_safe_address(url) and url.startswith(f"{scheme}://"))
    ]:
        raise ProviderAway(
            worded("The provider names %(unsafe)s, which is no https address.", unsafe=", ".join(unsafe))
        )
    methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Provider(
        **addresses,
        takes_secret_in_body="client_secret_basic" not in methods,
        names_itself=told.get("authorization_response_iss_parameter_supported") is True,
    )
