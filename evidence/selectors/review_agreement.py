"""How reviewers agree: on answers, on why not, and on single claims; all of them, and by pair.

What is counted is what the reader may read: `access.visible_to` leaves out what colleagues said of an answer that waits
for them, and so no figure tells it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from typing import Final

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from evidence.errors import InvalidInput, PeriodTooFull
from evidence.models import ClaimJudgement, ReasonCode, Review, ReviewTask, System
from evidence.selectors.review_tasks import with_standing
from evidence.selectors.revisions import is_superseded
from evidence.statistics.intervals import Estimate
from evidence.statistics.ratings import FEWEST_UNITS, Rated, agreement_of_ratings
from evidence.worded import worded

MOST_REVIEWS: Final = 20_000  # of a period
MOST_JUDGEMENTS: Final = 100_000  # of claims
_DECISIONS: Final = tuple(Review.Decision.values)
_NAMED, _NOT_NAMED = "named", "not_named"


class NoNumber(StrEnum):
    """Why there is no alpha."""

    NOT_JUDGED_TWICE = "not_judged_twice"
    TOO_FEW = "too_few"  # units; no share either
    ALL_ALIKE = "all_alike"  # chance would explain as much


@dataclass(frozen=True, slots=True)
class Figure:
    """How people agree on one question."""

    n: int  # answers, or claims, that two or more judged
    n_units: int  # independent ones: answers of one conversation are one
    share: Estimate | None  # of pairs of judgements of the same that are the same
    alpha: Estimate | None
    why: NoNumber | None  # why there is no alpha


@dataclass(frozen=True, slots=True)
class PairFigure:
    """How two people agree."""

    people: tuple[str, str]  # actors
    decisions: Figure


@dataclass(frozen=True, slots=True)
class ReasonFigure:
    """How people agree on whether a reason applies: named, or not."""

    reason_code: str
    n_named: int  # judgements that name it, of answers that two or more judged
    named: Figure


@dataclass(frozen=True, slots=True)
class Counted:
    """What the figures are made of, and what they are not."""

    reviews: int  # of the period, that the reader may read, of answers as they are now
    answers: int
    judged_by_one: int  # answers, of which nothing can be said
    second_awaited: int  # of those: two were asked for
    earlier_revisions: int  # reviews of an answer that a later revision replaced: not counted
    kept_from_reader: int  # answers that wait for the reader, of which colleagues said something: not counted


@dataclass(frozen=True, slots=True)
class ReviewAgreement:
    """How the reviewers of a system agree over a period."""

    counted: Counted
    decisions: Figure
    pairs: Sequence[PairFigure]  # most answers first
    reasons: Sequence[ReasonFigure]
    claims: Figure


@dataclass(frozen=True, slots=True)
class _Judged:
    """One review, as far as it is counted."""

    task: int
    person: str
    unit: Hashable
    decision: str
    reason_code: str


def agreement_of_reviewers(
    reviews: QuerySet[Review],
    judgements: QuerySet[ClaimJudgement],
    system: System,
    since: datetime,
    until: datetime,
    *,
    known: QuerySet[Review],
) -> ReviewAgreement:
    """Return how reviewers agree, by what they recorded in a period.

    Args:
        reviews: those that the reader may read.
        judgements: of claims, likewise.
        since: inclusive.
        until: exclusive.
        known: reviews of which the reader may know that they are there.

    Raises:
        InvalidInput: the period ends before it begins.
        PeriodTooFull: it holds more than is counted at once.
    """
    if until <= since:
        raise InvalidInput(worded("The period ends before it begins."))
    of_period = {"created_at__gte": since, "created_at__lt": until}
    recorded = known.filter(task__system=system, **of_period)
    if recorded.order_by()[: MOST_REVIEWS + 1].count() > MOST_REVIEWS:
        raise PeriodTooFull(MOST_REVIEWS, worded("reviews"))
    of_system = reviews.filter(task__system=system, **of_period)
    current = of_system.exclude(is_superseded("task__trace"))
    judged = _read(current)
    by_task = _by(judged, "task")
    twice = [group for group in by_task.values() if len(group) > 1]
    once = [group[0].task for group in by_task.values() if len(group) == 1]
    counted = Counted(
        reviews=len(judged),
        answers=len(by_task),
        judged_by_one=len(once),
        second_awaited=_awaiting(once),
        earlier_revisions=of_system.filter(is_superseded("task__trace")).count(),
        kept_from_reader=_kept(known.filter(task__system=system, **of_period), by_task),
    )
    return ReviewAgreement(
        counted=counted,
        decisions=_figure((_rate(group, "decision") for group in twice), _DECISIONS),
        pairs=_pairs(twice),
        reasons=[_reason(twice, code) for code in ReasonCode.values if code],
        claims=_claims(judgements.filter(review__in=current.values("pk"))),
    )


def _read(reviews: QuerySet[Review]) -> list[_Judged]:
    columns = ("task_id", "reviewer__pseudonym__actor", "unit", "decision", "reason_code")
    rows = reviews.annotate(unit=_unit("task__trace")).order_by("pk").values_list(*columns)
    return [_Judged(*row) for row in rows]


def _unit(trace: str) -> Coalesce:
    """Return what an answer depends on with others: its conversation; else itself."""
    return Coalesce(F(f"{trace}__facts__conversation"), F(f"{trace}__trace_id"))


def _by(judged: Iterable[_Judged], name: str) -> dict[int, list[_Judged]]:
    found: dict[int, list[_Judged]] = {}
    for each in judged:
        found.setdefault(getattr(each, name), []).append(each)
    return found


def _awaiting(once: Collection[int]) -> int:
    """Count the answers that wait for a second judgement still: of some it came outside the period."""
    asked = ReviewTask.objects.filter(pk__in=once, reviews_required__gt=1)
    found: int = with_standing(asked).filter(is_open=True).count()
    return found


def _kept(known: QuerySet[Review], shown: Collection[int]) -> int:
    """Count the answers of which something was said that the reader may not read yet; that it was said, they may."""
    said = known.exclude(is_superseded("task__trace"))
    return said.exclude(task__in=shown).order_by().values("task").distinct().count()


def _rate(group: Sequence[_Judged], name: str) -> Rated:
    return Rated(Counter(getattr(each, name) for each in group), group[0].unit)


def _pairs(twice: Iterable[Sequence[_Judged]]) -> list[PairFigure]:
    found: dict[tuple[str, str], list[Rated]] = {}
    for group in twice:
        for one, other in combinations(sorted(group, key=lambda each: each.person), 2):
            found.setdefault((one.person, other.person), []).append(_rate((one, other), "decision"))
    figures = [PairFigure(people, _figure(rated, _DECISIONS)) for people, rated in found.items()]
    return sorted(figures, key=lambda each: (-each.decisions.n, each.people))


def _reason(twice: Sequence[Sequence[_Judged]], code: str) -> ReasonFigure:
    rated = []
    for group in twice:
        named = sum(each.reason_code == code for each in group)
        rated.append(Rated({_NAMED: named, _NOT_NAMED: len(group) - named}, group[0].unit))
    return ReasonFigure(
        code, sum(each.counts[_NAMED] for each in rated), _figure(rated, (_NAMED, _NOT_NAMED))
    )


def _claims(judgements: QuerySet[ClaimJudgement]) -> Figure:
    rows = judgements.annotate(unit=_unit("review__task__trace")).order_by("pk")
    told = list(rows.values_list("claim_id", "unit", "judgement")[: MOST_JUDGEMENTS + 1])
    if len(told) > MOST_JUDGEMENTS:
        raise PeriodTooFull(MOST_JUDGEMENTS, worded("judgements of claims"))
    counts: dict[int, Counter[str]] = {}
    units: dict[int, Hashable] = {}
    for claim, unit, judgement in told:
        counts.setdefault(claim, Counter())[judgement] += 1
        units[claim] = unit
    rated = (Rated(counts[claim], units[claim]) for claim in counts)
    return _figure(rated, ClaimJudgement.Judgement.values)


def _figure(rated: Iterable[Rated], categories: Collection[str]) -> Figure:
    found = agreement_of_ratings(rated, categories)
    if found is None:
        return Figure(0, 0, None, None, NoNumber.NOT_JUDGED_TWICE)
    if found.share.n_units < FEWEST_UNITS:
        return Figure(found.n, found.share.n_units, None, None, NoNumber.TOO_FEW)
    why = None if found.alpha else NoNumber.ALL_ALIKE
    return Figure(found.n, found.share.n_units, found.share, found.alpha, why)
