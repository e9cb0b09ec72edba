"""Who may do what with requirements, and when. How an act is written: `evidence.acts`."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from evidence.access import Principal
from evidence.actors import same_person
from evidence.acts import (
    APPROVER,
    as_question,
    check_can_approve,
    check_can_ask_gate,
    check_not_led,
    check_of_system,
    check_signed_in,
)
from evidence.errors import AccessDenied, ConflictingContent
from evidence.models import ArtefactVersion, Release, Scope, System
from evidence.worded import Coded, joined, worded
from requirements.errors import (
    NewerVersionAhead,
    RequirementsError,
    SelfApproval,
    SelfClearance,
    SelfSignOff,
    TransitionNotAllowed,
)
from requirements.life import AHEAD, INSTEAD, VALID_TRANSITIONS
from requirements.models import (
    Baseline,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
    RetirementRequest,
    TraceLink,
)
from requirements.selectors.requirements import newest_of, show_standing, state_of, with_state
from requirements.selectors.retirements import WAITING
from requirements.selectors.retirements import state_of as state_of_request


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

    Authors propose. Approvers approve and send back; whoever proposed a version may also take it back.
    """
    if to_state == RequirementState.IN_REVIEW:
        principal.require(Scope.IMPORT)
    elif not (to_state == RequirementState.DRAFT and _is_own_proposal(principal, version)):
        check_can_approve(principal)
    check_of_system(principal, version.requirement.system)


def check_can_transition(principal: Principal, version: RequirementVersion, to_state: str) -> None:
    """Move a version to a state: the step is this principal's, the state it is in leads there, four eyes see it.

    An older version is not approved while a newer one is in review or approved.
    """
    check_can_move(principal, version, to_state)
    _check_leads(version, to_state)
    if to_state in INSTEAD:
        raise TransitionNotAllowed(INSTEAD[RequirementState(to_state)])
    if to_state == RequirementState.APPROVED:
        if _proposed(principal.actor, version):
            raise SelfApproval(
                worded("You proposed %(version)s; a second person must approve it.", version=version)
            )
        _check_newest(version)


def check_may_ask_retirement(principal: Principal, version: RequirementVersion) -> None:
    """Ask that a version is retired at all, whatever state it is in: an author, or an approver."""
    if not principal.may(Scope.IMPORT):
        check_can_approve(principal)
    check_of_system(principal, version.requirement.system)


def check_can_ask_retirement(principal: Principal, version: RequirementVersion) -> None:
    """Ask that a version is retired: an author or an approver. It stands until another person grants it."""
    check_may_ask_retirement(principal, version)
    _check_leads(version, RequirementState.RETIRED)


def check_may_confirm_retirement(principal: Principal, request: RetirementRequest) -> None:
    """Retire a version, whether or not the request still waits, which lists of what waits know."""
    check_can_approve(principal)
    check_of_system(principal, request.version.requirement.system)
    if same_person(request.requested_by, principal.actor):
        raise AccessDenied(worded("You asked for this retirement; a second person must grant it."))


def check_can_confirm_retirement(principal: Principal, request: RetirementRequest) -> None:
    """Retire a version: an approver who did not ask for it."""
    check_may_confirm_retirement(principal, request)
    _check_waits(request)


def check_can_decline_retirement(principal: Principal, request: RetirementRequest) -> None:
    """Leave a version as it stands: an approver."""
    check_can_approve(principal)
    check_of_system(principal, request.version.requirement.system)
    _check_waits(request)


def check_can_withdraw_retirement(principal: Principal, request: RetirementRequest) -> None:
    """Take a request back: whoever asked."""
    check_may_ask_retirement(principal, request.version)
    if not same_person(request.requested_by, principal.actor):
        raise AccessDenied(
            worded("Somebody else asked for this: they withdraw it, or an approver declines it.")
        )
    _check_waits(request)


def approved_beside(version: RequirementVersion) -> list[RequirementVersion]:
    """Return the other versions of the requirement that are approved: what approving this one supersedes."""
    others = with_state(RequirementVersion.objects.filter(requirement=version.requirement))
    approved = others.filter(state_now=RequirementState.APPROVED).exclude(pk=version.pk)
    return list(approved.select_related("requirement__system", "artefact_version"))


def _check_leads(version: RequirementVersion, to_state: str) -> None:
    state = state_of(version)
    allowed = VALID_TRANSITIONS[state]
    if to_state not in allowed:
        told = {"version": version, "state": Coded(state.value)}
        if not allowed:
            raise TransitionNotAllowed(worded("%(version)s is %(state)s: it goes to no other state.", **told))
        raise TransitionNotAllowed(
            worded(
                "%(version)s is %(state)s, which leads to %(ways)s, not to %(to_state)s.",
                **told,
                ways=joined(map(Coded, sorted(allowed))),
                to_state=Coded(to_state),
            )
        )


def _check_newest(version: RequirementVersion) -> None:
    newer = with_state(
        RequirementVersion.objects.filter(requirement=version.requirement, number__gt=version.number)
    )
    ahead = newer.filter(state_now__in=AHEAD).select_related("requirement").order_by("-number").first()
    if ahead is not None:
        state = RequirementState(ahead.state_now).label.lower()
        raise NewerVersionAhead(
            worded(
                "%(ahead)s is newer than %(version)s and is %(state)s: %(version)s is not approved over "
                "it. Decide on %(ahead)s, or have its words written again as a new version.",
                ahead=ahead,
                version=version,
                state=Coded(state),
            ),
            show_standing(version),
            show_standing(newest_of(version)),
        )


