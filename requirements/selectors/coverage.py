"""Coverage: each approved requirement against a release, what stands alone, and what verifies nothing.

The number of queries does not depend on how many requirements, traces or runs there are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from django.db import connection

from evidence import clock
from evidence.kept_until_written import Found, KeptUntilWritten
from evidence.models import Artefact, ArtefactKind, EvalRun, Release
from evidence.vocabulary import CriterionVerdict, Layer
from requirements.covered import Judged, Standing, is_covered, standing_of
from requirements.freshness import judge_stale
from requirements.models import (
    Assessment,
    Baseline,
    BaselineMember,
    LinkKind,
    RequirementState,
)
from requirements.selectors.links import (
    LINKS_FOLLOW_FROM,
    LINKS_IN_FORCE,
    LinkStanding,
    Suspicion,
    read_standings,
)
from requirements.verdicts import Judgement, without_approval

_FAMILY: Final = frozenset({LinkKind.DERIVES.value, LinkKind.REFINES.value})
MOST_NAMED: Final = 50  # runs that verify nothing; their number is of all

# Each approved version, or each of a baseline, with its criteria and the last assessment of each for the release.
_ROWS: Final = """
WITH state AS (
    SELECT DISTINCT ON (t.version_id) t.version_id, t.to_state
    FROM requirements_requirementtransition t
    JOIN requirements_requirementversion v ON v.id = t.version_id
    JOIN requirements_requirement q ON q.id = v.requirement_id
    WHERE q.system_id = %(system)s
    ORDER BY t.version_id, t.at DESC, t.id DESC
), versions AS (
    SELECT version_id AS id, to_state FROM state WHERE %(baseline)s::bigint IS NULL AND to_state = 'approved'
    UNION ALL
    SELECT version_id, to_state FROM requirements_baselinemember JOIN state USING (version_id)
    WHERE baseline_id = %(baseline)s
)
SELECT q.key, q.artefact_id, v.id, v.number, v.layer, v.risk_tier, to_state,
       c.key, c.check_name, coalesce(c.parameters #>> '{suite,key}', ''), i.artefact_id, c.max_age_days,
       coalesce(a.verdict, ''), coalesce(a.detail, ''), a.value, coalesce(a.unit, ''), coalesce(a.n, 0), a.low, a.high,
       a.bound_confidence, a.observed_to, a.as_of, coalesce(a.counts_reviews, false), a.id, c.threshold,
       CASE WHEN a.verdict = 'stale' THEN a.inputs -> 'measured' END, c.comparator, c.threshold, c.min_n
FROM versions
JOIN requirements_requirementversion v USING (id)
JOIN requirements_requirement q ON q.id = v.requirement_id
LEFT JOIN requirements_acceptancecriterion c ON c.version_id = v.id
LEFT JOIN evidence_artefactversion i ON i.id = c.artefact_version_id
LEFT JOIN LATERAL (
    SELECT * FROM requirements_assessment x WHERE x.criterion_id = c.id AND x.release_id = %(release)s
    ORDER BY x.as_of DESC, x.id DESC LIMIT 1
) a ON true
WHERE %(keys)s::text[] IS NULL OR q.key = ANY(%(keys)s)
ORDER BY q.key, v.number, c.key
"""
# All that coverage follows from, and what is kept of it in a process: requirements and suspect links.
_kept: Final[KeptUntilWritten[Coverage]] = KeptUntilWritten(
    *LINKS_FOLLOW_FROM, Assessment, BaselineMember, EvalRun, most=30_000, in_force=LINKS_IN_FORCE
)
_OF_VERSION: Final = 7  # columns of the version; what follows is of a criterion
_OF_RULE: Final = 4  # columns at the end, by which a stale verdict is told apart from its age


class Doubt(NamedTuple):
    """Why something is suspect: a link that leads to it or from it."""

    link: str  # "P>K"
    because: tuple[str, ...]  # "P: v1 -> v2"; or the links above it that are suspect
    is_below: bool  # whether it is those

    def __str__(self) -> str:
        return f"{self.link}: {'below ' if self.is_below else ''}{', '.join(self.because)}"


@dataclass(frozen=True, slots=True)
class CoveredRequirement:
    """A requirement, and what it comes to for the release."""

    key: str
    artefact_id: int
    version_id: int
    number: int
    layer: str
    risk_tier: str
    criteria: tuple[Judged, ...]
    standing: Standing
    is_covered: bool
    doubts: tuple[Doubt, ...]
    has_downstream: bool
    at: datetime  # as of which its evidence is too old, or is not

    @property
    def suspect_because(self) -> tuple[str, ...]:
        """Return why it is suspect, by link: `P>K: P: v1 -> v2`."""
        return tuple(map(str, self.doubts))

    @property
    def causes(self) -> list[tuple[str, bool, list[str]]]:
        """Return each cause once, whether it is a link above, and the links that it makes suspect."""
        links: defaultdict[tuple[str, bool], list[str]] = defaultdict(list)
        for doubt in self.doubts:
            for cause in doubt.because:
                links[cause, doubt.is_below].append(doubt.link)
        return [(cause, is_below, names) for (cause, is_below), names in links.items()]

    @property
    def n(self) -> int:
        """Return how many observations its criteria rest on: of the one that has the fewest."""
        return min((each.n for each in self.criteria), default=0)

    @property
    def aged(self) -> list[tuple[Judged, datetime | None]]:
        """Return each criterion with since when its evidence is too old; None: it is not."""
        return [(each, each.stale_since(self.at)) for each in self.criteria]

    @property
    def stale_since(self) -> datetime | None:
        """Return since when the evidence of a criterion is too old, of that which is so longest; None: of none."""
        return min((since for _, since in self.aged if since is not None), default=None)

    @property
    def fresh_until(self) -> datetime | None:
        """Return when the evidence of a criterion becomes too old, of that where it does first; None: of none."""
        ages = (each.ages_after(self.at) for each in self.criteria)
        return min((at for at in ages if at is not None), default=None)

    @property
    def counts_reviews(self) -> bool:
        """Whether a verdict of it rests on what reviewers said."""
        return any(each.counts_reviews for each in self.criteria)


@dataclass(frozen=True, slots=True)
class IdleSuite:
    """A suite that no link and no criterion in force names, and its runs on the release."""

    key: str
    run_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a release is covered. Every count is made from the lists."""

    release: Release
    baseline: str  # empty: everything approved
    at: datetime
    requirements: tuple[CoveredRequirement, ...]
    orphans: tuple[CoveredRequirement, ...]  # that nothing answers to: no link below, no criterion
    idle_suites: tuple[IdleSuite, ...]  # whose results verify nothing
    suspect_links: tuple[LinkStanding, ...]

    @property
    def covered(self) -> list[CoveredRequirement]:
        """Return those that are covered."""
        return [each for each in self.requirements if each.is_covered]

    @property
    def uncovered(self) -> list[CoveredRequirement]:
        """Return those that are not."""
        return [each for each in self.requirements if not each.is_covered]

    @property
    def counts_reviews(self) -> bool:
        """Whether a verdict in it rests on what reviewers said."""
        return any(one.counts_reviews for one in self.requirements)

    def judged(self) -> dict[str, Judged]:
        """Return each criterion with its last assessment, by `R/c`."""
        return {f"{one.key}/{each.key}": each for one in self.requirements for each in one.criteria}

    def of_layer(self, layer: str) -> list[CoveredRequirement]:
        """Return the requirements of a layer."""
        return [each for each in self.requirements if each.layer == layer]

    def by_standing(self, layer: str = "") -> dict[Standing, int]:
        """Return how many requirements, of a layer or all, come to what."""
        rows = self.of_layer(layer) if layer else self.requirements
        counted = Counter(each.standing for each in rows)
        return {standing: counted[standing] for standing in Standing}


def cover(release: Release, baseline: Baseline | None = None) -> Coverage:
    """Return what of a release is covered now, of everything approved or of a baseline.

    What was found before is returned where no row has come and nothing has aged since.
    """
    key = (release.pk, baseline.pk if baseline else None)
    found = _kept.get(key, [release.system_id], lambda: _found(release, baseline))
    return replace(found, release=release, at=clock.now())


def _found(release: Release, baseline: Baseline | None) -> Found[Coverage]:
    coverage = _cover(release, baseline, clock.now())

    def until(at: datetime) -> datetime | None:
        ages = (each.ages_after(at) for one in coverage.requirements for each in one.criteria)
        return min((each for each in ages if each is not None), default=None)

    return Found(coverage, len(coverage.requirements) + len(coverage.suspect_links), until)


def _cover(release: Release, baseline: Baseline | None, now: datetime) -> Coverage:
    links = read_standings(release.system)
    found = list(judge_requirements(release, baseline, links, now))
    read = {each.suite for one in found for each in one.criteria if each.suite}
    return Coverage(
        release=release,
        baseline=baseline.name if baseline else "",
        at=now,
        requirements=tuple(found),
        orphans=tuple(each for each in found if not each.has_downstream and not each.criteria),
        idle_suites=_idle_suites(release, read, links),
        suspect_links=tuple(each for each in links if each.is_suspect),
    )


def judge_requirements(
    release: Release, baseline: Baseline | None, links: Sequence[LinkStanding], now: datetime
) -> Iterator[CoveredRequirement]:
    """Yield everything approved, or all of a baseline, with what it comes to for a release, by key: one query.

    Args:
        links: where each link of the system stands.
    """
    suspects, answered = _suspects(links), _answered(links)
    for head, rows in groupby(_read(release, baseline), key=itemgetter(slice(0, _OF_VERSION))):
        yield _requirement(head, rows, now, suspects, answered)


def judged_on(release: Release, keys: Collection[str] | None = None) -> dict[str, Judged]:
    """Return each criterion of everything approved with its last assessment for a release, by `R/c`: one query.

    Args:
        keys: of the requirements that are asked about; None: of all.
    """
    return {
        f"{row[0]}/{row[_OF_VERSION]}": _judged(row)
        for row in _read(release, None, keys)
        if row[_OF_VERSION] is not None
    }


def _read(
    release: Release, baseline: Baseline | None, keys: Collection[str] | None = None
) -> list[tuple[Any, ...]]:
    asked: dict[str, Any] = {
        "system": release.system_id,
        "release": release.pk,
        "baseline": baseline.pk if baseline else None,
        "keys": None if keys is None else sorted(keys),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, asked)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _requirement(
    head: tuple[Any, ...],
    rows: Iterable[tuple[Any, ...]],
    now: datetime,
    suspects: Mapping[int, Sequence[Doubt]],
    answered: Collection[int],
) -> CoveredRequirement:
    criteria = tuple(_judged(row) for row in rows if row[_OF_VERSION] is not None)
    key, artefact, version, number, layer, risk_tier, _ = head
    artefacts = {artefact, *(each.artefact_id for each in criteria)}
    doubts = tuple(sorted({told for each in artefacts for told in suspects.get(each, ())}, key=str))
    return CoveredRequirement(
        key, artefact, version, number, layer, risk_tier,
        criteria=criteria,
        standing=standing_of(criteria, now, suspect=bool(doubts)),
        is_covered=is_covered(criteria, layer, now),
        doubts=doubts,
        has_downstream=not artefacts.isdisjoint(answered),
        at=now,
    )  # fmt: skip


def _judged(row: tuple[Any, ...]) -> Judged:
    """Return a criterion with its last assessment as it counts: of a version that is not approved, nothing passes."""
    told = Judged(*row[_OF_VERSION:-_OF_RULE])
    if told.verdict == CriterionVerdict.STALE:
        return replace(told, came_to=judge_stale(*row[-_OF_RULE:]).value)
    key, number, state = row[0], row[3], row[_OF_VERSION - 1]
    if told.is_missing or state == RequirementState.APPROVED:
        return told
    counts = without_approval(
        Judgement(CriterionVerdict(told.verdict), told.detail), f"{key} v{number}", state
    )
    return replace(told, verdict=counts.verdict.value, detail=counts.detail)


def _suspects(links: Iterable[LinkStanding]) -> dict[int, list[Doubt]]:
    """Return why each thing is suspect. A parent is not, because it moved itself: its children are."""
    found: defaultdict[int, list[Doubt]] = defaultdict(list)
    for link in links:
        if not link.is_suspect:
            continue
        told = Doubt(link.name, link.because, is_below=link.suspicion is Suspicion.TRANSITIVE)
        found[link.stored.downstream_id].append(told)
        if link.stored.kind not in _FAMILY or link.downstream_moved:
            found[link.stored.upstream_id].append(told)
    return found


def _answered(links: Iterable[LinkStanding]) -> set[int]:
    return {link.stored.upstream_id for link in links}


def _idle_suites(
    release: Release, read: Collection[str], links: Iterable[LinkStanding]
) -> tuple[IdleSuite, ...]:
    """Return the suites of the system that nothing names: their results verify nothing."""
    linked = {link.stored.downstream_id for link in links}
    suites = Artefact.objects.filter(system=release.system_id, kind=ArtefactKind.SUITE).order_by("key")
    idle = {pk: key for pk, key in suites.values_list("pk", "key") if pk not in linked and key not in read}
    runs = EvalRun.objects.filter(release=release, suite__artefact__in=idle).order_by("-pk")
    named: defaultdict[int, list[str]] = defaultdict(list)
    for artefact, run_key in runs.values_list("suite__artefact", "run_key")[:MOST_NAMED]:
        named[artefact].append(run_key)
    return tuple(IdleSuite(key, tuple(named[pk])) for pk, key in idle.items())


def layer_map(coverage: Coverage) -> list[tuple[Layer, int, int, dict[Standing, int]]]:
    """Return for each layer how many requirements there are, how many covered, and what they come to."""
    return [
        (
            layer,
            len(rows := coverage.of_layer(layer)),
            sum(each.is_covered for each in rows),
            coverage.by_standing(layer),
        )
        for layer in Layer
    ]
