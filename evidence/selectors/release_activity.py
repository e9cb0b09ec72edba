"""What a release did in a period, by day or by week: answers, citations, policy checks, and what reviewers said.

What is counted is what the reader may read: rows come narrowed by `access.visible_to`. Each list of numbers is one
statement, whatever the number of traces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDay, TruncWeek

from evidence.errors import InvalidInput
from evidence.models import Release, Review, Trace
from evidence.selectors.planned import planned_rows
from evidence.selectors.revisions import is_superseded
from evidence.selectors.trace_words import Period, within
from evidence.statement_limit import TookTooLong, statements_limited
from evidence.statistics.intervals import Estimate
from evidence.statistics.shares import estimate_share
from evidence.statistics.units import Unit, tally
from evidence.worded import worded

MOST_DAYS: Final = 3_660
MOST_REVIEWS: Final = 20_000  # of a period
MOST_UNASKED: Final = (
    50_000  # answers of a period that a page counts by itself: more take it a second and longer
)
_CHANGES: Final = (Review.Decision.OVERRIDE.value, Review.Decision.REJECT.value)
_OF_FACTS: Final = {
    "material": "n_material",
    "unsupported": "n_material_supported",
    "citations": "n_citations",
    "not_found": "n_citations_found",
    "denied": "n_policy_denied",
    "escalated": "n_policy_escalated",
}


class Step(StrEnum):
    """How long each stretch of a trend is."""

    DAY = "day"
    WEEK = "week"  # from Monday


@dataclass(slots=True)
class Stretch:
    """What one day or week comes to."""

    first: date
    answers: int = 0  # by when they began; of each, its current revision
    material: int = 0  # claims that a source could confirm
    unsupported: int = 0  # of those, without a citation that was found in its document
    citations: int = 0
    not_found: int = 0  # of those
    denied: int = 0  # policy checks
    escalated: int = 0
    reviews: int = 0  # by when they were recorded
    changed: int = 0  # of those, overrides and rejections


@dataclass(frozen=True, slots=True)
class Activity:
    """A release over a period, stretch by stretch, none left out."""

    step: Step
    stretches: Sequence[Stretch]
    is_counted: bool  # whether answers were: there may be too many for the time there is

    def total(self, name: str) -> int:
        """Return the sum of a column."""
        return sum(getattr(each, name) for each in self.stretches)

    def column(self, name: str) -> list[float]:
        """Return a column in the order of time."""
        return [float(getattr(each, name)) for each in self.stretches]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of the reviews of a period; its units are conversations, and answers of none."""

    n: int  # reviews that it is of
    count: int
    share: Estimate | None  # None: there are none


@dataclass(frozen=True, slots=True)
class ReviewsOfRelease:
    """What reviewers recorded of a release in a period, as far as the reader may read it."""

    n: int = 0
    is_whole: bool = True  # False: there are more than are counted at once, and nothing else is told
    decisions: Mapping[str, Rate] = field(default_factory=dict)
    reasons: Mapping[str, Rate] = field(default_factory=dict)  # of overrides and rejections, of all reviews
    kept_from_reader: int = 0  # answers that wait for the reader, of which colleagues said something


def expected_answers(release: Release, traces: QuerySet[Trace], since: datetime, until: datetime) -> int:
    """Return about how many answers a release gave in a period, without counting them; arguments of `activity_of`."""
    return planned_rows(traces.filter(release=release, started_at__gte=since, started_at__lt=until))


def activity_of(
    release: Release, traces: QuerySet[Trace], reviews: QuerySet[Review], since: datetime, until: datetime, step: Step
) -> Activity:  # fmt: skip
    """Return what a release did. Where counting answers takes too long, only what reviewers did.

    Args:
        traces: those that the reader may read, of any release.
        reviews: likewise.
        since: inclusive, midnight UTC.
        until: exclusive, likewise.

    Raises:
        InvalidInput: the period is longer than `MOST_DAYS`, or ends before it begins.
    """
    if until <= since:
        raise InvalidInput(worded("The period ends before it begins."))
    if until - since > timedelta(days=MOST_DAYS):
        raise InvalidInput(
            worded("The period is longer than %(most)s days: take a shorter one.", most=MOST_DAYS)
        )
    found = {first: Stretch(first) for first in _firsts(since, until, step)}
    is_counted = _count_answers(release, traces, found, since, until, step)
    for row in _by(reviews, "created_at", step).annotate(
        n=Count("pk"), changed=Count("pk", filter=Q(decision__in=_CHANGES))
    ):
        stretch = found[row["at"].date()]
        stretch.reviews, stretch.changed = row["n"], row["changed"]
    return Activity(step, list(found.values()), is_counted)


