"""A proposed version of a gate is approved, declined or withdrawn. For whom each step is, and when: `evidence.acts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.errors import InvalidInput
from evidence.locks import Lock, hold
from evidence.models import ArtefactVersion, GateState, GateTransition, Registration
from evidence.services import audit, registry

# The steps that end a proposal. A version is proposed with its criteria: `propose_gate`.
SETTLED: Final[Mapping[str, Callable[[Principal, ArtefactVersion], None]]] = {
    GateState.APPROVED: acts.check_can_approve_gate,
    GateState.DECLINED: acts.check_can_decline_gate,
    GateState.WITHDRAWN: acts.check_can_withdraw_gate,
}


@transaction.atomic
def settle_gate_proposal(
    *, principal: Principal, version: ArtefactVersion, to_state: str, reason: str = ""
) -> GateTransition:
    """Approve, decline or withdraw a proposed version of a gate. Once approved, it decides in place of the one before.

    Whoever took the last step and asks for it again is answered with it, and nothing is added.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_approve_gate` and its siblings do.
        InvalidInput: there is no such step, or a proposal is declined without saying why.
    """
    if to_state not in SETTLED:
        raise InvalidInput(f"A proposed version of a gate is one of {', '.join(SETTLED)}, not {to_state!r}.")
    hold(Lock.GATE_KEY, version.artefact.system_id, version.artefact.key)
    last = version.gate_transitions.order_by("pk").last()
    if last is not None and (last.to_state, last.by) == (to_state, principal.actor):
        return last
    SETTLED[to_state](principal, version)
    if to_state == GateState.DECLINED and not reason.strip():
        raise InvalidInput("Say why: whoever proposed the version is told the reason.")
    if to_state == GateState.APPROVED:
        registry.record_registration(
            version=version, actor=principal.actor, basis=Registration.Basis.APPROVAL, reason="approved"
        )
    return record_gate_transition(version, GateState(to_state), principal.actor, reason)


def record_gate_transition(
    version: ArtefactVersion, to_state: GateState, actor: str, reason: str
) -> GateTransition:
    """Store a step and its audit event, in the transaction of whoever may take it."""
    transition = GateTransition.objects.create(
        version=version, to_state=to_state, by=actor, reason=reason, at=clock.now()
    )
    audit.record(
        verb=f"gate_version.{to_state.value}",
        actor=actor,
        obj=version,
        system=version.artefact.system,
        digest=version.digest,
        payload={"reason": reason} if reason else None,
    )
    return transition
