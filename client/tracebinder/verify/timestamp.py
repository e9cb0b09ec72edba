"""RFC 3161 time-stamps over a checkpoint's text; `pip install tracebinder[timestamps]` adds what checks them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.util import find_spec

from cryptography.x509 import Certificate

from tracebinder.verify.bag import TIMESTAMP
from tracebinder.verify.errors import BinderFailed, BinderMalformed


def can_check() -> bool:
    """Say whether time-stamps can be checked here."""
    return find_spec("rfc3161_client") is not None


def check_timestamp(response: bytes, text: str, roots: Sequence[Certificate]) -> datetime:
    """Return when an authority that one of the roots vouches for stamped a text.

    Raises:
        BinderMalformed: it is no time-stamp.
        BinderFailed: it is over something else, or by nobody who is trusted.
    """
    from rfc3161_client import (  # noqa: PLC0415  # optional: most binders carry none
        VerificationError,
        VerifierBuilder,
        decode_timestamp_response,
    )

    try:
        answer = decode_timestamp_response(response)
        stamped_at = answer.tst_info.gen_time.astimezone(timezone.utc)
    except ValueError as exc:
        raise BinderMalformed(f"no time-stamp response: {exc}", member=TIMESTAMP) from exc
    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify_message(answer, text.encode())
    except (VerificationError, ValueError) as exc:
        raise BinderFailed(f"the time-stamp does not hold: {exc}", member=TIMESTAMP) from exc
    return stamped_at
