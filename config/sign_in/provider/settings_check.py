"""Settings of single sign-on that would let in whom they should not, or nobody: refused while they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from config.env import ConfigurationError
from config.safe_address import is_safe_address

# Signed by the provider's private key. With HS256 whoever knows the public half, or our secret, could sign; with
# `none`, anybody.
ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What the environment says of single sign-on, and of what stands beside it."""

    issuer: str
    client_id: str
    algorithms: Collection[str]
    demands_two_factors: bool  # of the provider
    needs_two_factors: bool  # here
    takes_passwords: bool


def refuse_unusable_provider(given: ProviderSettings) -> None:
    """End a start whose settings of single sign-on do not go together.

    Raises:
        ConfigurationError: with a sentence for each fault, which says what to set.
    """
    if faults := list(_find_faults(given)):
        raise ConfigurationError(" ".join(faults))


def _find_faults(given: ProviderSettings) -> Iterator[str]:
    if not given.issuer:
        if not given.takes_passwords:
            yield "TRACEBINDER_PASSWORD_SIGN_IN is false and there is no TRACEBINDER_OIDC_ISSUER: nobody could sign in."
        return
    parts = urlsplit(given.issuer)
    if not is_safe_address(given.issuer) or parts.query or parts.fragment:
        yield (
            f"TRACEBINDER_OIDC_ISSUER is {given.issuer!r}: it must be the provider's `issuer`, an https address "
            "without ? and #."
        )
    if not given.client_id:
        yield "TRACEBINDER_OIDC_CLIENT_ID is not set: register this server with the provider, which gives it one."
    if unsafe := sorted(set(given.algorithms) - set(ALGORITHMS)) or not given.algorithms:
        yield (
            f"TRACEBINDER_OIDC_ALGORITHMS holds {unsafe}: it takes some of {', '.join(ALGORITHMS)}, with which the "
            "provider alone can sign."
        )
    if given.needs_two_factors and not given.demands_two_factors:
        yield (
            "TRACEBINDER_SECOND_FACTOR_REQUIRED is true, so the provider must be asked for a second factor, too: set "
            "TRACEBINDER_OIDC_ACR or TRACEBINDER_OIDC_AMR to what it then says."
        )
