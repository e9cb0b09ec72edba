"""Base64 read strictly: exactly one text stands for one sequence of bytes."""

from __future__ import annotations

import base64
import binascii

from tracebinder.verify.errors import BinderMalformed


def decode_base64(text: str, *, member: str, length: int | None = None) -> bytes:
    """Return the bytes of a standard, padded base64 text.

    Args:
        length: how many bytes it must be; None for any.

    Raises:
        BinderMalformed: other characters, missing or stray padding bits, or another length.
    """
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise BinderMalformed(f"not base64: {text[:40]!r}", member=member) from exc
    if base64.b64encode(raw).decode() != text:
        raise BinderMalformed(f"base64 not in its one proper form: {text[:40]!r}", member=member)
    if length is not None and len(raw) != length:
        raise BinderMalformed(f"expected {length} bytes of base64, found {len(raw)}", member=member)
    return raw
