"""Who may do what with requirements, and when. How an act is written: `evidence.acts`."""

from __future__ import annotations

from typing import Final

from evidence.access import Principal
from evidence.actors import same_person
from evidence.acts import (
    as_question,
    check_can_approve,
    check_can_ask_gate,
    check_not_led,
    check_of_system,
)
from evidence.models import Release, Scope, System
from requirements.errors import RequirementsError, SelfApproval, TransitionNotAllowed
from requirements.models import RequirementState, RequirementVersion
from requirements.selectors.requirements import state_of

# The life of a requirement version: which state leads where.
VALID_TRANSITIONS: Final[dict[RequirementState, frozenset[RequirementState]]] = {
    RequirementState.DRAFT: frozenset({RequirementState.IN_REVIEW, RequirementState.RETIRED}),
    RequirementState.IN_REVIEW: frozenset(
        {RequirementState.DRAFT, RequirementState.APPROVED, RequirementState.RETIRED}
    ),
    RequirementState.APPROVED: frozenset({RequirementState.SUPERSEDED, RequirementState.RETIRED}),
    RequirementState.SUPERSEDED: frozenset(),
    RequirementState.RETIRED: frozenset(),
}
# Steps that take something from somebody, so they say why.
NEEDS_REASON: Final = frozenset({RequirementState.DRAFT, RequirementState.RETIRED})


def check_can_import_requirements(principal: Principal, system: System) -> None:
    """Draft requirements of a system, and freeze baselines of them: an author."""
    principal.require(Scope.IMPORT)
    check_of_system(principal, system)


def check_can_assess(principal: Principal, release: Release, *, counts_reviews: bool = False) -> None:
    """Have a release assessed: whoever may ask its gates, and may know what is counted."""
    check_can_ask_gate(principal, release.system)
    if counts_reviews:
        check_not_led(principal, release)


def check_can_move(principal: Principal, version: RequirementVersion, to_state: str) -> None:
    """Take such a step at all, whatever state the version is in.

    Authors propose. Approvers approve, retire and send back; whoever proposed a version may also take it back.
    """
    if to_state == RequirementState.IN_REVIEW:
        principal.require(Scope.IMPORT)
    elif not (to_state == RequirementState.DRAFT and _is_own_proposal(principal, version)):
        check_can_approve(principal)
    check_of_system(principal, version.requirement.system)


def check_can_transition(principal: Principal, version: RequirementVersion, to_state: str) -> None:
    """Move a version to a state: the step is this principal's, the state it is in leads there, four eyes see it."""
    check_can_move(principal, version, to_state)
    state = state_of(version)
    allowed = VALID_TRANSITIONS[state]
    if to_state not in allowed:
        ways = ", ".join(sorted(allowed)) or "nowhere"
        raise TransitionNotAllowed(f"{version} is {state.value}, which leads to {ways}, not to {to_state}.")
    if to_state == RequirementState.SUPERSEDED:
        raise TransitionNotAllowed("A version is superseded by approving a newer one, not by hand.")
    if to_state == RequirementState.APPROVED and _proposed(principal.actor, version):
        raise SelfApproval(f"You proposed {version}; a second person must approve it.")


def _is_own_proposal(principal: Principal, version: RequirementVersion) -> bool:
    return principal.may(Scope.IMPORT) and _proposed(principal.actor, version)


def _proposed(actor: str, version: RequirementVersion) -> bool:
    """Whether the person behind an actor wrote a version, or asked for its approval."""
    asked = version.transitions.filter(to_state=RequirementState.IN_REVIEW).values_list("by", flat=True)
    return any(same_person(actor, proposer) for proposer in {version.proposed_by, *asked})


can_import_requirements = as_question(check_can_import_requirements)
can_assess = as_question(check_can_assess)
can_move = as_question(check_can_move)
can_transition = as_question(check_can_transition, RequirementsError)
