"""Retirements: one person asks that a requirement version no longer holds, and another grants it. It stays on record.

Until it is granted the version stands as it did: whoever writes requirements must not alone take back the one that is
in the way. For whom each step is, and when: `requirements.acts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from django.db import transaction

from evidence.access import Principal
from evidence.actors import same_person
from evidence.errors import ConflictingContent, InvalidInput
from evidence.locks import Lock, hold
from evidence.services import audit
from evidence.worded import worded
from requirements import acts
from requirements.models import (
    RequirementState,
    RequirementTransition,
    RequirementVersion,
    RetirementDismissal,
    RetirementRequest,
)
from requirements.selectors.retirements import waiting_retirements
from requirements.services.transitions import (
    WhatWasRead,
    check_digest,
    check_names_what_was_read,
    check_state,
    record_transition,
)

CONFIRMED: Final = "confirmed"
# The steps that end a request.
RETIREMENT_STEPS: Final[Mapping[str, Callable[[Principal, RetirementRequest], None]]] = {
    CONFIRMED: acts.check_can_confirm_retirement,
    RetirementDismissal.Outcome.DECLINED.value: acts.check_can_decline_retirement,
    RetirementDismissal.Outcome.WITHDRAWN.value: acts.check_can_withdraw_retirement,
}


@transaction.atomic
def ask_retirement(
    *, principal: Principal, version: RequirementVersion, reason: str, read: WhatWasRead
) -> RetirementRequest:
    """Ask that a version is retired. Whoever asks again, with the same words, is answered with the first request.

    Args:
        read: digest and state of the version as whoever asks read it.

    Raises:
        AccessDenied, NotFound, TransitionNotAllowed: as `acts.check_can_ask_retirement` does.
        DecisionOutdated: the digest or the state is not what stands.
        ConflictingContent: its retirement was asked for already, by somebody else or with another reason.
        InvalidInput: no reason is given, or not what was read.
    """
    acts.check_may_ask_retirement(principal, version)
    reason = reason.strip()
    check_names_what_was_read(read)
    hold(Lock.REQUIREMENT, version.requirement_id)
    check_digest(version, read)
    standing = version.transitions.order_by("-at", "-pk")[0]
    check_state(version, standing, read)
    acts.check_can_ask_retirement(principal, version)
    if not reason:
        raise InvalidInput(worded("Say why: a version is retired with a reason."))
    waiting = waiting_retirements().filter(version=version).first()
    if waiting is not None:
        if waiting.reason == reason and same_person(waiting.requested_by, principal.actor):
            return waiting
        raise ConflictingContent(
            worded(
                "%(requested_by)s asked for the retirement of %(version)s already, “%(reason)s”: it "
                "waits for another person, as request %(request)s. Your own reason was not stored.",
                requested_by=waiting.requested_by,
                version=version,
                reason=waiting.reason,
                request=waiting.pk,
            )
        )
    request = RetirementRequest.objects.create(
        version=version, standing=standing, reason=reason, requested_by=principal.actor
    )
    _record("retirement.requested", principal.actor, request, reason)
    return request


@transaction.atomic
def settle_retirement(
    *, principal: Principal, request: RetirementRequest, to_state: str, reason: str = ""
) -> RequirementTransition | RetirementDismissal:
    """Confirm, decline or withdraw a request. Once confirmed, the version is retired.

    Whoever took the step and asks for it again is answered with it, and nothing is added.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_confirm_retirement` and its siblings do.
        InvalidInput: there is no such step, or a request is declined without saying why.
    """
    if to_state not in RETIREMENT_STEPS:
        raise InvalidInput(
            worded(
                "A requested retirement is one of %(retirement_steps)s, not %(to_state)s.",
                retirement_steps=", ".join(RETIREMENT_STEPS),
                to_state=repr(to_state),
            )
        )
    hold(Lock.REQUIREMENT, request.version.requirement_id)
    if taken := _taken_before(request, to_state, principal.actor):
        return taken
    RETIREMENT_STEPS[to_state](principal, request)
    reason = reason.strip()
    if to_state == RetirementDismissal.Outcome.DECLINED and not reason:
        raise InvalidInput(worded("Say why: whoever asked for the retirement is told the reason."))
    if to_state == CONFIRMED:
        return record_transition(
            request.version,
            RequirementState.RETIRED,
            principal.actor,
            request.reason,
            request=request,
            payload={"requested_by": request.requested_by},
        )
    dismissal = RetirementDismissal.objects.create(
        request=request, outcome=to_state, dismissed_by=principal.actor, reason=reason
    )
    _record(f"retirement.{to_state}", principal.actor, request, reason)
    return dismissal


def _taken_before(
    request: RetirementRequest, to_state: str, actor: str
) -> RequirementTransition | RetirementDismissal | None:
    if to_state == CONFIRMED:
        return RequirementTransition.objects.filter(request=request, by=actor).first()
    return RetirementDismissal.objects.filter(request=request, outcome=to_state, dismissed_by=actor).first()


def _record(verb: str, actor: str, request: RetirementRequest, reason: str) -> None:
    audit.record(
        verb=verb,
        actor=actor,
        obj=request,
        system=request.version.requirement.system,
        digest=request.version.artefact_version.digest,
        payload={"version": str(request.version), "reason": reason},
    )
