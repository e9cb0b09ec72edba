"""A proposed version of a gate is approved, declined or withdrawn. For whom each step is, and when: `evidence.acts`."""

from __future__ import annotations

from typing import Final, cast

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from evidence import acts
from evidence.access import Principal
from evidence.errors import ConflictingContent
from evidence.locks import Lock
from evidence.models import ArtefactKind, ArtefactVersion, GateState, GateTransition
from evidence.services.proposals import Proposed, settle_proposal
from evidence.worded import worded


def _check_is_fixed(version: ArtefactVersion) -> None:
    """See that each baseline which a version asks for is frozen: else whoever freezes it says alone what that is.

    Raises:
        ConflictingContent: one is not.
    """
    named = [entry["baseline"] for entry in version.metadata.get("criteria", []) if entry.get("baseline")]
    find_unfrozen = import_string(settings.GATE_BASELINES)
    if unfrozen := find_unfrozen(system=version.artefact.system, names=named):
        raise ConflictingContent(
            worded(
                "Nobody has frozen baseline %(unfrozen)s yet, so whoever does would choose alone what "
                "%(version)s asks for: have it frozen, and approve then.",
                unfrozen=", ".join(unfrozen),
                version=version,
            )
        )


GATES: Final = Proposed(
    ArtefactKind.GATE,
    Lock.GATE_KEY,
    {
        GateState.APPROVED.value: acts.check_can_approve_gate,
        GateState.DECLINED.value: acts.check_can_decline_gate,
        GateState.WITHDRAWN.value: acts.check_can_withdraw_gate,
    },
    _check_is_fixed,
)
SETTLED: Final = GATES.settled


@transaction.atomic
def settle_gate_proposal(
    *, principal: Principal, version: ArtefactVersion, to_state: str, reason: str = ""
) -> GateTransition:
    """Approve, decline or withdraw a proposed version of a gate. Once approved, it decides in place of the one before.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_approve_gate` and its siblings do.
        ConflictingContent: a version is approved that asks for a baseline which nobody has frozen.
        InvalidInput: as `settle_proposal` does.
    """
    moved = settle_proposal(GATES, principal=principal, version=version, to_state=to_state, reason=reason)
    return cast("GateTransition", moved)
