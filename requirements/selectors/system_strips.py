"""How systems stand, for the strip on home: the release that is live, or the newest, and what its criteria come to.

Two queries for any number of systems, one more where evidence has become too old, and one more for a reviewer where a
verdict counts reviews; none reads more than the last assessment of each approved criterion, found by its index.
Criteria of which the same is on record are read as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import connection

from evidence import clock
from evidence.access import Principal
from evidence.kept_until_written import Found, KeptUntilWritten
from evidence.selectors.review_tasks import releases_to_judge_blind
from evidence.vocabulary import CriterionVerdict
from requirements.covered import Judged
from requirements.freshness import judge_stale
from requirements.models import (
    AcceptanceCriterion,
    Assessment,
    Requirement,
    RequirementTransition,
    RequirementVersion,
)

MET: Final = "met"
NOT_MET: Final = "not_met"
HIDDEN: Final = "hidden"
MOST_DATED: Final = 500  # criteria of which is asked since when they are not met: three look-ups for each
UNKNOWN: Final = ("untested", "stale", "insufficient", HIDDEN)  # why nobody, or not this person, can tell
# All that a strip follows from beside the releases it is about. A criterion that is kept is a number among others.
_kept: Final[KeptUntilWritten[Mapping[int, Sequence[_Alike]]]] = KeptUntilWritten(
    Requirement, RequirementVersion, RequirementTransition, AcceptanceCriterion, Assessment, most=500_000
)

# What is live in production, else the newest; beside it what it stood in for, else the one registered before it.
_SHOWN: Final = """
SELECT s.id, r.id, r.name, d.id IS NOT NULL, p.id, p.name
FROM unnest(%(systems)s::bigint[]) AS s(id)
LEFT JOIN LATERAL (
    SELECT x.id, x.release_id, b.release_id AS stood_there
    FROM evidence_deployment x LEFT JOIN evidence_deployment b ON b.id = x.replaces_id
    WHERE x.system_id = s.id AND x.environment = %(live)s AND x.effective_from <= %(now)s
    ORDER BY x.effective_from DESC, x.id DESC LIMIT 1
) d ON true
JOIN LATERAL (
    SELECT id, name FROM evidence_release
    WHERE system_id = s.id AND (d.release_id IS NULL OR id = d.release_id) ORDER BY id DESC LIMIT 1
) r ON true
LEFT JOIN LATERAL (
    SELECT id, name FROM evidence_release
    WHERE system_id = s.id AND (id = nullif(d.stood_there, r.id) OR id < r.id)
    ORDER BY id = nullif(d.stood_there, r.id) DESC NULLS LAST, id DESC LIMIT 1
) p ON true
"""
# The last assessment of each criterion of everything approved, for the release that is shown and the one before:
# criteria of which the same is on record are one row, with the oldest observation of any.
_ALIKE: Final = """
WITH state AS (
    SELECT DISTINCT ON (t.version_id) t.version_id, t.to_state, q.system_id
    FROM requirements_requirementtransition t
    JOIN requirements_requirementversion v ON v.id = t.version_id
    JOIN requirements_requirement q ON q.id = v.requirement_id
    WHERE q.system_id = ANY(%(systems)s)
    ORDER BY t.version_id, t.at DESC, t.id DESC
)
SELECT state.system_id, coalesce(a.verdict, ''), coalesce(a.counts_reviews, false), c.max_age_days,
       coalesce(b.verdict, ''), coalesce(b.counts_reviews, false),
       min(coalesce(a.n, 0)), max(a.n), min(a.observed_to), min(a.as_of), max(a.as_of), array_agg(c.id)
