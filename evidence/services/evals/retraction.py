"""Retractions: a run was wrong; it stays on record and no longer counts."""

from __future__ import annotations

from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.errors import InvalidInput
from evidence.models import EvalRun, Retraction
from evidence.services import audit


@transaction.atomic
def retract_eval_run(*, principal: Principal, run: EvalRun, reason: str) -> Retraction:
    """Say that a run was wrong: it stays, and no longer counts. Saying it again changes nothing.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_retract_eval_run` does.
        InvalidInput: no reason is given.
    """
    acts.check_can_retract_eval_run(principal, run)
    if not reason.strip():
        raise InvalidInput("A retraction says why: give a reason.")
    retraction, created = Retraction.objects.get_or_create(
        run=run, defaults={"reason": reason, "retracted_by": principal.actor}
    )
    if created:
        audit.record(
            verb="eval_run.retracted",
            actor=principal.actor,
            obj=run,
            system=run.system,
            digest=run.raw_id,
            payload={"reason": reason},
        )
    return retraction
