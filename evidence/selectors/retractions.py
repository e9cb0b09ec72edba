"""Retractions that were asked for: which wait, and which have had an effect."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When

from evidence.clock import AsOf
from evidence.models import Retraction, RetractionDismissal, RetractionRequest

WAITING: Final = "waiting"
# Of a request; `overtaken`: the run was retracted by another one.
STATES: Final = (WAITING, "confirmed", "declined", "withdrawn", "overtaken")


def waiting_retractions(as_of: AsOf | None = None) -> QuerySet[RetractionRequest]:
    """Return the requests that nobody has confirmed, declined or withdrawn, oldest first; the runs still count.

    Args:
        as_of: what was on record then; None: whatever is.
    """
    known = as_of.knew("created_at") if as_of else Q()
    settled = RetractionDismissal.objects.filter(known, request_id=OuterRef("pk"))
    retracted = Retraction.objects.filter(known, run_id=OuterRef("run_id"))
    return RetractionRequest.objects.filter(known, ~Exists(settled), ~Exists(retracted)).order_by("pk")


def with_state(requests: QuerySet[RetractionRequest]) -> QuerySet[Any]:
    """Annotate requests with `state_now`, one of `STATES`."""
    retracted = Retraction.objects.filter(run_id=OuterRef("run_id"))
    return requests.annotate(
        state_now=Case(
            When(dismissal__isnull=False, then=F("dismissal__outcome")),
            When(retraction__isnull=False, then=Value("confirmed")),
            When(Exists(retracted), then=Value("overtaken")),
            default=Value(WAITING),
        )
    )


def state_of(request: RetractionRequest) -> str:
    """Return where a request stands, as one of `STATES`."""
    found: str = (
        with_state(RetractionRequest.objects.filter(pk=request.pk)).values_list("state_now", flat=True).get()
    )
    return found