def reviews_of(
    release: Release, reviews: QuerySet[Review], since: datetime, until: datetime, *, known: QuerySet[Review]
) -> ReviewsOfRelease:
    """Return decisions and reasons of a release in a period, with their rates.

    Args:
        reviews: those that the reader may read.
        known: of which they may know that they are there: of the others how many answers they are about is told.
        since: inclusive.
        until: exclusive.
    """
    of_period = {"task__trace__release": release, "created_at__gte": since, "created_at__lt": until}
    reviews, of_everybody = reviews.filter(**of_period), known.filter(**of_period)
    unit = Coalesce(F("task__trace__facts__conversation"), F("task__trace__trace_id"))
    columns = ("unit", "decision", "reason_code", "task")
    rows = list(reviews.order_by("pk").annotate(unit=unit).values_list(*columns)[: MOST_REVIEWS + 1])
    known_of = of_everybody.aggregate(n=Count("task", distinct=True))["n"]
    if len(rows) > MOST_REVIEWS:
        told = reviews.aggregate(n=Count("pk"), about=Count("task", distinct=True))
        return ReviewsOfRelease(told["n"], is_whole=False, kept_from_reader=known_of - told["about"])
    reasons = {reason for _, decision, reason, _ in rows if reason and decision in _CHANGES}
    return ReviewsOfRelease(
        n=len(rows),
        decisions={
            decision: _rate((unit, said == decision) for unit, said, _, _ in rows)
            for decision in Review.Decision.values
        },
        reasons={
            reason: _rate((unit, said in _CHANGES and why == reason) for unit, said, why, _ in rows)
            for reason in sorted(reasons)
        },
        kept_from_reader=known_of - len({task for *_, task in rows}),
    )


def _rate(rows: Iterable[tuple[Any, bool]]) -> Rate:
    """Return how often something was said; reviews of one conversation are one unit."""
    told = list(rows)
    sizes = Counter(unit for unit, _ in told)
    said = Counter(unit for unit, is_so in told if is_so)
    units = tally(Unit(n, float(said[unit])) for unit, n in sizes.items())
    return Rate(len(told), said.total(), estimate_share(units) if told else None)


def _count_answers(
    release: Release, traces: QuerySet[Trace], found: Mapping[date, Stretch], since: datetime, until: datetime,
    step: Step,
) -> bool:  # fmt: skip
    rows = traces.filter(release=release, started_at__gte=since, started_at__lt=until)
    counts: dict[str, Any] = {name: Sum(f"facts__{column}", default=0) for name, column in _OF_FACTS.items()}
    try:
        with statements_limited(settings.SEARCH_TIMEOUT):
            rows = within(rows, [release.system_id], Period(since, until)).exclude(is_superseded())
            told = list(_by(rows, "started_at", step).annotate(answers=Count("pk"), **counts))
    except TookTooLong:
        return False
    for row in told:
        stretch = found[row.pop("at").date()]
        for name, value in row.items():
            setattr(stretch, name, value)
        stretch.unsupported = stretch.material - stretch.unsupported
        stretch.not_found = stretch.citations - stretch.not_found
    return True


def _by(rows: QuerySet[Any], column: str, step: Step) -> QuerySet[Any]:
    cut = TruncDay if step is Step.DAY else TruncWeek
    grouped: QuerySet[Any] = rows.order_by().annotate(at=cut(column, tzinfo=UTC)).values("at")
    return grouped


def _firsts(since: datetime, until: datetime, step: Step) -> Iterable[date]:
    day = since.date()
    if step is Step.WEEK:
        day -= timedelta(days=day.weekday())
    while day < until.date():
        yield day
        day += timedelta(days=1 if step is Step.DAY else 7)
