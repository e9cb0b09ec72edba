"""Where signing keys are asked for that other processes hold: addresses that nobody else reads or answers at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from config.env import ConfigurationError
from config.safe_address import is_safe_address

SCHEME: Final = "kms+"
SHORTEST_TOKEN: Final = 32  # characters


def refuse_unusable_keys(uris: Mapping[str, str], token: str) -> None:
    """End a start that names a key at an address that is not safe, or without what opens it.

    Args:
        uris: by the name of the variable; empty ones name a file.

    Raises:
        ConfigurationError: names the variable.
    """
    for name, uri in uris.items():
        parts = urlsplit(uri)
        if not uri:
            continue
        if (
            not uri.startswith(SCHEME)
            or not is_safe_address(uri.removeprefix(SCHEME))
            or parts.query
            or parts.fragment
        ):
            raise ConfigurationError(
                f"{name} is kms+https://HOST/PATH, or kms+http:// on this machine, without ? and #, not {uri!r}"
            )
        if len(token) < SHORTEST_TOKEN:
            raise ConfigurationError(
                f"{name} needs TRACEBINDER_KMS_TOKEN, of {SHORTEST_TOKEN} characters or more, which its signer knows"
            )
