"""A proposed version of a gate is approved, declined or withdrawn. For whom each step is, and when: `evidence.acts`."""

from __future__ import annotations

from typing import Final, cast

from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.locks import Lock
from evidence.models import ArtefactKind, ArtefactVersion, GateState, GateTransition
from evidence.services.proposals import Proposed, settle_proposal

GATES: Final = Proposed(
    ArtefactKind.GATE,
    Lock.GATE_KEY,
    {
        GateState.APPROVED.value: acts.check_can_approve_gate,
        GateState.DECLINED.value: acts.check_can_decline_gate,
        GateState.WITHDRAWN.value: acts.check_can_withdraw_gate,
    },
)
SETTLED: Final = GATES.settled


@transaction.atomic
def settle_gate_proposal(
    *, principal: Principal, version: ArtefactVersion, to_state: str, reason: str = ""
) -> GateTransition:
    """Approve, decline or withdraw a proposed version of a gate. Once approved, it decides in place of the one before.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_approve_gate` and its siblings do.
        InvalidInput: as `settle_proposal` does.
    """
    moved = settle_proposal(GATES, principal=principal, version=version, to_state=to_state, reason=reason)
    return cast("GateTransition", moved)
