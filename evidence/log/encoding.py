"""Base64 with one text for each value: a second spelling would be a second note with the same signature."""

from __future__ import annotations

import base64
import binascii

from evidence.log.errors import MalformedNote


def encode_base64(data: bytes) -> str:
    """Return standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode()


def decode_base64(text: str) -> bytes:
    """Return the bytes of a text that `encode_base64` could have written.

    Raises:
        MalformedNote: it is no base64, or not the one spelling of its bytes.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise MalformedNote(f"not base64: {text[:40]!r}") from exc
    if encode_base64(data) != text:
        raise MalformedNote(f"not canonical base64: {text[:40]!r}")
    return data
