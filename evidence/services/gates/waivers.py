"""Waivers: one person asks that a release passes a criterion it does not meet, and another grants it, until a date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal, visible_to
from evidence.errors import ConflictingContent, InvalidInput
from evidence.limits import check_count
from evidence.locks import Lock, hold
from evidence.models import GateDecision, Release, Waiver, WaiverDismissal, WaiverRequest
from evidence.nearest import hint_at, nearest_name
from evidence.selectors.waivers import (
    covers,
    is_criterion,
    newest_decisions,
    unmet_in,
    unmet_reasons,
    waiting_waivers,
)
from evidence.services import audit
from evidence.worded import sentence_of, worded

LONGEST: Final = timedelta(days=90)  # a waiver that lasts longer is a changed requirement
GRANTED: Final = "granted"
# The steps that end a request.
WAIVER_STEPS: Final[Mapping[str, Callable[[Principal, WaiverRequest], None]]] = {
    GRANTED: acts.check_can_waive,
    WaiverDismissal.Outcome.DECLINED.value: acts.check_can_decline_waiver,
    WaiverDismissal.Outcome.WITHDRAWN.value: acts.check_can_withdraw_waiver,
}


@transaction.atomic
def ask_waiver(
    *, principal: Principal, release: Release, criterion_ref: str, reason: str, expires_at: datetime
) -> WaiverRequest:
    """Ask that a release passes one criterion; whoever asks again while it waits is answered with the first request.

    Args:
        criterion_ref: "<requirement key>/<criterion key>", of those that a gate found unmet when it was last asked.
        expires_at: aware, in the future, at most 90 days away.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_ask_waiver` does.
        InvalidInput: no reason, an expiry that is over or too far away, or a criterion that no gate asks for or that
            is met.
    """
    acts.check_can_ask_waiver(principal, release)
    if not reason.strip():
        raise InvalidInput(worded("A waiver says why: give a reason."))
    _check_term(expires_at)
    hold(Lock.WAIVER, release.pk, criterion_ref)
    decisions = visible_to(GateDecision.objects.filter(release=release), principal)
    decision = _find_unmet(list(newest_decisions(decisions)), criterion_ref)
    mine = waiting_waivers().filter(
        release=release, criterion_ref=criterion_ref, requested_by=principal.actor
    )
    waiting: WaiverRequest | None = next((each for each in mine if _is_of(each, decision)), None)
    if waiting is not None:
        return waiting
    request = WaiverRequest.objects.create(
        release=release,
        decision=decision,
        criterion_ref=criterion_ref,
        reason=reason,
        requested_by=principal.actor,
        expires_at=expires_at,
    )
    _record("waiver.requested", principal.actor, request, reason)
    return request


@transaction.atomic
def settle_waiver(
    *, principal: Principal, request: WaiverRequest, to_state: str, reason: str = ""
) -> Waiver | WaiverDismissal:
    """Grant, decline or withdraw a requested waiver. Whoever took the step and asks again is answered with it.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_waive` and its siblings do.
        ConflictingContent: the criterion is met by now, is known to fail since, is unmet for another reason, or is of
            another version of its requirement.
        InvalidInput: there is no such step, a request is declined without saying why, its end has come, or the release
            has as many waivers as it may.
    """
    if to_state not in WAIVER_STEPS:
        raise InvalidInput(
            worded(
                "A requested waiver is one of %(waiver_steps)s, not %(to_state)s.",
                waiver_steps=", ".join(WAIVER_STEPS),
                to_state=repr(to_state),
            )
        )
    hold(Lock.WAIVER, request.release_id, request.criterion_ref)
    if taken := _taken_before(request, to_state, principal.actor):
        return taken
    WAIVER_STEPS[to_state](principal, request)
    if to_state == WaiverDismissal.Outcome.DECLINED and not reason.strip():
        raise InvalidInput(worded("Say why: whoever asked for the waiver is told the reason."))
    if to_state == GRANTED:
        return _grant(principal.actor, request)
    dismissal = WaiverDismissal.objects.create(
        request=request, outcome=to_state, dismissed_by=principal.actor, reason=reason
    )
    _record(f"waiver.{to_state}", principal.actor, request, reason)
    return dismissal


def _grant(actor: str, request: WaiverRequest) -> Waiver:
    _check_term(request.expires_at)
    release = request.release
    try:
        decision = _find_unmet(
            list(newest_decisions(GateDecision.objects.filter(release=release))), request.criterion_ref
        )
    except InvalidInput as exc:
        raise ConflictingContent(sentence_of(exc)) from exc
    if not _is_of(request, decision):
        raise ConflictingContent(
            worded(
                "Since this was asked for, criterion %(criterion_ref)s is known to fail, is unmet for "
                "another reason, or is of another version of its requirement: decline this, and have a "
                "waiver asked for of what the gate says now.",
                criterion_ref=request.criterion_ref,
            )
        )
    waiver = Waiver.objects.create(
        system=release.system,
        release=release,
        request=request,
        criterion_ref=request.criterion_ref,
        reason=request.reason,
        requested_by=request.requested_by,
        approved_by=actor,
        expires_at=request.expires_at,
    )
    in_force = Waiver.objects.filter(release=release, expires_at__gt=clock.now())
    check_count(
        in_force.count(), "MAX_WAIVERS", worded("The waivers of release %(release)s", release=release.name)
    )
    payload = {
        "criterion": request.criterion_ref,
        "reason": request.reason,
        "expires_at": request.expires_at.isoformat(),
    }
    audit.record(
        verb="waiver.recorded",
        actor=actor,
        obj=waiver,
        system=release.system,
        digest=release.digest,
        payload=payload,
    )
    return waiver


def _taken_before(request: WaiverRequest, to_state: str, actor: str) -> Waiver | WaiverDismissal | None:
    if to_state == GRANTED:
        return Waiver.objects.filter(request=request, approved_by=actor).first()
    return WaiverDismissal.objects.filter(request=request, outcome=to_state, dismissed_by=actor).first()


def _is_of(request: WaiverRequest, decision: GateDecision) -> bool:
    """Whether a waiver that was asked for would cover what a decision says of its criterion."""
    return any(covers(request, reason) for reason in unmet_reasons(decision, request.criterion_ref))


def _find_unmet(decisions: list[GateDecision], criterion_ref: str) -> GateDecision:
    """Return the decision that found a criterion unmet.

    Raises:
        InvalidInput: none did: the criterion is met, or no gate asks for it.
    """
    unmet = dict(unmet_in(decisions))
    if criterion_ref in unmet:
        return unmet[criterion_ref]
    asked_for = {reason["criterion"] for each in decisions for reason in each.reasons if is_criterion(reason)}
    if criterion_ref in asked_for:
        raise InvalidInput(
            worded(
                "Criterion %(criterion_ref)s is met for this release: there is nothing to waive.",
                criterion_ref=criterion_ref,
            )
        )
    nearest = nearest_name(criterion_ref, unmet)
    raise InvalidInput(
        worded(
            "No gate found a criterion %(criterion_ref)s unmet when it was last asked about this "
            "release: %(hint)s What is unmet is in the reasons of its decision.",
            criterion_ref=repr(criterion_ref),
            hint=hint_at(nearest) if nearest else worded("ask a gate first."),
        )
    )


def _check_term(expires_at: datetime) -> None:
    now = clock.now()
    if not now < expires_at <= now + LONGEST:
        raise InvalidInput(
            worded("A waiver expires in the future and within %(days)s days.", days=LONGEST.days)
        )


def _record(verb: str, actor: str, request: WaiverRequest, reason: str) -> None:
    audit.record(
        verb=verb,
        actor=actor,
        obj=request,
        system=request.release.system,
        digest=request.release.digest,
        payload={"criterion": request.criterion_ref, "reason": reason},
    )
