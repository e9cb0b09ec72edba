"""How systems stand, for the strip on home: the release that is live, or the newest, and what its criteria come to.

Two queries for any number of systems, and one more for a reviewer where a verdict counts reviews; none reads more than
the last assessment of each approved criterion, found by its index.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection

from evidence import clock
from evidence.access import Principal
from evidence.selectors.review_tasks import releases_to_judge_blind
from evidence.vocabulary import CriterionVerdict
from requirements.covered import Judged
from requirements.drafts import Comparator
from requirements.freshness import judge_whatever_its_age

MET: Final = "met"
NOT_MET: Final = "not_met"
HIDDEN: Final = "hidden"
MOST_DATED: Final = 500  # criteria of which is asked since when they are not met: three look-ups for each
UNKNOWN: Final = ("untested", "stale", "insufficient", HIDDEN)  # why nobody, or not this person, can tell

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
# Each criterion of everything approved, with its last assessment for each of these releases.
_JUDGED: Final = """
WITH state AS (
    SELECT DISTINCT ON (t.version_id) t.version_id, t.to_state, q.system_id
    FROM requirements_requirementtransition t
    JOIN requirements_requirementversion v ON v.id = t.version_id
    JOIN requirements_requirement q ON q.id = v.requirement_id
    WHERE q.system_id = ANY(%(systems)s)
    ORDER BY t.version_id, t.at DESC, t.id DESC
)
SELECT r.id, c.id, c.key, c.check_name, c.artefact_version_id, c.max_age_days,
       coalesce(a.verdict, ''), coalesce(a.n, 0), a.observed_to, a.as_of, coalesce(a.counts_reviews, false),
       CASE WHEN a.verdict = 'stale' THEN a.inputs -> 'measured' END, c.comparator, c.threshold, c.min_n
FROM evidence_release r
JOIN state ON state.system_id = r.system_id AND state.to_state = 'approved'
JOIN requirements_acceptancecriterion c ON c.version_id = state.version_id
LEFT JOIN LATERAL (
    SELECT * FROM requirements_assessment x WHERE x.criterion_id = c.id AND x.release_id = r.id
    ORDER BY x.as_of DESC, x.id DESC LIMIT 1
) a ON true
WHERE r.id = ANY(%(releases)s)
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
    asked: dict[str, Any] = {"systems": sorted(system_ids), "live": settings.LIVE_ENVIRONMENT, "now": now}
    shown = _fetch(_SHOWN, asked)
    releases = {pk for row in shown for pk in (row[1], row[4]) if pk is not None}
    if not releases:
        return {}
    judged: defaultdict[int, dict[int, Judged]] = defaultdict(dict)
    for row in _fetch(_JUDGED, {"systems": sorted(system_ids), "releases": sorted(releases)}):
        judged[row[0]][row[1]] = _judged(row)
    kept = _kept_from(principal, releases, judged)
    return {
        system: _strip(row, judged[row[0]], judged[row[3]] if row[3] else {}, kept, now)
        for system, *row in shown
    }


def _strip(
    row: Sequence[Any],
    now_judged: Mapping[int, Judged],
    then_judged: Mapping[int, Judged],
    kept: Collection[int],
    now: datetime,
) -> Strip:
    release, name, is_live, before, before_name = row
    told = {pk: _told(each, now, hidden=release in kept) for pk, each in now_judged.items()}
    known = [now_judged[pk] for pk, word in told.items() if word not in {"untested", HIDDEN}]
    as_ofs = [each.assessed_as_of for each in known if each.assessed_as_of is not None]
    then = {
        pk: each.verdict
        for pk, each in then_judged.items()
        if each.verdict in {MET, NOT_MET}
        and not (before in kept and each.counts_reviews)
        and told.get(pk) != HIDDEN  # known, and not to this person
    }
    return Strip(
        release_id=release,
        release=name,
        is_live=is_live,
        before=before_name or "",
        counts=Counter(told.values()),
        fewest=min((each.n for each in known), default=None),
        most=max((each.n for each in known), default=None),
        as_of_first=min(as_ofs, default=None),
        as_of_last=max(as_ofs, default=None),
        trend=_trend(before_name, then, told) if then else None,
        unmet={
            pk: Unmet(told[pk], each.stale_since(now)) for pk, each in now_judged.items() if told[pk] != MET
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


def _trend(before: str, then: Mapping[int, str], told: Mapping[int, str]) -> Trend:
    moved = Counter((word, told[pk]) for pk, word in then.items())
    lost = sum(n for (_, word), n in moved.items() if word in UNKNOWN)
    return Trend(before, len(then), moved[NOT_MET, MET], moved[MET, NOT_MET], lost)


def _told(judged: Judged, now: datetime, *, hidden: bool) -> str:
    """Return what a criterion comes to in one word: what was not met stays so when it is old."""
    if hidden and judged.counts_reviews:
        return HIDDEN
    if judged.is_missing:
        return "untested"
    if judged.whatever_its_age == NOT_MET:
        return NOT_MET
    return "stale" if judged.is_stale(now) else judged.verdict


def _judged(row: Sequence[Any]) -> Judged:
    _, _, key, check, artefact, max_age, verdict, n, observed_to, as_of, counts, measured, *rule = row
    came_to = ""
    if verdict == CriterionVerdict.STALE:
        parts = json.loads(measured) if isinstance(measured, str) else measured
        comparator, threshold, min_n = rule
        came_to = judge_whatever_its_age(
            CriterionVerdict.STALE,
            parts or (),
            comparator=Comparator(comparator),
            threshold=threshold,
            min_n=min_n,
        ).value
    return Judged(
        key, check, "", artefact, max_age, verdict=verdict, n=n, observed_to=observed_to,
        assessed_as_of=as_of, counts_reviews=counts, came_to=came_to,
    )  # fmt: skip


def _kept_from(
    principal: Principal, releases: Collection[int], judged: Mapping[int, Mapping[int, Judged]]
) -> frozenset[int]:
    """Return the releases whose verdicts that count reviews could still lead this person."""
    count = any(each.counts_reviews for of_release in judged.values() for each in of_release.values())
    if not (count and principal.is_reviewer):
        return frozenset()
    blind = releases_to_judge_blind(principal.person).filter(trace__release__in=releases)
    return frozenset(blind.values_list("trace__release", flat=True))


def _fetch(query: str, asked: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, asked)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
