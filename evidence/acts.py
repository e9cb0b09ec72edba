"""Who may do what, and when: the one room of these rules. Services, API, admin and commands all ask here.

Each act is a pair: `check_can_x` raises the error that whoever tried is told, and `can_x`, made from it, is a bool
for buttons. A service calls the check, so that no door to it can forget; pages ask `can_x` for what they offer.

The order inside a check: who (403), whose (404: another system's objects are not there), when (409). What the
*content* must be, a reason or a period, is the service's to check. What may be *read* is in `evidence.access`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec

from django.conf import settings
from django.contrib.auth.models import User

from evidence import clock
from evidence.access import (
    COMMAND_LINE,
    Principal,
    no_such_system,
    principal_of_actor,
    visible_events,
    visible_people,
)
from evidence.actors import actor_of_component, same_person
from evidence.errors import (
    AccessDenied,
    ConflictingContent,
    EvidenceError,
    LegalHoldInForce,
    NotFound,
    ProofNeeded,
)
from evidence.log.tiles import Bundle
from evidence.models import (
    INSTRUMENT_KINDS,
    RELEASE_KINDS,
    AccessConfirmation,
    AccessProposal,
    AccessToken,
    ArtefactKind,
    ArtefactVersion,
    Binder,
    BinderRequest,
    EvalRun,
    LegalHold,
    Membership,
    Release,
    Retraction,
    RetractionRequest,
    Review,
    ReviewTask,
    Scope,
    System,
    Trace,
    Waiver,
    WaiverRequest,
)
from evidence.roles import OPERATOR, ROLES, beyond_one_operator, roles_of, token_scopes_of
from evidence.selectors.binder.scope import BinderScope, scope_of
from evidence.selectors.binder.trace_scope import traces_in_scope
from evidence.selectors.holds import holds_over
from evidence.selectors.log_proofs import read_bundle_events
from evidence.selectors.proposals import find_deciding, proposers_of, replaced_digest, state_of
from evidence.selectors.retractions import waiting_retractions
from evidence.selectors.review_tasks import releases_to_judge_blind, waits_for, with_queue_state
from evidence.selectors.revisions import find_later_revision
from evidence.selectors.waivers import waiting_waivers

_P = ParamSpec("_P")

APPROVER: Final = "approver"


def as_question(check: Callable[_P, None], refusal: type[Exception] = EvidenceError) -> Callable[_P, bool]:
    """Return the `can_x` of a `check_can_x`: whether it raises none of the apps' errors.

    That somebody must first prove again who they are is no "no": they are offered the act, and asked when they take it.

    Args:
        refusal: the root of another app's errors, which say no as those of `evidence` do.
    """

    @wraps(check)
    def can(*args: _P.args, **kwargs: _P.kwargs) -> bool:
        asked: Any = [replace(each, proved_at=None) if isinstance(each, Principal) else each for each in args]
        try:
            check(*asked, **kwargs)
        except (EvidenceError, refusal):
            return False
        return True

    return can


def signing(check: Callable[Concatenate[Principal, _P], None]) -> Callable[Concatenate[Principal, _P], None]:
    """Mark a check as that of an act that signs: whoever it lets through must lately have proved who they are.

    A session left open, or taken over, approves, waives, exports and makes nobody. It is asked of sessions alone: a
    token proves itself with each request, and has no second way to.
    """

    @wraps(check)
    def checked(principal: Principal, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        check(principal, *args, **kwargs)
        _check_proved_lately(principal)

    vars(checked)["signs"] = True
    return checked


def _check_proved_lately(principal: Principal) -> None:
    lasts = timedelta(seconds=settings.PROOF_LASTS)
    if principal.proved_at is not None and clock.now() - principal.proved_at > lasts:
        raise ProofNeeded(
            f"This takes that you proved who you are within the last {lasts.seconds // 60} minutes: do so at "
            "/admin/proof/, and send it again. Nothing was stored."
        )


# What several acts ask.


def check_of_system(principal: Principal, system: System) -> None:
    """Answer for another system's objects as if there were none.

    Raises:
        NotFound: the principal is of other systems.
    """
    if system.pk not in principal.system_ids:
        raise no_such_system(system.key)


def check_signed_in(principal: Principal, act: str) -> None:
    """Keep machines from what is a person's.

    Raises:
        AccessDenied: a token, or no person, asks.
    """
    if principal.token is not None or principal.user is None:
        raise AccessDenied(f"{act} is a person's: sign in instead of sending a machine's token.")


def check_not_led(principal: Principal, release: Release) -> None:
    """Keep what counts reviews of a release from a reviewer whom it could still lead.

    Raises:
        AccessDenied: they may still judge an answer of it that others judged.
    """
    if (
        principal.is_reviewer
        and releases_to_judge_blind(principal.person).filter(trace__release=release).exists()
    ):
        raise AccessDenied(
            "This counts what colleagues said of answers that you may still judge: judge those first, or have somebody "
            "who is no reviewer, or a token of theirs, ask."
        )


def _check_not_own_release(principal: Principal, release: Release | None, why: str) -> None:
    if release is not None and same_person(release.created_by, principal.actor):
        raise AccessDenied(why)


def _check_scope(principal: Principal, scope: Scope, system: System) -> None:
    principal.require(scope)
    check_of_system(principal, system)


# Judging answers.


def check_can_judge(principal: Principal) -> None:
    """Judge answers at all: a reviewer who signed in."""
    check_signed_in(principal, "A review")
    if not principal.may(Scope.REVIEW):
        raise AccessDenied("Only reviewers of this system record judgements.")


def check_can_review(principal: Principal, trace: Trace) -> None:
    """Judge one answer: it waits for this reviewer, or nobody was asked about it, and the release is not theirs.

    A closed task takes no more reviews, because its reviews are there to be read. Of several revisions the newest is
    judged.
    """
    check_can_judge(principal)
    check_of_system(principal, trace.system)
    _check_not_own_release(
        principal, trace.release, "You put this release on record, so another person must review its answers."
    )
    later = find_later_revision(trace)
    if later is not None:
        raise ConflictingContent(
            f"Spans arrived later, or it was read again: judge revision {later.revision}, which replaces this one."
        )
    task = with_queue_state(ReviewTask.objects.filter(trace=trace), principal.person).first()
    if task is None:
        return
    if task.is_mine:
        raise ConflictingContent("You have reviewed this answer. A changed mind goes to adjudication.")
    if task.is_settled:
        raise ConflictingContent("This answer was adjudicated; its reviews are closed.")
    if not task.is_open:
        raise ConflictingContent("This answer has the reviews that were asked for, so it takes no more.")


def check_can_adjudicate(principal: Principal, task: ReviewTask) -> None:
    """Settle a disagreement: a reviewer who is not part of it, once all the reviews asked for are there."""
    check_can_judge(principal)
    check_of_system(principal, task.system)
    _check_not_own_release(
        principal, task.trace.release, "You put this release on record, so another person must settle this."
    )
    standing = with_queue_state(ReviewTask.objects.filter(pk=task.pk), principal.person).get()
    if standing.is_mine:
        raise AccessDenied("You are one of the reviewers who disagree; a third person adjudicates.")
    if standing.is_settled:
        raise ConflictingContent("This disagreement was settled before.")
    if standing.is_superseded:
        raise ConflictingContent(
            "Spans arrived later, or it was read again: judge the revision that replaces this answer."
        )
    if standing.is_open:
        raise ConflictingContent("This answer still waits for a review: judge it instead.")
    if not standing.is_disputed:
        raise ConflictingContent("There is nothing to adjudicate: the reviews so far do not disagree.")


# Approving.


@signing
def check_can_approve(principal: Principal) -> None:
    """Approve at all, what another proposed or asked for: an approver who signed in."""
    check_signed_in(principal, "An approval")
    if APPROVER not in principal.roles:
        raise AccessDenied("This is an approver's to decide: ask one.")


def check_can_ask_waiver(principal: Principal, release: Release | None = None) -> None:
    """Ask that a release passes a criterion it does not meet: an author, or CI in their name.

    Args:
        release: None where none is chosen yet.
    """
    principal.require(Scope.IMPORT)
    if release is not None:
        check_of_system(principal, release.system)


@signing
def check_can_waive(principal: Principal, request: WaiverRequest) -> None:
    """Waive a criterion for a release: an approver who neither asked for it nor put the release on record."""
    check_can_approve(principal)
    check_of_system(principal, request.release.system)
    _check_not_own_release(
        principal, request.release, "Whoever put the release on record may not waive a criterion for it."
    )
    if same_person(request.requested_by, principal.actor):
        raise AccessDenied("Nobody waives what they asked for: a second person must approve.")
    _check_waiver_waits(request)


def check_can_decline_waiver(principal: Principal, request: WaiverRequest) -> None:
    """Leave a criterion as it stands: an approver."""
    check_can_approve(principal)
    check_of_system(principal, request.release.system)
    _check_waiver_waits(request)


def check_can_withdraw_waiver(principal: Principal, request: WaiverRequest) -> None:
    """Take a requested waiver back: whoever asked."""
    check_can_ask_waiver(principal, request.release)
    if not same_person(request.requested_by, principal.actor):
        raise AccessDenied("Somebody else asked for this: they withdraw it, or an approver declines it.")
    _check_waiver_waits(request)


def _check_waiver_waits(request: WaiverRequest) -> None:
    if not waiting_waivers().filter(pk=request.pk).exists():
        raise ConflictingContent("This request was granted, declined or withdrawn before.")


def check_can_use_waiver(actor: str, waiver: Waiver) -> None:
    """Pass a gate by a waiver: nobody passes by one they approved. `actor` asks the gate, or asked it."""
    if same_person(waiver.approved_by, actor):
        raise AccessDenied("You approved this waiver, so it does not count where you ask the gate.")


# Putting things on record.


def check_can_ingest(principal: Principal) -> None:
    """Send telemetry: a token of an application. Which systems it writes to is decided item by item."""
    principal.require(Scope.INGEST)
    if principal.token is None:
        raise AccessDenied("Telemetry is posted with a token that holds the `ingest` scope.")


def check_can_register_system(principal: Principal) -> None:
    """Put a system on record: an administrator. Nobody can be a member of it yet."""
    check_can_administer(principal)


def check_can_declare_service(principal: Principal, system: System) -> None:
    """Say which services are part of a system: an operator of it, because it decides whose a span is."""
    _check_operates(principal, system)


def check_can_register_release(principal: Principal, system: System) -> None:
    """Freeze a release. What it pins is registered by an act of its own."""
    _check_scope(principal, Scope.IMPORT, system)


def check_can_register_version(principal: Principal, version: ArtefactVersion) -> None:
    """Vouch for a version on record.

    What a system is made of, an author or CI registers. What it is measured with decides what passes: an approver
    does, and not for what they put on record themselves.
    """
    artefact = version.artefact
    if artefact.kind in INSTRUMENT_KINDS:
        check_can_approve(principal)
        check_of_system(principal, artefact.system)
        if same_person(version.created_by, principal.actor):
            raise AccessDenied(f"You put {version} on record; a second person must register it.")
    else:
        _check_scope(principal, Scope.IMPORT, artefact.system)
    if artefact.kind not in RELEASE_KINDS:
        raise ConflictingContent(
            f"{version} is of kind `{artefact.kind}`, which no release pins: nobody registers it by hand. "
            "Gates, readings and requirements are registered as they are approved."
        )


def check_can_record_deployment(principal: Principal, system: System) -> None:
    """Say that a release went live."""
    _check_scope(principal, Scope.IMPORT, system)


def check_can_record_eval_run(principal: Principal, system: System) -> None:
    """Post eval results."""
    _check_scope(principal, Scope.PUSH_EVAL, system)


def check_can_ask_retraction(principal: Principal, run: EvalRun) -> None:
    """Ask that a run no longer counts: whoever may post runs, or an author. It counts until another confirms it."""
    _check_asks_retractions(principal, run.system)
    if Retraction.objects.filter(run=run).exists():
        raise ConflictingContent(f"Run {run.run_key} is retracted already.")


def check_can_confirm_retraction(principal: Principal, request: RetractionRequest) -> None:
    """Have a run no longer count: an approver who neither asked for it nor put the release on record."""
    check_can_approve(principal)
    check_of_system(principal, request.run.system)
    _check_not_own_release(
        principal, request.run.release, "Whoever put the release on record may not retract a run of it."
    )
    if same_person(request.requested_by, principal.actor):
        raise AccessDenied("You asked for this retraction; a second person must confirm it.")
    _check_waits(request)


def check_can_decline_retraction(principal: Principal, request: RetractionRequest) -> None:
    """Leave a run as it counts: an approver."""
    check_can_approve(principal)
    check_of_system(principal, request.run.system)
    _check_waits(request)


def check_can_withdraw_retraction(principal: Principal, request: RetractionRequest) -> None:
    """Take a request back: whoever asked."""
    _check_asks_retractions(principal, request.run.system)
    if not same_person(request.requested_by, principal.actor):
        raise AccessDenied("Somebody else asked for this: they withdraw it, or an approver declines it.")
    _check_waits(request)


def _check_asks_retractions(principal: Principal, system: System) -> None:
    principal.require(Scope.PUSH_EVAL, Scope.IMPORT)
    check_of_system(principal, system)


def _check_waits(request: RetractionRequest) -> None:
    if not waiting_retractions().filter(pk=request.pk).exists():
        raise ConflictingContent(
            "This request was confirmed, declined or withdrawn before, or the run is retracted."
        )


def check_can_propose_gate(principal: Principal, system: System) -> None:
    """Propose what a gate asks for; it decides nothing before somebody else approves it."""
    _check_scope(principal, Scope.IMPORT, system)


def check_can_approve_gate(principal: Principal, version: ArtefactVersion) -> None:
    """Let a version of a gate decide from now on: an approver who did not propose it, if what it replaces does now."""
    _check_approves(principal, version)


def check_can_decline_gate(principal: Principal, version: ArtefactVersion) -> None:
    """Refuse a proposed version of a gate: an approver."""
    _check_declines(principal, version)


def check_can_withdraw_gate(principal: Principal, version: ArtefactVersion) -> None:
    """Take a proposed version of a gate back: whoever proposed it."""
    _check_withdraws(principal, version)


def check_can_propose_reading(principal: Principal, system: System) -> None:
    """Propose how a system's traces are read; none is read so before somebody else approves it."""
    _check_scope(principal, Scope.IMPORT, system)


