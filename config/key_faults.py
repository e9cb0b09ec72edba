"""What is wrong with the signing keys and with what they go on signing, as whoever holds them finds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from django.conf import settings

from evidence.errors import EvidenceError
from evidence.services import log
from evidence.services.keys.binder_signer import check_binder_key
from evidence.services.keys.log_signer import check_log_key
from evidence.worded import sentence_of, worded

_Checks: TypeAlias = tuple[tuple[str, Callable[[], object]], ...]

_OF_THE_LOG: Final[_Checks] = (
    (worded("log key"), check_log_key),
    (worded("log"), log.check_continues_published),
)
_OF_BINDERS: Final[_Checks] = ((worded("binder key"), check_binder_key),)
# A worker looks at the key that it signs with; whoever is neither, as a command, at both.
_BY_PROCESS: Final[dict[str, _Checks]] = {"log": _OF_THE_LOG, "worker": _OF_BINDERS}


def find_key_faults() -> list[str]:
    """Return what keeps this process from signing checkpoints, binders, or both. Makes nothing by asking."""
    faults: list[str] = []
    for name, check in _BY_PROCESS.get(settings.PROCESS, (*_OF_THE_LOG, *_OF_BINDERS)):
        try:
            check()
        except (EvidenceError, OSError) as exc:
            faults.append(worded("%(name)s: %(reason)s", name=name, reason=sentence_of(exc)))
    return faults
