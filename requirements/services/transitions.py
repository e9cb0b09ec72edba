"""The life of a requirement version: one table says which state leads where."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from evidence import clock
from evidence.actors import same_person
from evidence.locks import Lock, hold
from evidence.services import audit, registry
from requirements.errors import SelfApproval, TransitionNotAllowed
from requirements.models import RequirementState, RequirementTransition, RequirementVersion
from requirements.selectors.requirements import state_of

VALID_TRANSITIONS: Final[dict[RequirementState, frozenset[RequirementState]]] = {
    RequirementState.DRAFT: frozenset({RequirementState.IN_REVIEW, RequirementState.RETIRED}),
    RequirementState.IN_REVIEW: frozenset(
        {RequirementState.DRAFT, RequirementState.APPROVED, RequirementState.RETIRED}
    ),
    RequirementState.APPROVED: frozenset({RequirementState.SUPERSEDED, RequirementState.RETIRED}),
    RequirementState.SUPERSEDED: frozenset(),
    RequirementState.RETIRED: frozenset(),
}


@transaction.atomic
def transition_requirement(
    *, version: RequirementVersion, to_state: str, actor: str, reason: str = ""
) -> RequirementTransition:
    """Move a version to a state; a version that is there already stays, and nothing is added.

    Approving a version supersedes the one approved before it, in the same transaction.

    Raises:
        TransitionNotAllowed: the state does not lead there, or a version is superseded by hand.
        SelfApproval: who proposed a version, or asked for its review, may not approve it.
    """
    hold(Lock.REQUIREMENT, version.requirement_id)  # so that two approvals cannot both stand
    state = state_of(version)
    if state == to_state:
        return version.transitions.order_by("-at", "-pk")[0]
    check_can_transition(version=version, state=state, to_state=to_state, actor=actor)
    if to_state == RequirementState.APPROVED:
        _supersede_earlier(version, actor)
    return _record(version, RequirementState(to_state), actor, reason)


def check_can_transition(
    *, version: RequirementVersion, state: RequirementState, to_state: str, actor: str
) -> None:
    """Raise what `transition_requirement` would raise."""
    allowed = VALID_TRANSITIONS[state]
    if to_state not in allowed:
        ways = ", ".join(sorted(allowed)) or "nowhere"
        raise TransitionNotAllowed(f"{version} is {state.value}, which leads to {ways}, not to {to_state}.")
    if to_state == RequirementState.SUPERSEDED:
        raise TransitionNotAllowed("A version is superseded by approving a newer one, not by hand.")
    if to_state == RequirementState.APPROVED:
        proposers = {version.proposed_by, *_submitters(version)}
        if any(same_person(actor, proposer) for proposer in proposers):
            raise SelfApproval(f"{actor} proposed {version}; a second person must approve it.")


def can_transition(*, version: RequirementVersion, to_state: str, actor: str) -> bool:
    """Whether `transition_requirement` would go through; for buttons."""
    try:
        check_can_transition(version=version, state=state_of(version), to_state=to_state, actor=actor)
    except (TransitionNotAllowed, SelfApproval):
        return False
    return True


def _submitters(version: RequirementVersion) -> list[str]:
    asked = version.transitions.filter(to_state=RequirementState.IN_REVIEW)
    return list(asked.values_list("by", flat=True))


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
        registry.register_version(version=version.artefact_version, actor=actor, reason="approved")
        for criterion in version.criteria.select_related("artefact_version__artefact__system"):
            registry.register_version(version=criterion.artefact_version, actor=actor, reason="approved")
    audit.record(
        verb=f"requirement_version.{to_state.value}",
        actor=actor,
        obj=version,
        system=system,
        digest=version.artefact_version.digest,
        payload={"reason": reason} if reason else None,
    )
    return transition
