"""Legal holds: what must be kept, whatever retention or a request for erasure says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from evidence import acts, locks
from evidence.access import Principal
from evidence.errors import InvalidInput
from evidence.models import LegalHold, LegalHoldRelease, System
from evidence.selectors.holds import active_holds
from evidence.services import audit
from evidence.texts import check_texts
from evidence.worded import worded


@transaction.atomic
def place_hold(
    *,
    principal: Principal,
    system: System,
    reason: str,
    period_from: datetime,
    period_to: datetime | None,
) -> LegalHold:
    """Keep a system's spans of a period, and their traces, until the hold is released.

    Waits for a disposal that is under way: once this returns, nothing of the period is erased or dropped. The same
    again, while it stands, answers with the hold that there is: a form may be sent twice.

    Args:
        period_from: aware; of the spans' start, inclusive.
        period_to: exclusive; None holds whatever comes, too.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_place_hold` does.
        InvalidInput: no reason, or the period ends before it begins.
    """
    acts.check_can_place_hold(principal, system)
    if not reason.strip():
        raise InvalidInput(worded("A legal hold says why: give a reason."))
    check_texts(LegalHold, reason=reason)
    if period_to is not None and period_to <= period_from:
        raise InvalidInput(worded("A legal hold's period ends after it begins."))
    locks.hold(locks.Lock.DISPOSAL)
    asked: dict[str, Any] = {
        "system": system, "reason": reason, "period_from": period_from, "period_to": period_to,
        "placed_by": principal.actor,
    }  # fmt: skip
    if (standing := active_holds().filter(**asked).first()) is not None:
        return standing
    hold = LegalHold.objects.create(**asked)
    payload = {"reason": reason}
    audit.record(verb="legal_hold.placed", actor=principal.actor, obj=hold, system=system, payload=payload)
    return hold


@transaction.atomic
def release_hold(*, principal: Principal, hold: LegalHold, reason: str) -> LegalHoldRelease:
    """End a hold; a released one answers with its first release.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_release_hold` does.
        InvalidInput: no reason.
    """
    acts.check_can_release_hold(principal, hold)
    if not reason.strip():
        raise InvalidInput(worded("Releasing a legal hold says why: give a reason."))
    check_texts(LegalHoldRelease, reason=reason)
    release, created = LegalHoldRelease.objects.get_or_create(
        hold=hold, defaults={"reason": reason, "released_by": principal.actor}
    )
    if created:
        audit.record(
            verb="legal_hold.released",
            actor=principal.actor,
            obj=hold,
            system=hold.system,
            payload={"reason": reason},
        )
    return release
