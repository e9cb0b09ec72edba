"""A proposed version of a reading is approved, declined or withdrawn. For whom, and when: `evidence.acts`."""

from __future__ import annotations

from typing import Final, cast

from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.locks import Lock
from evidence.models import ArtefactKind, ArtefactVersion, ReadingState, ReadingTransition
from evidence.services.proposals import Proposed, settle_proposal

READINGS: Final = Proposed(
    ArtefactKind.READING,
    Lock.READING,
    {
        ReadingState.APPROVED.value: acts.check_can_approve_reading,
        ReadingState.DECLINED.value: acts.check_can_decline_reading,
        ReadingState.WITHDRAWN.value: acts.check_can_withdraw_reading,
    },
)
SETTLED: Final = READINGS.settled


@transaction.atomic
def settle_reading_proposal(
    *, principal: Principal, version: ArtefactVersion, to_state: str, reason: str = ""
) -> ReadingTransition:
    """Approve, decline or withdraw a proposed version of a reading. Once approved, what is sealed from then is read so.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_approve_reading` and its siblings do.
        InvalidInput: as `settle_proposal` does.
    """
    moved = settle_proposal(READINGS, principal=principal, version=version, to_state=to_state, reason=reason)
    return cast("ReadingTransition", moved)
