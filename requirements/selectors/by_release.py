"""Requirements by release: what each comes to for several releases of a system, beside one another.

Each column says what `coverage.cover` says of its release. What is kept of it is packed, as a few figures a cell: six
releases of ten thousand requirements take some megabytes, and not six coverages.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final, NamedTuple

from django.db.models import QuerySet

from evidence import clock
from evidence.access import Principal, visible_to
from evidence.errors import Fault, InvalidInput, NotFound
from evidence.kept_until_written import Found, KeptUntilWritten
from evidence.models import GateDecision, Release, System
from evidence.nearest import hint_at, nearest_name
from evidence.selectors.waivers import newest_decisions
from evidence.worded import worded
from requirements import acts
from requirements.covered import Standing
from requirements.models import Assessment, Baseline, BaselineMember
from requirements.selectors.coverage import CoveredRequirement, judge_requirements
from requirements.selectors.links import LINKS_FOLLOW_FROM, LINKS_IN_FORCE, LinkStanding, read_standings
from requirements.selectors.live_releases import live_releases

MOST_RELEASES: Final = 6
_OFFERED: Final = 12  # of the newest releases, to choose from
_MOST_NAMED: Final = 1_000  # releases that a misspelt name is compared with: the newest
_SHOWN: Final = 100  # characters of a name somebody made up
_VERDICTS: Final = (GateDecision.Verdict.FAIL, GateDecision.Verdict.INSUFFICIENT, GateDecision.Verdict.PASS)
_STANDINGS: Final = tuple(Standing)
_PLACES: Final = {standing: place for place, standing in enumerate(_STANDINGS)}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_COMMA: Final = re.compile("[,，、]")
_NEVER: Final = -(2**63)  # in place of a time
_ABSENT: Final = len(_STANDINGS)  # of a row that one release was judged without


class Row(NamedTuple):
    """A requirement, as it is for every release."""

    key: str
    version_id: int
    number: int
    layer: str
    risk_tier: str
    n_criteria: int
    suspect_because: tuple[str, ...]  # links stand as they do now, whichever release is looked at


class Cell(NamedTuple):
    """What a requirement comes to for a release."""

    standing: Standing
    stale_since: datetime | None  # since when the evidence of a criterion is too old; None: it is not
    fresh_until: datetime | None  # when it will be, of the criterion where it is so first
    n: int  # observations, of the criterion that has the fewest


@dataclass(frozen=True, slots=True)
class Column:
    """What each row comes to for one release, in the order of the rows."""

    counts_reviews: bool  # whether a verdict in it rests on what reviewers said
    standings: bytes  # the place of each in `Standing`
    stale_since: array[int]  # microseconds since 1970
    fresh_until: array[int]
    n: array[int]

    def cell(self, row: int) -> Cell | None:
        """Return a cell; None where the requirement came between two statements that read it."""
        if self.standings[row] == _ABSENT:
            return None
        return Cell(
            _STANDINGS[self.standings[row]], _moment(self.stale_since[row]), _moment(self.fresh_until[row]), self.n[row]
        )  # fmt: skip

    def by_standing(self) -> dict[Standing, int]:
        """Return how many requirements come to what."""
        counted = Counter(self.standings)
        return {standing: counted[place] for standing, place in _PLACES.items()}


@dataclass(frozen=True, slots=True)
class Matrix:
    """Requirements against releases: a column for each release, in the order that was asked for."""

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]

    def find(
        self,
        columns: Collection[int],
        *,
        standing: Standing | None = None,
        layer: str = "",
        changed: bool = False,
        versions: Collection[int] | None = None,
    ) -> list[int]:
        """Return which rows meet all of this, in their order.

        Args:
            columns: those that are looked at; another tells nothing, as it is kept from the reader.
            standing: that one of them comes to.
            changed: whether two of them beside one another differ.
            versions: of which requirement versions; None: of any.
        """
        looked_at = [self.columns[each].standings for each in columns]
        place = None if standing is None else _PLACES[standing]
        return [
            at
            for at, row in enumerate(self.rows)
            if (not layer or row.layer == layer)
            and (versions is None or row.version_id in versions)
            and (place is None or any(each[at] == place for each in looked_at))
            and (not changed or len({each[at] for each in looked_at} - {_ABSENT}) > 1)
        ]


_kept: Final[KeptUntilWritten[Matrix]] = KeptUntilWritten(
    *LINKS_FOLLOW_FROM, Assessment, BaselineMember, most=500_000, in_force=LINKS_IN_FORCE
)  # cells


def matrix_of(system: System, releases: Sequence[Release], baseline: Baseline | None = None) -> Matrix:
    """Return what everything approved, or all of a baseline, comes to for these releases of a system.

    What was found before is returned where no row has come and nothing has aged since.
    """
    key = (system.pk, tuple(each.pk for each in releases), baseline.pk if baseline else None)
    return _kept.get(key, [system.pk], lambda: _found(system, releases, baseline))


def _found(system: System, releases: Sequence[Release], baseline: Baseline | None) -> Found[Matrix]:
    links = read_standings(system)
    matrix = _matrix(releases, baseline, links, clock.now())
    suspect = sum(len(row.suspect_because) for row in matrix.rows)
    n = len(matrix.rows) * (1 + len(matrix.columns)) + suspect
    return Found(matrix, n, lambda _: _first_to_age(matrix))


def _first_to_age(matrix: Matrix) -> datetime | None:
    """Return when the first evidence in it becomes too old: then a cell says another thing."""
    ages = (each for column in matrix.columns for each in column.fresh_until if each != _NEVER)
    return _moment(min(ages, default=_NEVER))


def _matrix(
    releases: Sequence[Release], baseline: Baseline | None, links: Sequence[LinkStanding], now: datetime
) -> Matrix:
    """Judge one release after the other, of which only what is packed stays."""
    rows: dict[tuple[str, int], Row] = {}
    packed = []
    for release in releases:
        column = _Packing()
        for one in judge_requirements(release, baseline, links, now):
            rows.setdefault((one.key, one.version_id), _row(one))
            column.add(one)
        packed.append(column)
    ordered = sorted(rows, key=lambda each: (each[0], rows[each].number))
    return Matrix(tuple(rows[each] for each in ordered), tuple(each.column(ordered) for each in packed))


def _row(one: CoveredRequirement) -> Row:
    return Row(
        one.key, one.version_id, one.number, one.layer, one.risk_tier, len(one.criteria), one.suspect_because
    )  # fmt: skip


class _Packing:
    """A column while it is read: a row of figures for each requirement."""

    def __init__(self) -> None:
        self.counts_reviews = False
        self.read: dict[tuple[str, int], tuple[int, int, int, int]] = {}

    def add(self, one: CoveredRequirement) -> None:
        """Add a requirement, of which nothing else stays."""
        self.counts_reviews = self.counts_reviews or one.counts_reviews
        self.read[one.key, one.version_id] = (
            _PLACES[one.standing], _stored(one.stale_since), _stored(one.fresh_until), one.n
        )  # fmt: skip

    def column(self, ordered: Sequence[tuple[str, int]]) -> Column:
        absent = (_ABSENT, _NEVER, _NEVER, 0)
        cells = [self.read.get(each, absent) for each in ordered]
        return Column(
            self.counts_reviews,
            bytes(each[0] for each in cells),
            *(array("q", (each[place] for each in cells)) for place in (1, 2, 3)),
        )


def _stored(moment: datetime | None) -> int:
    return _NEVER if moment is None else (moment - _EPOCH) // _MICROSECOND


def _moment(stored: int) -> datetime | None:
    return None if stored == _NEVER else _EPOCH + stored * _MICROSECOND


@dataclass(frozen=True, slots=True)
class LastDecision:
    """The last decision of a gate on a release."""

    decision: GateDecision
    is_kept: bool  # from the reader, who may still judge an answer that it counts


@dataclass(frozen=True, slots=True)
class ComparedRelease:
    """A release whose column is shown, where it is live, and the last decision of each gate on it."""

    release: Release
    environments: tuple[str, ...]  # empty: it is live nowhere
    decisions: tuple[LastDecision, ...]  # what keeps it out first, and what is kept from the reader last


@dataclass(frozen=True, slots=True)
class Compared:
    """Which releases stand beside one another, the newest first."""

    releases: tuple[ComparedRelease, ...]
    offered: tuple[str, ...]  # names to choose from: these, what is live, and the newest
    n_left_out: int  # that are live and have no column


def compare_releases(principal: Principal, system: System, asked: Collection[str] = ()) -> Compared:
    """Return the releases that stand beside one another: four queries at most.

    Args:
        asked: their names, each by itself or several with commas between; none: what is live now, the newest deployment
            first, and the newest.

    Raises:
        InvalidInput: more are named than stand beside one another; or a text names none.
        NotFound: the system has none of that name; names the nearest.
    """
    live = live_releases(system.pk, principal, clock.now())
    seen = visible_to(Release.objects.filter(system=system), principal)
    newest = list(seen.order_by("-pk")[:_OFFERED])
    if asked:
        chosen = _named(seen, system, asked)
    else:
        chosen = list(dict.fromkeys([*list(live)[: MOST_RELEASES - 1], *newest]))[:MOST_RELEASES]
    chosen.sort(key=lambda each: -each.pk)
    offered = sorted({*chosen, *live, *newest}, key=lambda each: -each.pk)
    decided = _decided(principal, chosen)
    return Compared(
        tuple(ComparedRelease(each, live.get(each, ()), tuple(decided.get(each.pk, ()))) for each in chosen),
        tuple(each.name for each in offered),
        sum(each not in chosen for each in live),
    )


def seen_columns(principal: Principal, compared: Compared, matrix: Matrix) -> list[int]:
    """Return the columns that could not lead whoever reads. Of another they are told that it is kept from them."""
    return [
        place
        for place, (of, column) in enumerate(zip(compared.releases, matrix.columns, strict=True))
        if acts.can_read_coverage(principal, of.release, counts_reviews=column.counts_reviews)
    ]


def _named(seen: QuerySet[Release], system: System, asked: Collection[str]) -> list[Release]:
    """Return the releases of these names. One that has a comma in it is found where it is asked for by itself."""
    parts = {text: [part.strip() for part in _COMMA.split(text) if part.strip()] for text in asked}
    found = {each.name: each for each in seen.filter(name__in={*parts, *chain.from_iterable(parts.values())})}
    if not all(split or text in found for text, split in parts.items()):
        message = worded("names no release: give names with commas between, or leave it out")
        raise InvalidInput(faults=[Fault("query", "releases", "required", message)])
    names = list(
        dict.fromkeys(name for text, split in parts.items() for name in ([text] if text in found else split))
    )
    if len(names) > MOST_RELEASES:
        raise InvalidInput(
            worded(
                "No more than %(most)s releases stand beside one another, and %(n)s are named: leave out some.",
                most=MOST_RELEASES,
                n=len(names),
            )
        )
    for name in names:
        if name not in found:
            known = seen.order_by("-pk").values_list("name", flat=True)[:_MOST_NAMED]
            raise NotFound(
                worded(
                    "System %(system_key)s has no release %(name)s; %(hint)s",
                    system_key=repr(system.key),
                    name=repr(name[:_SHOWN]),
                    hint=hint_at(nearest_name(name, known), ends=True),
                )
            )
    return [found[name] for name in names]


def _decided(principal: Principal, releases: Collection[Release]) -> dict[int, list[LastDecision]]:
    """Return the last decision of each gate on these releases, by release: no gate's pass stands for another's.

    One that is not shown to whoever reads is still the last: an older one of that gate does not stand for it.
    """
    last = newest_decisions(GateDecision.objects.filter(release__in=[each.pk for each in releases]))
    shown = set(
        visible_to(GateDecision.objects.filter(pk__in=last.values("pk")), principal).values_list(
            "pk", flat=True
        )
    )
    found = [
        LastDecision(each, is_kept=each.pk not in shown)
        for each in last.select_related("gate_version__artefact").defer("reasons", "inputs")
    ]
    by_release: dict[int, list[LastDecision]] = {}
    for each in sorted(found, key=_worst_first):
        by_release.setdefault(each.decision.release_id, []).append(each)
    return by_release


def _worst_first(last: LastDecision) -> tuple[bool, int, str]:
    """Sort what is kept after the rest and by its gate alone: its place would tell its verdict."""
    rank = 0 if last.is_kept else _VERDICTS.index(last.decision.verdict)
    return last.is_kept, rank, last.decision.gate_version.artefact.key