def check_can_approve_reading(principal: Principal, version: ArtefactVersion) -> None:
    """Have traces read by a version from now on: an approver who did not propose it, if what it replaces reads now."""
    _check_approves(principal, version)


def check_can_decline_reading(principal: Principal, version: ArtefactVersion) -> None:
    """Refuse a proposed version of a reading: an approver."""
    _check_declines(principal, version)


def check_can_withdraw_reading(principal: Principal, version: ArtefactVersion) -> None:
    """Take a proposed version of a reading back: whoever proposed it."""
    _check_withdraws(principal, version)


def check_can_try_reading(principal: Principal, system: System) -> None:
    """See what a reading would make of a stored trace: whoever reads the system's traces. Nothing comes of it."""
    _check_scope(principal, Scope.READ, system)


def check_can_read_again(principal: Principal, system: System) -> None:
    """Have sealed traces read again: an operator of the system, because it is work, and reviews stay with what was."""
    _check_operates(principal, system)


def _check_approves(principal: Principal, version: ArtefactVersion) -> None:
    """Approve what waits: an approver who did not propose it, in place of what it was proposed in place of."""
    check_can_approve(principal)
    artefact = version.artefact
    check_of_system(principal, artefact.system)
    if any(same_person(proposer, principal.actor) for proposer in proposers_of(version)):
        raise AccessDenied(f"You proposed {version}; a second person must approve it.")
    _check_waits_for_approval(version)
    deciding = find_deciding(artefact.system, ArtefactKind(artefact.kind), artefact.key)
    if replaced_digest(version) != (deciding.digest if deciding else None):
        raise ConflictingContent(
            f"{version} was proposed in place of another version than {deciding}, which decides by now: propose its "
            "content again."
        )


