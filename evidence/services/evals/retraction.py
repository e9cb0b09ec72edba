"""Retractions: one person asks that a run no longer counts, and another confirms it. The run stays on record.

Until it is confirmed the run counts: whoever can post runs must not alone take back the one that failed. For whom each
step is, and when: `evidence.acts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.errors import InvalidInput
from evidence.locks import Lock, hold
from evidence.models import EvalRun, Retraction, RetractionDismissal, RetractionRequest
from evidence.selectors.retractions import waiting_retractions
from evidence.services import audit
from evidence.worded import worded

CONFIRMED: Final = "confirmed"
# The steps that end a request.
RETRACTION_STEPS: Final[Mapping[str, Callable[[Principal, RetractionRequest], None]]] = {
    CONFIRMED: acts.check_can_confirm_retraction,
    RetractionDismissal.Outcome.DECLINED.value: acts.check_can_decline_retraction,
    RetractionDismissal.Outcome.WITHDRAWN.value: acts.check_can_withdraw_retraction,
}


@transaction.atomic
def ask_retraction(*, principal: Principal, run: EvalRun, reason: str) -> RetractionRequest:
    """Ask that a run no longer counts. Whoever asks again while it waits is answered with the first request.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_ask_retraction` does.
        InvalidInput: no reason is given.
    """
    hold(Lock.EVAL_RUN, run.system_id, run.run_key)
    acts.check_can_ask_retraction(principal, run)
    if not reason.strip():
        raise InvalidInput(worded("A retraction says why: give a reason."))
    waiting = waiting_retractions().filter(run=run, requested_by=principal.actor).first()
    if waiting is not None:
        return waiting
    request = RetractionRequest.objects.create(run=run, reason=reason, requested_by=principal.actor)
    _record("retraction.requested", principal.actor, request, reason)
    return request


@transaction.atomic
def settle_retraction(
    *, principal: Principal, request: RetractionRequest, to_state: str, reason: str = ""
) -> Retraction | RetractionDismissal:
    """Confirm, decline or withdraw a request. Once confirmed, the run no longer counts.

    Whoever took the step and asks for it again is answered with it, and nothing is added.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_confirm_retraction` and its siblings do.
        InvalidInput: there is no such step, or a request is declined without saying why.
    """
    if to_state not in RETRACTION_STEPS:
        raise InvalidInput(
            worded(
                "A requested retraction is one of %(retraction_steps)s, not %(to_state)s.",
                retraction_steps=", ".join(RETRACTION_STEPS),
                to_state=repr(to_state),
            )
        )
    hold(Lock.EVAL_RUN, request.run.system_id, request.run.run_key)
    if taken := _taken_before(request, to_state, principal.actor):
        return taken
    RETRACTION_STEPS[to_state](principal, request)
    if to_state == RetractionDismissal.Outcome.DECLINED and not reason.strip():
        raise InvalidInput(worded("Say why: whoever asked for the retraction is told the reason."))
    if to_state == CONFIRMED:
        return _confirm(principal.actor, request)
    dismissal = RetractionDismissal.objects.create(
        request=request, outcome=to_state, dismissed_by=principal.actor, reason=reason
    )
    _record(f"retraction.{to_state}", principal.actor, request, reason)
    return dismissal


def _taken_before(
    request: RetractionRequest, to_state: str, actor: str
) -> Retraction | RetractionDismissal | None:
    if to_state == CONFIRMED:
        return Retraction.objects.filter(request=request, confirmed_by=actor).first()
    return RetractionDismissal.objects.filter(request=request, outcome=to_state, dismissed_by=actor).first()


def _confirm(actor: str, request: RetractionRequest) -> Retraction:
    retraction = Retraction.objects.create(
        run=request.run,
        request=request,
        reason=request.reason,
        retracted_by=request.requested_by,
        confirmed_by=actor,
    )
    audit.record(
        verb="eval_run.retracted",
        actor=actor,
        obj=request.run,
        system=request.run.system,
        digest=request.run.raw_id,
        payload={"reason": request.reason, "requested_by": request.requested_by},
    )
    return retraction


def _record(verb: str, actor: str, request: RetractionRequest, reason: str) -> None:
    audit.record(
        verb=verb,
        actor=actor,
        obj=request,
        system=request.run.system,
        digest=request.run.raw_id,
        payload={"run_key": request.run.run_key, "reason": reason},
    )
