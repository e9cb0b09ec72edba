"""What this server says about its own keys. It is the start of a trust file, not the trust itself.

Who verifies a binder compares these keys over another channel, and keeps the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.conf import settings

from evidence import clock
from evidence.binder.statement import BINDER_PREDICATE, PRODUCER_VERSION, iso_utc
from evidence.models import Checkpoint
from evidence.services.keys.binder_signer import load_binder_public, trusted_signer
from evidence.services.keys.log_signer import load_log_verifier

TRUST_FORMAT: Final = "tracebinder.trust/1"
_END: Final = "-----END CERTIFICATE-----"


def describe_trust() -> dict[str, object]:
    """Return a `trust.json`: one signer, this server's log as far as it is signed, and all that its binders carry.

    `seenAt` lets binders of an earlier time be of a smaller log, and by an older version. Who verifies takes it out to
    refuse those as well.
    """
    last, key = Checkpoint.objects.order_by("-size").first(), load_log_verifier()
    return {
        "format": TRUST_FORMAT,
        "signers": [trusted_signer(load_binder_public())],
        "threshold": 1,
        "predicateTypes": [BINDER_PREDICATE],
        "log": {
            "origin": settings.LOG_ORIGIN,
            "vkey": key.vkey,
            "formerKeys": [{"vkey": one.key.vkey, "untilSize": one.until_size} for one in key.former],
            "minimumTreeSize": last.size if last else 0,
            "seenAt": iso_utc(last.created_at) if last else None,
            "required": True,
        },
        "producer": {"minimumVersion": PRODUCER_VERSION, "seenAt": iso_utc(clock.now())},
        "requireSidecar": True,
        "requireAuditSlice": True,
        "witnesses": [{"name": vkey.partition("+")[0], "vkey": vkey} for _, vkey in settings.LOG_WITNESSES],
        "quorum": settings.WITNESS_QUORUM,
        "requireWitness": settings.WITNESS_QUORUM,
        **_time_stamping(),
        "maximumAgeDays": None,
    }


def _time_stamping() -> dict[str, object]:
    if not settings.TSA_ROOTS:
        return {}
    pem = Path(settings.TSA_ROOTS).read_text(encoding="ascii")
    roots = [f"{part}{_END}\n" for part in pem.split(_END)[:-1]]
    return {
        "timestampAuthorities": [{"name": settings.TSA_URL, "certificate": root.lstrip()} for root in roots],
        "requireTimestamp": bool(settings.TSA_URL),
    }