def _check_declines(principal: Principal, version: ArtefactVersion) -> None:
    check_can_approve(principal)
    check_of_system(principal, version.artefact.system)
    _check_waits_for_approval(version)


def _check_withdraws(principal: Principal, version: ArtefactVersion) -> None:
    _check_scope(principal, Scope.IMPORT, version.artefact.system)
    if not any(same_person(proposer, principal.actor) for proposer in proposers_of(version)):
        raise AccessDenied(f"Somebody else proposed {version}: they withdraw it, or an approver declines it.")
    _check_waits_for_approval(version)


def _check_waits_for_approval(version: ArtefactVersion) -> None:
    state = state_of(version)
    if state != "proposed":
        raise ConflictingContent(
            f"{version} is {state or 'no proposal'}: only a proposed version is decided on. Propose its content again."
        )


def check_can_ask_gate(principal: Principal, system: System) -> None:
    """Have a gate decide."""
    _check_scope(principal, Scope.GATE, system)


# Taking evidence out.


@signing
def check_can_export_binder(principal: Principal, scope: BinderScope) -> None:
    """Export a binder: an auditor. A reviewer waits until they have judged what in it still waits for them."""
    _check_sees_binder(principal, scope)


def check_can_read_binder(principal: Principal, binder: Binder | BinderRequest) -> None:
    """Fetch an exported binder, or see how far one is that was asked for: whoever may export it, who signed then."""
    _check_sees_binder(principal, scope_of(binder))


