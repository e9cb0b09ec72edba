"""What this server says about its own keys. It is the start of a trust file, not the trust itself.

Who verifies a binder compares these keys over another channel, and keeps the file.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings

from evidence.binder.statement import BINDER_PREDICATE
from evidence.services.keys.binder_signer import load_binder_public, trusted_signer
from evidence.services.keys.log_signer import load_log_verifier

TRUST_FORMAT: Final = "tracebinder.trust/1"


def describe_trust() -> dict[str, object]:
    """Return a `trust.json`: one signer, and this server's log, inclusion in which it demands.

    The smallest tree size is 0, because only the person who verifies knows the largest one seen before.
    """
    return {
        "format": TRUST_FORMAT,
        "signers": [trusted_signer(load_binder_public())],
        "threshold": 1,
        "predicateTypes": [BINDER_PREDICATE],
        "log": {
            "origin": settings.LOG_ORIGIN,
            "vkey": load_log_verifier().vkey,
            "minimumTreeSize": 0,
            "required": True,
        },
        "witnesses": [],
        "quorum": 0,
        "maximumAgeDays": None,
    }
