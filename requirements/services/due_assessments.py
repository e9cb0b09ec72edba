"""Assess again what new facts touch, a few pairs at a time: each is claimed by a lease, and the same stores nothing.

What it finds is what `assess` finds at the same moment, and replays as such. Nobody waits for it: gates judge for
themselves. Which pairs are due, `requirements.selectors.due_assessments` says; why so, docs/decisions/0060.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from evidence import clock
from evidence.actors import actor_of_component
from evidence.services.leased_work import name_worker
from evidence.time_budget import TimeBudget
from requirements.checks import known_checks
from requirements.checks.parameters import settling_time
from requirements.models import Assessment, AssessmentWatch
from requirements.selectors.due_assessments import CLAIM_DUE, OVERLAP, WATCH_NEW, what_is_asked
from requirements.services.assessment import assess

logger = logging.getLogger(__name__)

ACTOR: Final = actor_of_component("assessor")
LEASE: Final = timedelta(minutes=15)  # longer than a task may take
_FURTHEST: Final = timedelta(days=3650)  # until somebody looks again because of time alone


def assess_due(budget: TimeBudget, *, limit: int) -> int:
    """Assess pairs whose facts are newer than the last look, until none is due or the time is over.

    One that cannot be assessed is logged, and tried again when its lease is over; the others are not held up.

    Args:
        limit: pairs that are claimed together.

    Returns:
        How many pairs were looked at.
    """
    looked = 0
    while not budget.is_spent():
        claimed = _claim(limit)
        for pk in claimed:
            if budget.is_spent():
                _give_back(pk)
                continue
            looked += _look(pk)
        if len(claimed) < limit:
            break
    return looked


@transaction.atomic
def _claim(limit: int) -> list[int]:
    """Watch the pairs that are new, and take some of those that are due."""
    now = clock.now()
    values: dict[str, Any] = {
        **what_is_asked(),
        "now": now,
        "rested": now - timedelta(seconds=settings.ASSESS_EVERY),
        "overlap": OVERLAP,
        "limit": limit,
        "lease": now + LEASE,
        "worker": name_worker(),
    }
    with connection.cursor() as cursor:
        cursor.execute(WATCH_NEW, values)
        cursor.execute(CLAIM_DUE, values)
        return sorted(pk for (pk,) in cursor.fetchall())


def _look(pk: int) -> bool:
    """Assess one pair that was claimed, and note as of when; whether that was done."""
    watch = AssessmentWatch.objects.select_related(
        "criterion__version__requirement__system", "criterion__artefact_version", "release__system"
    ).get(pk=pk)
    as_of = clock.read_moment()
    try:
        found = assess(criterion=watch.criterion, release=watch.release, as_of=as_of, actor=ACTOR)
    except Exception:
        # Of any kind, a check may be somebody else's: what this pair ended must not end the others.
        logger.exception("%s could not be assessed", watch)
        return False
    _note(watch, as_of.at, _wake_at(found, as_of.at))
    return True


@transaction.atomic
def _note(watch: AssessmentWatch, looked_at: datetime, wake_at: datetime | None) -> None:
    """End the lease; not that of another, who took over when this one's was over."""
    held = AssessmentWatch.objects.filter(pk=watch.pk, worker=watch.worker, lease_until=watch.lease_until)
    held.update(looked_at=looked_at, wake_at=wake_at, lease_until=None, worker="")


@transaction.atomic
def _give_back(pk: int) -> None:
    """End the lease on a pair that was not looked at."""
    AssessmentWatch.objects.filter(pk=pk, worker=name_worker()).update(lease_until=None, worker="")


def _wake_at(found: Assessment, now: datetime) -> datetime | None:
    """Return when time alone may change what was found: units are complete by then, or what was observed is too old."""
    check, age = known_checks().get(found.criterion.check_name), found.criterion.max_age_days
    times = []
    if check is not None and check.grows:
        times.append(now + settling_time(found.criterion.parameters))
    if age is not None and found.observed_to is not None:
        times.append(found.observed_to + min(timedelta(days=age), _FURTHEST))
    return min((each for each in times if each > now), default=None)