def _check_sees_binder(principal: Principal, scope: BinderScope) -> None:
    _check_scope(principal, Scope.BINDER, scope.system)
    _check_not_blind(principal, scope)


def _check_not_blind(principal: Principal, scope: BinderScope) -> None:
    """Keep a reviewer from reading in a binder what no list shows them. A binder is whole, so it is all or nothing."""
    if not principal.is_reviewer:
        return
    packed = Review.objects.filter(scope.as_of.knew("created_at"), task__trace__in=traces_in_scope(scope))
    counted = releases_to_judge_blind(principal.person).filter(trace__release=scope.release)
    if counted.exists() or packed.filter(waits_for(principal.person, task="task")).exists():
        raise AccessDenied(
            "This binder tells what colleagues said of answers that you may still judge: judge those first, or have "
            "an auditor who is no reviewer fetch it."
        )


def check_can_read_log_bundle(principal: Principal, bundle: Bundle) -> None:
    """Read a bundle of the log's entries: it is whole, so whoever may read each of its entries."""
    principal.require(Scope.READ)
    events = read_bundle_events(bundle)
    if visible_events(principal).filter(pk__in=events).count() < len(events):
        raise AccessDenied(
            "This bundle also holds entries that are not yours to read. The hash tiles are open, and "
            "/api/v1/log/entries gives those that you may read, and the leaf hash of each other."
        )


