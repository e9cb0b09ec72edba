"""Moving a requirement version from state to state. Which state leads where, and for whom: `requirements.acts`."""

from __future__ import annotations

from django.db import transaction

from evidence import clock
from evidence.access import Principal
from evidence.errors import InvalidInput
from evidence.locks import Lock, hold
from evidence.models import Registration
from evidence.services import audit, registry
from requirements import acts
from requirements.models import RequirementState, RequirementTransition, RequirementVersion
from requirements.selectors.requirements import state_of


@transaction.atomic
def transition_requirement(
    *, principal: Principal, version: RequirementVersion, to_state: str, reason: str = ""
) -> RequirementTransition:
    """Move a version to a state; a version that is there already stays, and nothing is added.

    Approving a version supersedes the one approved before it, in the same transaction.

    Raises:
        AccessDenied, NotFound, TransitionNotAllowed, SelfApproval: as `acts.check_can_transition` does.
        InvalidInput: a version is sent back, taken back or retired without saying why.
    """
    acts.check_can_move(principal, version, to_state)
    hold(Lock.REQUIREMENT, version.requirement_id)  # so that two approvals cannot both stand
    state = state_of(version)
    if state == to_state:
        return version.transitions.order_by("-at", "-pk")[0]
    acts.check_can_transition(principal, version, to_state)
    if to_state in acts.NEEDS_REASON and not reason.strip():
        raise InvalidInput("Say why: a version is sent back, taken back or retired with a reason.")
    if to_state == RequirementState.APPROVED:
        _supersede_earlier(version, principal.actor)
    return _record(version, RequirementState(to_state), principal.actor, reason)


def _supersede_earlier(version: RequirementVersion, actor: str) -> None:
    for other in version.requirement.versions.exclude(pk=version.pk):
        if state_of(other) == RequirementState.APPROVED:
            _record(other, RequirementState.SUPERSEDED, actor, f"superseded by {version}")


def _record(
    version: RequirementVersion, to_state: RequirementState, actor: str, reason: str
) -> RequirementTransition:
    system = version.requirement.system
    transition = RequirementTransition.objects.create(
        version=version, to_state=to_state, by=actor, reason=reason, at=clock.now()
    )
    if to_state == RequirementState.APPROVED:
        criteria = version.criteria.select_related("artefact_version__artefact__system")
        identities = [version.artefact_version, *(criterion.artefact_version for criterion in criteria)]
        for identity in identities:
            registry.record_registration(
                version=identity,
                actor=actor,
                basis=Registration.Basis.APPROVAL,
                reason="approved",
            )
    audit.record(
        verb=f"requirement_version.{to_state.value}",
        actor=actor,
        obj=version,
        system=system,
        digest=version.artefact_version.digest,
        payload={"reason": reason} if reason else None,
    )
    return transition
