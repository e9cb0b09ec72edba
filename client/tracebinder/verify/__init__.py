"""Offline verification of an evidence binder, with nothing but the standard library and `cryptography`.

The steps are those of `docs/reference/binder.md`. Trust comes from a file the caller got elsewhere; a key
that arrives inside the binder is never used.
"""

from __future__ import annotations

from tracebinder.verify.errors import (
    BinderFailedError,
    BinderMalformedError,
    BinderUnverifiableError,
    TrustNotMetError,
    VerifyError,
)
from tracebinder.verify.report import Report
from tracebinder.verify.run import verify_binder
from tracebinder.verify.trust import Trust, load_trust

__all__ = [
    "BinderFailedError",
    "BinderMalformedError",
    "BinderUnverifiableError",
    "Report",
    "Trust",
    "TrustNotMetError",
    "VerifyError",
    "load_trust",
    "verify_binder",
]