# People, machines, and what is kept.


def _runs_commands(principal: Principal) -> bool:
    return principal.actor == actor_of_component(COMMAND_LINE)


def check_can_administer(principal: Principal) -> None:
    """Administer at all: an operator or superuser who signed in, or whoever runs commands on this machine."""
    if _runs_commands(principal):
        return
    check_signed_in(principal, "Administration")
    if OPERATOR not in principal.roles and not principal.person.is_superuser:
        raise AccessDenied("This is an operator's to do: ask one.")


def _check_administers(principal: Principal, *systems: System) -> None:
    check_can_administer(principal)
    if principal.user is not None:
        for system in systems:
            check_of_system(principal, system)


@signing
def check_can_grant_membership(principal: Principal, system: System, person: User) -> None:
    """Let a colleague see a system: an administrator who is a member of it.

    Whose roles no operator gives alone is let see it as such a role is given: proposed by one, confirmed by another.
    """
    _check_administers(principal, system)
    _check_knows(principal, person)
    _check_gives_alone(principal, roles_of(person), f"{person.get_username()} sees another system")


def check_can_end_membership(principal: Principal, membership: Membership) -> None:
    """Take a person's sight of a system away."""
    _check_administers(principal, membership.system)


@signing
def check_can_issue_token(
    principal: Principal, owner: User, scopes: Sequence[Scope], systems: Sequence[System]
) -> None:
    """Give a machine a key to systems of which its owner is a member, too, for what the owner's roles hold."""
    _check_administers(principal, *systems)
    if not owner.is_active:
        raise AccessDenied(f"{owner.get_username()} is not active any more: name another owner.")
    mine = set(Membership.objects.filter(user=owner).values_list("system_id", flat=True))
    foreign = [system.key for system in systems if system.pk not in mine]
    if foreign:
        raise AccessDenied(f"{owner.get_username()} is not a member of {', '.join(foreign)}.")
    beyond = sorted({scope.value for scope in scopes} - token_scopes_of(roles_of(owner)))
    if beyond:
        raise AccessDenied(
            f"The roles of {owner.get_username()} do not hold {', '.join(beyond)}: name an owner whose roles do."
        )


