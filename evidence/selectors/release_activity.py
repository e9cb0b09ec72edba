"""What a release did in a period, by day or by week: answers, citations, policy checks, and what reviewers said.

What is counted is what the reader may read: rows come narrowed by `access.visible_to`. Each list of numbers is one
statement, whatever the number of traces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDay, TruncWeek

from evidence.errors import InvalidInput
from evidence.models import Release, Review, ReviewTask, Trace
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

    n: int
    n_answers: int  # that these reviews are of
    count_known: Callable[[], int]  # answers of the period that the reader may know to be reviewed
    is_whole: bool = True  # False: there are more than are counted at once, and nothing else is told
    decisions: Mapping[str, Rate] = field(default_factory=dict)
    reasons: Mapping[str, Rate] = field(default_factory=dict)  # of overrides and rejections, of all reviews

    @property
    def kept_from_reader(self) -> int:
        """How many answers wait for the reader, of which colleagues said something."""
        return self.count_known() - self.n_answers


@dataclass(frozen=True, slots=True)
class Said:
    """The reviews of a release in a period that the reader may read, read once for all that is told of them."""

    rows: Sequence[tuple[Any, str, str, int, datetime]]  # unit, decision, reason, task, when
    reviews: QuerySet[Review]
    is_whole: bool  # False: there are more than are read at once, and no rows were


def expected_answers(release: Release, traces: QuerySet[Trace], since: datetime, until: datetime) -> int:
    """Return about how many answers a release gave in a period, without counting them; arguments of `activity_of`."""
    return planned_rows(traces.filter(release=release, started_at__gte=since, started_at__lt=until))


def said_of(release: Release, reviews: QuerySet[Review], since: datetime, until: datetime) -> Said:
    """Return what reviewers said of a release in a period.

    Args:
        reviews: those that the reader may read.
        since: inclusive.
        until: exclusive.
    """
    reviews = reviews.filter(task__trace__release=release, created_at__gte=since, created_at__lt=until)
    unit = Coalesce(F("task__trace__facts__conversation"), F("task__trace__trace_id"))
    columns = ("unit", "decision", "reason_code", "task", "created_at")
    rows = list(reviews.order_by("pk").annotate(unit=unit).values_list(*columns)[: MOST_REVIEWS + 1])
    is_whole = len(rows) <= MOST_REVIEWS
    return Said(rows if is_whole else (), reviews, is_whole)


def reviewed_of(
    release: Release, known: QuerySet[Review], since: datetime, until: datetime
) -> QuerySet[ReviewTask]:
    """Return the answers of which the reader may know that they were reviewed in a period, by their tasks.

    Args:
        known: the reviews of which they may know that they are there.
        since: inclusive.
        until: exclusive.
    """
    of_task = known.filter(task=OuterRef("pk"), created_at__gte=since, created_at__lt=until)
    return ReviewTask.objects.filter(Exists(of_task), trace__release=release)


def activity_of(
    release: Release, traces: QuerySet[Trace], said: Said, since: datetime, until: datetime, step: Step
) -> Activity:
    """Return what a release did. Where counting answers takes too long, only what reviewers did.

    Args:
        traces: those that the reader may read, of any release.
        said: by reviewers, in the same period.
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
    _count_reviews(said, found, step)
    return Activity(step, list(found.values()), is_counted)


def reviews_of(said: Said, *, count_known: Callable[[], int]) -> ReviewsOfRelease:
    """Return decisions and reasons of a release in a period, with their rates.

    Args:
        said: in that period.
        count_known: tells how many answers `reviewed_of` has of it: of those that the reader may not read that is told.
    """
    if not said.is_whole:
        told = said.reviews.aggregate(n=Count("pk"), about=Count("task", distinct=True))
        return ReviewsOfRelease(told["n"], told["about"], count_known, is_whole=False)
    reasons = {reason for _, decision, reason, *_ in said.rows if reason and decision in _CHANGES}
    return ReviewsOfRelease(
        n=len(said.rows),
        n_answers=len({task for _, _, _, task, _ in said.rows}),
        count_known=count_known,
        decisions={
            decision: _rate((unit, made == decision) for unit, made, *_ in said.rows)
            for decision in Review.Decision.values
        },
        reasons={
            reason: _rate((unit, made in _CHANGES and why == reason) for unit, made, why, *_ in said.rows)
            for reason in sorted(reasons)
        },
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


def _count_reviews(said: Said, found: Mapping[date, Stretch], step: Step) -> None:
    if not said.is_whole:
        changed = Count("pk", filter=Q(decision__in=_CHANGES))
        for row in _by(said.reviews, "created_at", step).annotate(n=Count("pk"), changed=changed):
            stretch = found[row["at"].date()]
            stretch.reviews, stretch.changed = row["n"], row["changed"]
    for _, decision, *_, at in said.rows:
        stretch = found[_first_of(at.astimezone(UTC).date(), step)]
        stretch.reviews += 1
        stretch.changed += decision in _CHANGES


def _by(rows: QuerySet[Any], column: str, step: Step) -> QuerySet[Any]:
    cut = TruncDay if step is Step.DAY else TruncWeek
    grouped: QuerySet[Any] = rows.order_by().annotate(at=cut(column, tzinfo=UTC)).values("at")
    return grouped


def _firsts(since: datetime, until: datetime, step: Step) -> Iterable[date]:
    day = _first_of(since.date(), step)
    while day < until.date():
        yield day
        day += timedelta(days=1 if step is Step.DAY else 7)


def _first_of(day: date, step: Step) -> date:
    """Return the first day of the stretch that a day is in."""
    return day if step is Step.DAY else day - timedelta(days=day.weekday())
