"""What is wrong with the signing keys and with what they go on signing, as whoever holds them finds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from evidence.errors import EvidenceError
from evidence.services import log
from evidence.services.keys.binder_signer import check_binder_key
from evidence.services.keys.log_signer import check_log_key

_CHECKS: Final[tuple[tuple[str, Callable[[], object]], ...]] = (
    ("log key", check_log_key),
    ("log", log.check_continues_published),
    ("binder key", check_binder_key),
)


def find_key_faults() -> list[str]:
    """Return what keeps checkpoints or binders from being signed. Makes nothing by asking."""
    faults = []
    for name, check in _CHECKS:
        try:
            check()
        except (EvidenceError, OSError) as exc:
            faults.append(f"{name}: {exc}")
    return faults
