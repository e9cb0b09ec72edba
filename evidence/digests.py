"""Digests and canonical bytes. Django-free: the offline verifier's tests use the same functions.

Every digest in the project is SHA-256, written as 64 lower-case hexadecimal characters. Every digest *of a
structure* is taken over its RFC 8785 canonical JSON, so that another program in another language gets the same.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import rfc8785

DIGEST_PREFIX: Final = "sha256:"
_HEX_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class DigestError(ValueError):
    """A value that cannot be digested, or a text that is no SHA-256 digest."""


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hexadecimal characters."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: object) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Raises:
        DigestError: NaN, an infinity, an integer of 2^53 or more, or a type JSON does not have. Carry such
            numbers as strings.
    """
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # rfc8785 types JSON recursively, object does not
    except rfc8785.CanonicalizationError as exc:
        raise DigestError(f"no canonical JSON for this value: {exc}") from exc


def digest_of(value: object) -> str:
    """Return the SHA-256 of a JSON value's canonical bytes. Raises `DigestError` as `canonical_json` does."""
    return sha256_hex(canonical_json(value))


def parse_digest(text: str) -> str:
    """Return the 64 hexadecimal characters of a digest given with or without the `sha256:` prefix.

    Raises:
        DigestError: the text is not a SHA-256 digest.
    """
    candidate = text.strip().lower().removeprefix(DIGEST_PREFIX)
    if not _HEX_DIGEST.fullmatch(candidate):
        raise DigestError(f"not a SHA-256 digest (64 hexadecimal characters): {text[:80]!r}")
    return candidate