def check_can_revoke_token(principal: Principal, token: AccessToken) -> None:
    """Make a token useless: an administrator who is a member of one of its systems."""
    check_can_administer(principal)
    if principal.user is not None and not token.systems.filter(pk__in=principal.system_ids).exists():
        raise NotFound(f"There is no token {token.prefix} of your systems.")


@signing
def check_can_change_own_factor(principal: Principal) -> None:
    """Set up one's own second factor, or take it away: a person who signed in."""
    check_signed_in(principal, "A second factor")


@signing
def check_can_add_person(principal: Principal, systems: Sequence[System]) -> None:
    """Put a person on record, as a member of systems of one's own."""
    _check_administers(principal, *systems)


@signing
def check_can_change_person(principal: Principal, person: User) -> None:
    """Change what is on record of a person: an administrator who is a member of each system that they are.

    What is changed of a person is changed everywhere. So whoever shares one system with them changes nothing for
    another. Of a superuser only a superuser changes anything.
    """
    check_can_administer(principal)
    _check_knows(principal, person)
    _check_answers_for(principal, person)
    if person.is_superuser:
        check_can_make_superuser(principal)


def check_can_change_roles(principal: Principal, person: User) -> None:
    """Change a person's roles, and whether they may sign in: nobody changes their own."""
    check_can_change_person(principal, person)
    if principal.user == person:
        raise AccessDenied("Nobody changes their own roles: ask another operator.")


def check_can_give_roles(principal: Principal, person: User, gained: Collection[str]) -> None:
    """Give a person roles: those that an operator gives alone, or, on this machine, any.

    Args:
        gained: what the person could not do before. Making somebody active again gives all roles that they hold.
    """
    check_can_change_roles(principal, person)
    _check_gives_alone(principal, gained, f"{person.get_username()} becomes {' and '.join(sorted(gained))}")


def check_can_erase_names(principal: Principal, person: User) -> None:
    """Erase what a person is called, who can then not sign in any more: not one's own names."""
    check_can_change_roles(principal, person)


def check_can_make_superuser(principal: Principal) -> None:
    """Give rights beyond the role table: only those who have them."""
    check_can_administer(principal)
    if principal.user is not None and not principal.user.is_superuser:
        raise AccessDenied("Only a superuser gives rights beyond the role table.")


def check_can_make_password_link(principal: Principal, person: User) -> None:
    """Let somebody choose a new password: not oneself, and nobody whose role no operator gives alone.

    Whoever holds the link can become that person, so it is as much power as the person's roles are.
    """
    check_can_change_person(principal, person)
    if principal.user == person:
        raise AccessDenied("You change your own password yourself: follow Change password.")
    _check_opens_alone(principal, person, "A link", "password_link")
    if not person.is_active:
        raise ConflictingContent(f"{person.get_username()} is not active: make them active first.")


def check_can_bind_sign_in(principal: Principal, person: User) -> None:
    """Say as whom of the provider a person signs in, or that they do so no more: as for a link, and for its reason."""
    check_can_change_person(principal, person)
    if principal.user == person:
        raise AccessDenied("Nobody binds their own sign-in: ask another operator.")
    _check_opens_alone(principal, person, "The sign-in", "bind_sign_in")


def _check_opens_alone(principal: Principal, person: User, what: str, command: str) -> None:
    """Keep an operator from what would let them be somebody whose role no operator gives alone.

    Args:
        what: would be made, for the sentence.
        command: of `manage.py`, which makes it on the machine.
    """
    if not _runs_commands(principal) and (person.is_superuser or beyond_one_operator(roles_of(person))):
        raise AccessDenied(
            f"{what} for an approver, an auditor, an operator or a superuser is made on the machine itself: "
            f"`manage.py {command}`."
        )


