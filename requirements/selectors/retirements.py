"""Retirements that were asked for: which wait, and what became of the others."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When

from evidence.clock import AsOf
from requirements.models import RequirementTransition, RetirementDismissal, RetirementRequest

WAITING: Final = "waiting"
# Of a request; `outdated`: the version was moved to another state since.
STATES: Final = (WAITING, "confirmed", "declined", "withdrawn", "outdated")


def waiting_retirements(as_of: AsOf | None = None) -> QuerySet[RetirementRequest]:
    """Return the requests that nobody has confirmed, declined or withdrawn, of versions that stand as they did then.

    Args:
        as_of: what was on record then; None: whatever is.
    """
    known = as_of.knew("created_at") if as_of else Q()
    settled = RetirementDismissal.objects.filter(known, request_id=OuterRef("pk"))
    moved = as_of.knew("at") if as_of else Q()
    moves = RequirementTransition.objects.filter(moved, version_id=OuterRef("version_id"))
    last = Subquery(moves.order_by("-at", "-pk").values("pk")[:1])
    return RetirementRequest.objects.filter(known, ~Exists(settled), standing_id=last).order_by("pk")


def with_state(requests: QuerySet[RetirementRequest]) -> QuerySet[Any]:
    """Annotate requests with `state_now`, one of `STATES`."""
    moves = RequirementTransition.objects.filter(version_id=OuterRef("version_id"))
    return requests.annotate(
        last_move=Subquery(moves.order_by("-at", "-pk").values("pk")[:1]),
        state_now=Case(
            When(dismissal__isnull=False, then=F("dismissal__outcome")),
            When(retirement__isnull=False, then=Value("confirmed")),
            When(standing_id=F("last_move"), then=Value(WAITING)),
            default=Value("outdated"),
        ),
    )


def state_of(request: RetirementRequest) -> str:
    """Return where a request stands, as one of `STATES`."""
    found: str = (
        with_state(RetirementRequest.objects.filter(pk=request.pk)).values_list("state_now", flat=True).get()
    )
    return found
