"""Offline verification of an evidence binder, with nothing but the standard library and `cryptography`.

The steps are those of `docs/reference/binder.md`. Trust comes from a file the caller got elsewhere; a key
that arrives inside the binder is never used.
"""

from __future__ import annotations

from tracebinder.verify.errors import (
    BinderFailed,
    BinderMalformed,
    BinderUnverifiable,
    TrustNotMet,
    VerifyError,
)
from tracebinder.verify.report import Report
from tracebinder.verify.run import verify_binder
from tracebinder.verify.trust import Trust, load_trust

__all__ = [
    "BinderFailed",
    "BinderMalformed",
    "BinderUnverifiable",
    "Report",
    "Trust",
    "TrustNotMet",
    "VerifyError",
    "load_trust",
    "verify_binder",
]
