"""Which legal holds are in force."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import Case, Q, QuerySet, Value, When

from evidence.models import AccessToken, LegalHold

STATES: Final = ("in_force", "released")


def with_state(holds: QuerySet[LegalHold]) -> QuerySet[Any]:
    """Annotate holds with `state_now`, one of `STATES`."""
    in_force, released = map(Value, STATES)
    return holds.annotate(state_now=Case(When(release__isnull=True, then=in_force), default=released))


def active_holds() -> QuerySet[LegalHold]:
    """Return the holds that nobody has released."""
    return LegalHold.objects.filter(release__isnull=True).select_related("system").order_by("pk")


def holds_over(period_from: datetime, period_to: datetime) -> QuerySet[LegalHold]:
    """Return the active holds whose period meets [`period_from`, `period_to`)."""
    return active_holds().filter(
        Q(period_to__isnull=True) | Q(period_to__gt=period_from), period_from__lt=period_to
    )


def meets(hold: LegalHold, period_from: datetime, period_to: datetime) -> bool:
    """Whether the period of a hold meets [`period_from`, `period_to`), as `holds_over` asks the database."""
    return (hold.period_to is None or hold.period_to > period_from) and hold.period_from < period_to


def find_hold(began: Iterable[tuple[str, datetime]]) -> LegalHold | None:
    """Return an active hold that something is under, by its system's key and the time it began; None where none is."""
    times = list(began)
    for hold in active_holds().filter(system__key__in={key for key, _ in times}):
        for key, at in times:
            before_end = hold.period_to is None or at < hold.period_to
            if key == hold.system.key and hold.period_from <= at and before_end:
                return hold
    return None


def is_held(holds: Iterable[LegalHold] | None = None) -> Q:
    """Return the condition that a request is kept for a hold: its token writes to a system under one.

    Args:
        holds: the active ones, where they were read already.
    """
    held = Q(pk__in=[])
    for hold in active_holds() if holds is None else holds:
        tokens = AccessToken.systems.through.objects.filter(system=hold.system).values("accesstoken")
        held |= Q(token__in=tokens, received_at__gte=hold.period_from)
    return held