def check_can_operate(principal: Principal) -> None:
    """Be one of the two operators whom some decisions take: a superuser is none, nor is whoever runs commands here."""
    check_signed_in(principal, "A proposal")
    if OPERATOR not in principal.roles:
        raise AccessDenied("This is for an operator to propose, and for another to confirm.")


def check_can_propose_access(principal: Principal, person: User, system: System | None = None) -> None:
    """Propose what takes two operators: an operator who answers for the person, and is not that person.

    Args:
        system: what the person is to see; None where they are to be given a role.
    """
    check_can_operate(principal)
    if system is not None:
        check_of_system(principal, system)
    check_can_change_roles(principal, person)


def check_can_confirm_access(principal: Principal, proposal: AccessProposal) -> None:
    """Confirm what another operator proposed, and who proposed it still may."""
    check_can_propose_access(principal, proposal.user, proposal.system)
    if same_person(proposal.proposed_by, principal.actor):
        raise AccessDenied("You proposed this: another operator confirms it.")
    if AccessConfirmation.objects.filter(proposal=proposal).exists():
        raise ConflictingContent("This was confirmed before.")
    if proposal.expires_at <= clock.now():
        raise ConflictingContent("Nobody confirmed this in time: propose it again.")
    if not can_propose_access(principal_of_actor(proposal.proposed_by), proposal.user, proposal.system):
        raise ConflictingContent("Who proposed this may not propose it any more: propose it yourself.")


def _check_knows(principal: Principal, person: User) -> None:
    """Answer for people of other systems as if there were none."""
    if not visible_people(principal).filter(pk=person.pk).exists():
        raise NotFound(f"There is no person {person.get_username()!r} in your systems.")


def _check_answers_for(principal: Principal, person: User) -> None:
    elsewhere = Membership.objects.filter(user=person).exclude(system__in=principal.system_ids)
    if not _runs_commands(principal) and elsewhere.exists():
        raise AccessDenied(
            f"{person.get_username()} is a member of a system that you are no member of, too: ask an operator who is "
            "a member of each."
        )


def _check_gives_alone(principal: Principal, roles: Collection[str], what: str) -> None:
    """Keep an operator from giving alone what takes two, or the machine.

    Args:
        what: would happen, for the sentence.
    """
    beyond = [] if _runs_commands(principal) else beyond_one_operator(roles)
    if beyond:
        givers = ", ".join(f"{role} by {ROLES[role].giver.value}" for role in beyond)
        raise AccessDenied(f"{what}: that is not for one operator to decide ({givers}).")


def check_can_resume_log(principal: Principal) -> None:
    """Give up entries that were published: only whoever runs commands on this machine, where it was restored."""
    _check_runs_commands(principal, "The log is resumed")


def check_can_put_back(principal: Principal) -> None:
    """Have traces assembled again that were set aside: only whoever runs commands here, where limits are raised."""
    _check_runs_commands(principal, "Traces that were set aside are put back")


def check_can_rotate_binder_key(principal: Principal) -> None:
    """Sign binders with another key: only whoever runs commands on this machine, where the keys are."""
    _check_runs_commands(principal, "The binder key is replaced")


def check_can_rotate_log_key(principal: Principal) -> None:
    """Sign the log with another key: only whoever runs commands on this machine, where the keys are."""
    _check_runs_commands(principal, "The log's key is replaced")


def _check_runs_commands(principal: Principal, what: str) -> None:
    """Allow nobody who comes by network, whatever they hold.

    Args:
        what: the act, for the sentence.
    """
    if not _runs_commands(principal):
        raise AccessDenied(f"{what} by a command on the machine itself: see docs/guides/operator.md.")


def _check_operates(principal: Principal, system: System) -> None:
    """Decide about evidence as its operator. A superuser is none by that, nor is whoever runs commands here."""
    check_signed_in(principal, "This decision")
    if OPERATOR not in principal.roles:
        raise AccessDenied("This is for an operator of the system to decide: name one.")
    check_of_system(principal, system)


