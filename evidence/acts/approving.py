"""Asked by one and granted by another: requirements, waivers, retractions."""

from __future__ import annotations

from evidence.access import Principal
from evidence.actors import same_person
from evidence.acts.asking import (
    APPROVER,
    as_question,
    check_not_own_release,
    check_of_system,
    check_signed_in,
    signing,
)
from evidence.errors import AccessDenied, ConflictingContent
from evidence.models import (
    EvalRun,
    Release,
    Retraction,
    RetractionRequest,
    Scope,
    System,
    Waiver,
    WaiverRequest,
)
from evidence.selectors.retractions import waiting_retractions
from evidence.selectors.waivers import waiting_waivers
from evidence.worded import worded


@signing
def check_can_approve(principal: Principal) -> None:
    """Approve at all, what another proposed or asked for: an approver who signed in."""
    check_signed_in(principal, worded("An approval"))
    if APPROVER not in principal.roles:
        raise AccessDenied(worded("This is an approver's to decide: ask one."))


def check_can_set_reasons(principal: Principal, system: System) -> None:
    """Say which reasons the reviewers of a system may give: an approver of it, as rates are reported by them."""
    check_can_approve(principal)
    check_of_system(principal, system)


def check_can_ask_waiver(principal: Principal, release: Release | None = None) -> None:
    """Ask that a release passes a criterion it does not meet: an author, or CI in their name.

    Args:
        release: None where none is chosen yet.
    """
    principal.require(Scope.IMPORT)
    if release is not None:
        check_of_system(principal, release.system)


def check_may_waive(principal: Principal, request: WaiverRequest) -> None:
    """Waive a criterion for a release, whether or not the request still waits, which lists of what waits know."""
    check_can_approve(principal)
    check_of_system(principal, request.release.system)
    check_not_own_release(
        principal,
        request.release,
        worded("Whoever put the release on record may not waive a criterion for it."),
    )
    if same_person(request.requested_by, principal.actor):
        raise AccessDenied(worded("Nobody waives what they asked for: a second person must approve."))


@signing
def check_can_waive(principal: Principal, request: WaiverRequest) -> None:
    """Waive a criterion for a release: an approver who neither asked for it nor put the release on record."""
    check_may_waive(principal, request)
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
        raise AccessDenied(
            worded("Somebody else asked for this: they withdraw it, or an approver declines it.")
        )
    _check_waiver_waits(request)


def _check_waiver_waits(request: WaiverRequest) -> None:
    if not waiting_waivers().filter(pk=request.pk).exists():
        raise ConflictingContent(worded("This request was granted, declined or withdrawn before."))


def check_can_use_waiver(actor: str, waiver: Waiver) -> None:
    """Pass a gate by a waiver: nobody passes by one they approved. `actor` asks the gate, or asked it."""
    if same_person(waiver.approved_by, actor):
        raise AccessDenied(worded("You approved this waiver, so it does not count where you ask the gate."))


def check_can_ask_retraction(principal: Principal, run: EvalRun) -> None:
    """Ask that a run no longer counts: whoever may post runs, or an author. It counts until another confirms it."""
    _check_asks_retractions(principal, run.system)
    if Retraction.objects.filter(run=run).exists():
        raise ConflictingContent(worded("Run %(run_key)s is retracted already.", run_key=run.run_key))


def check_may_confirm_retraction(principal: Principal, request: RetractionRequest) -> None:
    """Have a run no longer count, whether or not the request still waits, which lists of what waits know."""
    check_can_approve(principal)
    check_of_system(principal, request.run.system)
    check_not_own_release(
        principal,
        request.run.release,
        worded("Whoever put the release on record may not retract a run of it."),
    )
    if same_person(request.requested_by, principal.actor):
        raise AccessDenied(worded("You asked for this retraction; a second person must confirm it."))


def check_can_confirm_retraction(principal: Principal, request: RetractionRequest) -> None:
    """Have a run no longer count: an approver who neither asked for it nor put the release on record."""
    check_may_confirm_retraction(principal, request)
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
        raise AccessDenied(
            worded("Somebody else asked for this: they withdraw it, or an approver declines it.")
        )
    _check_waits(request)


def _check_asks_retractions(principal: Principal, system: System) -> None:
    principal.require(Scope.PUSH_EVAL, Scope.IMPORT)
    check_of_system(principal, system)


def _check_waits(request: RetractionRequest) -> None:
    if not waiting_retractions().filter(pk=request.pk).exists():
        raise ConflictingContent(
            worded("This request was confirmed, declined or withdrawn before, or the run is retracted.")
        )


can_approve = as_question(check_can_approve)
can_ask_waiver = as_question(check_can_ask_waiver)
can_set_reasons = as_question(check_can_set_reasons)
can_waive = as_question(check_can_waive)
may_waive = as_question(check_may_waive)
can_decline_waiver = as_question(check_can_decline_waiver)
can_withdraw_waiver = as_question(check_can_withdraw_waiver)
can_use_waiver = as_question(check_can_use_waiver)
can_ask_retraction = as_question(check_can_ask_retraction)
can_confirm_retraction = as_question(check_can_confirm_retraction)
may_confirm_retraction = as_question(check_may_confirm_retraction)
can_decline_retraction = as_question(check_can_decline_retraction)
can_withdraw_retraction = as_question(check_can_withdraw_retraction)