def _check_waits(request: RetirementRequest) -> None:
    state = state_of_request(request)
    if state == WAITING:
        return
    if hasattr(request, "dismissal"):
        ended = request.dismissal
        raise ConflictingContent(
            worded(
                "%(dismissed_by)s ended this request before (%(outcome)s): nothing was stored.",
                dismissed_by=ended.dismissed_by,
                outcome=Coded(ended.outcome),
            )
        )
    last = request.version.transitions.order_by("-at", "-pk")[0]
    raise ConflictingContent(
        worded(
            "%(by)s moved %(request_version)s to %(to_state)s before, “%(reason)s”: this request is "
            "%(state)s, and nothing was stored.",
            by=last.by,
            request_version=request.version,
            to_state=Coded(last.to_state),
            reason=last.reason,
            state=Coded(state),
        )
    )


def check_can_link(principal: Principal, system: System) -> None:
    """Say that something answers to something: an author, or CI in their name."""
    principal.require(Scope.IMPORT)
    check_of_system(principal, system)


def check_can_clear_link(
    principal: Principal, link: TraceLink, changed: Collection[ArtefactVersion] = ()
) -> None:
    """Say that a suspect link holds: an author or an approver, in person, who did not make the change.

    Args:
        changed: the versions that came after those reviewed, up to what counts now; empty: they are not known yet.
    """
    check_signed_in(principal, worded("Clearing a link"))
    if APPROVER not in principal.roles:
        principal.require(Scope.IMPORT)
    check_of_system(principal, link.system)
    _check_made_by_others(principal, changed)


def check_can_restore_link(
    principal: Principal, link: TraceLink, changed: Collection[ArtefactVersion]
) -> None:
    """Say that a link holds again that was withdrawn: an author, in person, who did not make what moved since."""
    check_signed_in(principal, worded("Adding a link again that was withdrawn"))
    check_can_link(principal, link.system)
    _check_made_by_others(principal, changed)


def _check_made_by_others(principal: Principal, changed: Collection[ArtefactVersion]) -> None:
    for version in changed:
        if any(same_person(principal.actor, author) for author in _authors_of(version)):
            raise SelfClearance(
                worded(
                    "You made %(artefact_key)s v%(number)s: a second person must say that the link holds.",
                    artefact_key=version.artefact.key,
                    number=version.number,
                )
            )


def check_can_withdraw_link(principal: Principal, link: TraceLink) -> None:
    """Say that a link no longer counts: an approver who did not make it."""
    check_can_approve(principal)
    check_of_system(principal, link.system)
    if same_person(principal.actor, link.created_by):
        raise SelfClearance(
            worded("You made the link %(link)s: a second person must withdraw it.", link=link)
        )


def check_can_sign_off_baseline(principal: Principal, baseline: Baseline) -> None:
    """Agree to a baseline: an approver who did not freeze it."""
    check_can_approve(principal)
    check_of_system(principal, baseline.system)
    if same_person(principal.actor, baseline.created_by):
        raise SelfSignOff(
            worded("You froze %(baseline)s: a second person must sign it off.", baseline=baseline)
        )


def check_can_read_links(principal: Principal, system: System) -> None:
    """See where the links of a system stand, what is covered, and what a change would do: whoever may read it."""
    principal.require(Scope.READ, Scope.GATE)
    check_of_system(principal, system)


def check_can_read_coverage(principal: Principal, release: Release, *, counts_reviews: bool = False) -> None:
    """See what of a release is covered; whom verdicts could lead that count reviews judges first."""
    check_can_read_links(principal, release.system)
    if counts_reviews:
        check_not_led(principal, release)


def _authors_of(version: ArtefactVersion) -> set[str]:
    """Return who made a version: whoever put it on record, wrote what it is of, or asked for the approval of that."""
    stated = RequirementVersion.objects.filter(
        Q(artefact_version=version) | Q(criteria__artefact_version=version)
    )
    asked = RequirementTransition.objects.filter(version__in=stated, to_state=RequirementState.IN_REVIEW)
    return {
        version.created_by,
        *stated.values_list("proposed_by", flat=True),
        *asked.values_list("by", flat=True),
    }


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
can_ask_retirement = as_question(check_can_ask_retirement, RequirementsError)
can_confirm_retirement = as_question(check_can_confirm_retirement)
may_confirm_retirement = as_question(check_may_confirm_retirement)
can_decline_retirement = as_question(check_can_decline_retirement)
can_withdraw_retirement = as_question(check_can_withdraw_retirement)
can_link = as_question(check_can_link)
can_clear_link = as_question(check_can_clear_link, RequirementsError)
can_restore_link = as_question(check_can_restore_link, RequirementsError)
can_withdraw_link = as_question(check_can_withdraw_link, RequirementsError)
can_sign_off_baseline = as_question(check_can_sign_off_baseline, RequirementsError)
can_read_links = as_question(check_can_read_links)
can_read_coverage = as_question(check_can_read_coverage)