FROM unnest(%(systems)s::bigint[], %(releases)s::bigint[], %(before)s::bigint[]) AS s(id, release_id, before_id)
JOIN state ON state.system_id = s.id AND state.to_state = 'approved'
JOIN requirements_acceptancecriterion c ON c.version_id = state.version_id
LEFT JOIN LATERAL (
    SELECT * FROM requirements_assessment x WHERE x.criterion_id = c.id AND x.release_id = s.release_id
    ORDER BY x.as_of DESC, x.id DESC LIMIT 1
) a ON true
LEFT JOIN LATERAL (
    SELECT * FROM requirements_assessment x WHERE x.criterion_id = c.id AND x.release_id = s.before_id
    ORDER BY x.as_of DESC, x.id DESC LIMIT 1
) b ON true
GROUP BY 1, 2, 3, 4, 5, 6, coalesce(a.n, 0) > 0
"""
# Of these criteria and releases the last assessment, with what tells a stale one apart from its age.
_ONE_BY_ONE: Final = """
SELECT c.id, a.n, a.observed_to, a.as_of, CASE WHEN a.verdict = 'stale' THEN a.inputs -> 'measured' END,
       c.comparator, c.threshold, c.min_n
FROM unnest(%(criteria)s::bigint[], %(releases)s::bigint[]) AS p(criterion_id, release_id)
JOIN requirements_acceptancecriterion c ON c.id = p.criterion_id
JOIN LATERAL (
    SELECT * FROM requirements_assessment x WHERE x.criterion_id = p.criterion_id AND x.release_id = p.release_id
    ORDER BY x.as_of DESC, x.id DESC LIMIT 1
) a ON true
"""
# Since when a criterion is not known to be met for a release: since the first assessment after the last one that said
# so; of one that was never assessed, since it could have been.
_UNMET_SINCE: Final = """
SELECT p.criterion_id, x.as_of, greatest(t.at, r.created_at)
FROM unnest(%(criteria)s::bigint[], %(releases)s::bigint[]) AS p(criterion_id, release_id)
JOIN evidence_release r ON r.id = p.release_id
JOIN requirements_acceptancecriterion c ON c.id = p.criterion_id
LEFT JOIN LATERAL (
    SELECT at FROM requirements_requirementtransition
    WHERE version_id = c.version_id AND to_state = 'approved' ORDER BY at DESC LIMIT 1
) t ON true
LEFT JOIN LATERAL (
    SELECT as_of FROM requirements_assessment
    WHERE criterion_id = p.criterion_id AND release_id = p.release_id AND verdict = 'met' ORDER BY as_of DESC LIMIT 1
) m ON true
LEFT JOIN LATERAL (
    SELECT as_of FROM requirements_assessment
    WHERE criterion_id = p.criterion_id AND release_id = p.release_id AND as_of > coalesce(m.as_of, '-infinity')
    ORDER BY as_of LIMIT 1
) x ON true
"""


@dataclass(frozen=True, slots=True)
class Trend:
    """What became of the criteria that were met or not met for the release before."""

    before: str  # the release that is compared with, by name
    n: int  # criteria that were met or not met for it, as they were judged then
    better: int  # not met then, met now
    worse: int  # met then, not met now
    lost: int  # known then, unknown now


@dataclass(frozen=True, slots=True)
class Unmet:
    """A criterion that is not met, or of which nobody can tell."""

    word: str  # `NOT_MET`, or one of `UNKNOWN`
    stale_since: datetime | None  # None: its evidence is not too old


@dataclass(frozen=True, slots=True)
class Strip:
    """How one system stands."""

    release_id: int
    release: str
    is_live: bool  # in production; else it is the newest on record
    before: str  # the release before it, by name; empty: there is none
    counts: Mapping[str, int]  # criteria of everything approved, by `MET`, `NOT_MET` and each of `UNKNOWN`
    fewest: int | None  # observations of the criterion that rests on the fewest; None: none was judged
    most: int | None
    as_of_first: datetime | None  # of the oldest of these assessments
    as_of_last: datetime | None
    trend: Trend | None  # None: there is nothing to compare with
    unmet: Mapping[int, Unmet] = field(repr=False)  # the criteria that are not known to be met, by key

    @property
    def met(self) -> int:
        """Return how many are met by evidence that is recent enough."""
        return self.counts[MET]

    @property
    def not_met(self) -> int:
        """Return how many are known not to hold, however old that is (decision 0060)."""
        return self.counts[NOT_MET]

    @property
    def unknown(self) -> int:
        """Return of how many nobody can tell."""
        return sum(self.counts[why] for why in UNKNOWN)

    @property
    def why_unknown(self) -> list[tuple[str, int]]:
        """Return why nobody can tell, with how many."""
        return [(why, self.counts[why]) for why in UNKNOWN if self.counts[why]]

    @property
    def total(self) -> int:
        """Return how many criteria are approved."""
        return sum(self.counts.values())


def strips_of(principal: Principal, system_ids: Collection[int]) -> dict[int, Strip]:
    """Return how systems stand, by key; a system without a release has no strip.

    Args:
        system_ids: that the principal may see.
    """
    now = clock.now()
    asked = {"systems": sorted(system_ids), "live": settings.LIVE_ENVIRONMENT, "now": now}
    shown = [_Shown(*row) for row in _fetch(_SHOWN, asked)]
    if not shown:
        return {}
    alike = _alike(shown)
    kept = _kept_from(principal, shown, alike)
    return {each.system: _strip(each, alike[each.system], kept, now) for each in shown}


class _Shown(NamedTuple):
    """The release of a system that its strip is about, and the one that it is compared with."""

    system: int
    release: int
    name: str
    is_live: bool
    before: int | None
    before_name: str | None


@dataclass(frozen=True, slots=True)
class _Alike:
    """Criteria of which the same is on record, so that they come to the same."""

    criteria: Sequence[int]
    judged: (
        Judged  # what they come to for the release that is shown, with the fewest observations and the oldest
    )
    most: int  # observations
    as_of_first: datetime | None
    then: str  # the verdict of the release before; empty: none
    then_counts_reviews: bool

    def told(self, now: datetime, *, hidden: bool) -> str:
        """Return what they come to in one word: what was not met stays so when it is old."""
        if hidden and self.judged.counts_reviews:
            return HIDDEN
        if self.judged.is_missing:
            return "untested"
        if self.judged.whatever_its_age == NOT_MET:
            return NOT_MET
        return "stale" if self.judged.is_stale(now) else self.judged.verdict


def _strip(shown: _Shown, alike: Sequence[_Alike], kept: Collection[int], now: datetime) -> Strip:
    told = [(each, each.told(now, hidden=shown.release in kept)) for each in alike]
    known = [each for each, word in told if word not in {"untested", HIDDEN}]
    counts: Counter[str] = Counter()
    moved: Counter[tuple[str, str]] = Counter()  # from the verdict of the release before to what it is now
    for each, word in told:
        counts[word] += len(each.criteria)
        hidden = word == HIDDEN or (shown.before in kept and each.then_counts_reviews)
        if each.then in {MET, NOT_MET} and not hidden:
            moved[each.then, word] += len(each.criteria)
    return Strip(
        release_id=shown.release,
        release=shown.name,
        is_live=shown.is_live,
        before=shown.before_name or "",
        counts=counts,
        fewest=min((each.judged.n for each in known), default=None),
        most=max((each.most for each in known), default=None),
        as_of_first=min((each.as_of_first for each in known if each.as_of_first), default=None),
        as_of_last=max(
            (each.judged.assessed_as_of for each in known if each.judged.assessed_as_of), default=None
        ),
        trend=_trend(shown.before_name or "", moved) if moved else None,
        unmet={
            pk: Unmet(word, each.judged.stale_since(now))
            for each, word in told
            if word != MET
            for pk in each.criteria
        },
    )


def unmet_since(strips: Iterable[Strip]) -> dict[str, datetime]:
    """Return since when the first criterion that comes to each word is not known to be met: one query at most.

    What is hidden from the reader tells nothing. Where more than `MOST_DATED` are not, nothing is told of any.
    """
    unmet = {
        pk: (strip.release_id, each)
        for strip in strips
        for pk, each in strip.unmet.items()
        if each.word != HIDDEN
    }
    if not unmet or len(unmet) > MOST_DATED:
        return {}
    asked = {"criteria": list(unmet), "releases": [release for release, _ in unmet.values()]}
    since: dict[str, datetime] = {}
    for pk, first, could_be in _fetch(_UNMET_SINCE, asked):
        _, each = unmet[pk]
        began = first or each.stale_since or could_be
        since[each.word] = min(began, since.get(each.word, began))
    return since


def _trend(before: str, moved: Mapping[tuple[str, str], int]) -> Trend:
    lost = sum(n for (_, word), n in moved.items() if word in UNKNOWN)
    return Trend(before, sum(moved.values()), moved[NOT_MET, MET], moved[MET, NOT_MET], lost)


def _alike(shown: Sequence[_Shown]) -> Mapping[int, Sequence[_Alike]]:
    """Return what the criteria of each system come to, by its key, as found before where no row has come since."""

    def find() -> Found[Mapping[int, Sequence[_Alike]]]:
        found = _find_alike(shown, clock.now())
        alike = [each for rows in found.values() for each in rows]

        def until(at: datetime) -> datetime | None:
            ages = (each.judged.ages_after(at) for each in alike)
            return min((each for each in ages if each is not None), default=None)

        return Found(found, sum(len(each.criteria) for each in alike), until)

    key = tuple((each.system, each.release, each.before) for each in shown)
    return _kept.get(key, [each.system for each in shown], find)


def _find_alike(shown: Sequence[_Shown], now: datetime) -> dict[int, list[_Alike]]:
    """Return what the criteria of each system come to, by its key; those with evidence too old, one by one."""
    asked = {
        "systems": [each.system for each in shown],
        "releases": [each.release for each in shown],
        "before": [each.before for each in shown],
    }
    found: dict[int, list[_Alike]] = {each.system: [] for each in shown}
    aged: dict[int, list[_Alike]] = {}
    for system, *row in _fetch(_ALIKE, asked):
        each = _read_alike(row)
        of = aged.setdefault(system, []) if each.judged.is_stale(now) else found[system]
        of.append(each)
    for system, each in _one_by_one(shown, aged):
        found[system].append(each)
    return found


def _read_alike(row: Sequence[Any]) -> _Alike:
    verdict, counts, max_age, then, then_counts, fewest, most, oldest, first, last, criteria = row
    judged = Judged(
        "", "", "", 0, max_age, verdict=verdict, n=fewest, observed_to=oldest, assessed_as_of=last,
        counts_reviews=counts,
    )  # fmt: skip
    return _Alike(criteria, judged, most or 0, first, then, then_counts)


def _one_by_one(
    shown: Sequence[_Shown], aged: Mapping[int, Sequence[_Alike]]
) -> Iterator[tuple[int, _Alike]]:
    """Yield each criterion of those that were read as one, by the system: which of them are too old, each says."""
    releases = {each.system: each.release for each in shown}
    of = {pk: (system, each) for system, rows in aged.items() for each in rows for pk in each.criteria}
    if not of:
        return
    asked = {"criteria": list(of), "releases": [releases[system] for system, _ in of.values()]}
    for pk, n, observed_to, as_of, measured, *rule in _fetch(_ONE_BY_ONE, asked):
        system, each = of[pk]
        came_to = judge_stale(measured, *rule).value if each.judged.verdict == CriterionVerdict.STALE else ""
        judged = replace(each.judged, n=n, observed_to=observed_to, assessed_as_of=as_of, came_to=came_to)
        yield system, replace(each, criteria=[pk], judged=judged, most=n, as_of_first=as_of)


def _kept_from(
    principal: Principal, shown: Sequence[_Shown], alike: Mapping[int, Sequence[_Alike]]
) -> frozenset[int]:
    """Return the releases whose verdicts that count reviews could still lead this person."""
    of_any = [each for rows in alike.values() for each in rows]
    count = any(each.judged.counts_reviews or each.then_counts_reviews for each in of_any)
    if not (count and principal.is_reviewer):
        return frozenset()
    releases = {pk for each in shown for pk in (each.release, each.before) if pk is not None}
    blind = releases_to_judge_blind(principal.person).filter(trace__release__in=releases)
    return frozenset(blind.values_list("trace__release", flat=True))


def _fetch(query: str, asked: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, asked)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