def check_can_place_hold(principal: Principal, system: System) -> None:
    """Keep evidence of a system, whatever retention or an erasure says."""
    _check_operates(principal, system)


@signing
def check_can_release_hold(principal: Principal, hold: LegalHold) -> None:
    """End a legal hold."""
    _check_operates(principal, hold.system)


@signing
def check_can_erase(principal: Principal, system: System) -> None:
    """Erase what traces of a system said."""
    _check_operates(principal, system)


def check_can_erase_period(principal: Principal, system: System, began: datetime, ended: datetime) -> None:
    """Erase traces that began in a period, both ends included: none of it is under a legal hold."""
    check_can_erase(principal, system)
    hold = holds_over(began, ended + timedelta(microseconds=1)).filter(system=system).first()
    if hold is not None:
        raise LegalHoldInForce(f"It is under legal hold {hold.pk} ({hold.reason}); release the hold first.")


can_resume_log = as_question(check_can_resume_log)
can_put_back = as_question(check_can_put_back)
can_rotate_binder_key = as_question(check_can_rotate_binder_key)
can_rotate_log_key = as_question(check_can_rotate_log_key)
can_judge = as_question(check_can_judge)
can_review = as_question(check_can_review)
can_adjudicate = as_question(check_can_adjudicate)
can_approve = as_question(check_can_approve)
can_ask_waiver = as_question(check_can_ask_waiver)
can_waive = as_question(check_can_waive)
can_decline_waiver = as_question(check_can_decline_waiver)
can_withdraw_waiver = as_question(check_can_withdraw_waiver)
can_use_waiver = as_question(check_can_use_waiver)
can_ingest = as_question(check_can_ingest)
can_register_system = as_question(check_can_register_system)
can_declare_service = as_question(check_can_declare_service)
can_register_release = as_question(check_can_register_release)
can_register_version = as_question(check_can_register_version)
can_record_deployment = as_question(check_can_record_deployment)
can_record_eval_run = as_question(check_can_record_eval_run)
can_ask_retraction = as_question(check_can_ask_retraction)
can_confirm_retraction = as_question(check_can_confirm_retraction)
can_decline_retraction = as_question(check_can_decline_retraction)
can_withdraw_retraction = as_question(check_can_withdraw_retraction)
can_propose_gate = as_question(check_can_propose_gate)
can_approve_gate = as_question(check_can_approve_gate)
can_decline_gate = as_question(check_can_decline_gate)
can_withdraw_gate = as_question(check_can_withdraw_gate)
can_ask_gate = as_question(check_can_ask_gate)
can_propose_reading = as_question(check_can_propose_reading)
can_approve_reading = as_question(check_can_approve_reading)
can_decline_reading = as_question(check_can_decline_reading)
can_withdraw_reading = as_question(check_can_withdraw_reading)
can_try_reading = as_question(check_can_try_reading)
can_read_again = as_question(check_can_read_again)
can_export_binder = as_question(check_can_export_binder)
can_read_binder = as_question(check_can_read_binder)
can_read_log_bundle = as_question(check_can_read_log_bundle)
can_administer = as_question(check_can_administer)
can_grant_membership = as_question(check_can_grant_membership)
can_end_membership = as_question(check_can_end_membership)
can_issue_token = as_question(check_can_issue_token)
can_revoke_token = as_question(check_can_revoke_token)
can_change_own_factor = as_question(check_can_change_own_factor)
can_add_person = as_question(check_can_add_person)
can_change_person = as_question(check_can_change_person)
can_change_roles = as_question(check_can_change_roles)
can_give_roles = as_question(check_can_give_roles)
can_erase_names = as_question(check_can_erase_names)
can_make_superuser = as_question(check_can_make_superuser)
can_make_password_link = as_question(check_can_make_password_link)
can_bind_sign_in = as_question(check_can_bind_sign_in)
can_operate = as_question(check_can_operate)
can_propose_access = as_question(check_can_propose_access)
can_confirm_access = as_question(check_can_confirm_access)
can_place_hold = as_question(check_can_place_hold)
can_release_hold = as_question(check_can_release_hold)
can_erase = as_question(check_can_erase)
can_erase_period = as_question(check_can_erase_period)
