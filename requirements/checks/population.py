"""The traces a measurement may see, and how a set of observations becomes a `Measured`.

Everything here is set-based SQL over stored facts. A trace that used a version nobody registered, or another
version than its release pins, is counted and never as a success: mis-versioned evidence is never a pass.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, cast

from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    When,
)
from django.db.models.expressions import BaseExpression
from django.db.models.functions import Coalesce

from evidence.evals.contracts import Direction
from evidence.models import Registration, Release, ReleasePin, Trace, TraceVersion
from evidence.selectors.set_aside import still_set_aside
from evidence.statistics import Tally, Unit, two_sided
from evidence.statistics.sequences import estimate_share_anytime
from evidence.vocabulary import ANY_RELEASE
from requirements.checks.contracts import Counts, Measured, Population, as_measured
from requirements.checks.parameters import settling_time

CLOCK_SKEW = timedelta(minutes=5)  # how far a sender's clock may run ahead of ours
# Whatever the number of rows, of fixed size: a SHA-256 a row, as four numbers of 64 bits, each summed over all rows.
# The same rows have the same sums in any order, so nothing is sorted, sent or held, and parts are summed side by side.
_COUNTED: Final = """
    SELECT count(*), count(*) FILTER (WHERE hit), count(*) FILTER (WHERE NOT fit), min(observed), max(observed),
        count(unit), count(*) FILTER (WHERE talks), {sums}
    FROM (SELECT *, sha256(convert_to(digest || '/' || pk || CASE WHEN hit THEN '+' ELSE '-' END, 'UTF8')) AS line
        FROM {seen} OFFSET 0) AS lines
"""
_SUMS: Final = ", ".join(
    f"sum(('x' || encode(substr(line, {first}, 8), 'hex'))::bit(64)::bigint)" for first in (1, 9, 17, 25)
)
_BY_UNIT: Final = """
    SELECT n, hits, count(*) FROM (
        SELECT count(*) AS n, count(*) FILTER (WHERE hit) AS hits FROM {seen} WHERE unit IS NOT NULL
        GROUP BY unit, stretch
    ) AS units GROUP BY n, hits
"""
# What a unit had when its time was over: stretches of that length, from when its first row came, each of them a unit.
_SEEN: Final = """
    (SELECT * FROM (
        SELECT *, floor(extract(epoch FROM came - began) / {seconds}) AS stretch FROM (
            SELECT *, min(came) OVER (PARTITION BY unit) AS began
            FROM ({rows}) AS rows(digest, pk, hit, fit, observed, unit, talks, came)
        ) AS begun
    ) AS stretches WHERE {alone}began + (stretch + 1) * interval '{seconds} seconds' <= %s) AS seen
"""


def traces_in(population: Population, parameters: Mapping[str, object]) -> QuerySet[Trace]:
    """Return the current revisions of the release's traces in the population.

    Current means: no newer revision was sealed by `population.as_of`.
    """
    newer = Trace.objects.filter(
        population.as_of.knew("sealed_at"),
        system_id=OuterRef("system_id"),
        trace_id=OuterRef("trace_id"),
        revision__gt=OuterRef("revision"),
    )
    traces = Trace.objects.filter(
        population.as_of.knew("sealed_at"),
        ~Exists(newer),
        system_id=population.system_id,
        release_id=population.release_id,
        ended_at__lte=population.as_of.at + CLOCK_SKEW,
        risk_tier__in=cast("Sequence[str]", parameters["risk_tiers"]),
        **{str(dimension): value for dimension, value in population.where.items()},
    )
    if population.since is not None:
        traces = traces.filter(ended_at__gte=population.since)
    return traces


def count_set_aside(population: Population) -> dict[str, int]:
    """Count the traces that could not be sealed, by reason: evidence of the population that is missing.

    Nobody has read them, so each counts in every slice and tier, and where it names no release, for every release. It
    is dated by when it was set aside.
    """
    release = Release.objects.values_list("name", flat=True).get(pk=population.release_id)
    gone = still_set_aside(population.as_of).filter(
        system_id=population.system_id, source_ref__in=[release, ANY_RELEASE]
    )
    if population.since is not None:
        gone = gone.filter(created_at__gte=population.since)
    return dict(gone.order_by("code").values_list("code").annotate(n=Count("pk")))


def unregistered(population: Population, version_path: str) -> Exists:
    """Return whether the version at a path of the outer row had no registration by `population.as_of`."""
    known = Registration.objects.filter(
        population.as_of.knew("created_at"), version_id=OuterRef(version_path)
    )
    return cast("Exists", ~Exists(known))


def admissible(population: Population, trace_path: str = "pk") -> Exists:
    """Return whether the trace at a path of the outer row used registered versions, and those its release pins."""
    pinned = ReleasePin.objects.filter(release_id=population.release_id, slot=OuterRef("slot"))
    same = pinned.filter(version_id=OuterRef("version_id"))
    wrong = TraceVersion.objects.filter(
        unregistered(population, "version_id") | (Exists(pinned) & ~Exists(same)),
        trace_id=OuterRef(trace_path),
    )
    return cast("Exists", ~Exists(wrong))


class Rows(StrEnum):
    """What is counted."""

    TRACES = "traces"
    CLAIMS = "claims"
    CITATIONS = "citations"
    REVIEWS = "reviews"  # of a trace more may come at any time
    TASKS = "review tasks"  # with two judgements, which never change
    DOCUMENTS = "documents"  # a document and an answer that relied on it: more answers may at any time

    @property
    def may_come_later(self) -> bool:
        """Whether a unit without a conversation gets further rows after its first one."""
        return self in (Rows.REVIEWS, Rows.DOCUMENTS)

    def units(self, *, talks: bool) -> str:
        """Return what the units of these are."""
        if self is Rows.DOCUMENTS:
            return "documents"
        return "conversations" if talks else "traces"


@dataclass(frozen=True, slots=True)
class Settling:
    """When a unit that may still grow counts: no value that was bet on changes afterwards.

    A conversation goes on, and reviews of a trace may come at any time. So the rows of a unit that came within a
    stretch of time, from when its first one came, are one unit, which counts once that time is over; those of the next
    stretch are the next one. Which rows are in hangs on their times and never on how they came out.
    """

    stretch: timedelta
    until: datetime  # a stretch that ends later does not count yet


@dataclass(frozen=True, slots=True)
class Observations:
    """What is counted, and how each row is told from the others."""

    rows: QuerySet[Any]
    fit: Exists  # whether the trace of a row is `admissible`; a row whose trace is not is never good
    trace_digest: str  # path of the digest of the trace a row belongs to
    observed_at: str  # path of the time it was true
    of: Rows
    came_at: str  # path of our clock's time
    settling: Settling
    trace: str = ""  # path of the trace of a row; empty: the row is one
    missing: Mapping[str, int] = field(default_factory=dict)  # one each of what `count_set_aside` counts
    unit_path: str = ""  # path of what a row depends on with others; empty: as `unit` says

    @property
    def unit(self) -> F | Coalesce:
        """What a row depends on with others: its conversation, else its trace; null where it stands for itself."""
        if self.unit_path:
            return F(self.unit_path)
        conversation = F(f"{self._facts}__conversation")
        return Coalesce(conversation, F(f"{self.trace}__trace_id")) if self.trace else conversation

    @property
    def talks(self) -> ExpressionWrapper[Any]:
        """Whether the trace of a row names its conversation."""
        named = Q(**{f"{self._facts}__conversation__isnull": False})
        return ExpressionWrapper(named, output_field=BooleanField())

    @property
    def _facts(self) -> str:
        return f"{self.trace}__facts" if self.trace else "facts"


def observe_traces(
    population: Population, parameters: Mapping[str, object], **annotations: BaseExpression
) -> Observations:
    """Return the traces of the population as what is counted, each with these annotations."""
    return Observations(
        rows=traces_in(population, parameters).annotate(**annotations),
        fit=admissible(population),
        trace_digest="digest",
        observed_at="ended_at",
        of=Rows.TRACES,
        came_at="sealed_at",
        missing=count_set_aside(population),
        settling=settling_of(population, parameters),
    )


def settling_of(
    population: Population, parameters: Mapping[str, object], *, after: timedelta = timedelta()
) -> Settling:
    """Return when units count, because a gate is asked about growing evidence as often as it likes.

    Args:
        after: how long it takes from when a row came until it says what it will.
    """
    return Settling(settling_time(parameters), population.as_of.at - after)


def find_bad(observations: Observations, good: Q) -> QuerySet[Any]:
    """Return the observations that are not good, newest first: with those whose trace is not admissible."""
    accepted = good & Q(fit=True)
    told = observations.rows.annotate(fit=observations.fit).annotate(
        n_good=Case(
            When(accepted, then=1), default=0, output_field=IntegerField()
        )  # no NULL, where facts lack
    )
    return cast("QuerySet[Any]", told.filter(n_good=0).order_by("-pk"))


def measure_share(
    observations: Observations,
    *,
    good: Q,
    bound_confidence: float,
    direction: Direction = Direction.HIGHER,
    further_inputs: Mapping[str, object] | None = None,
    origins: Mapping[str, int] | None = None,
) -> Measured:
    """Count how many observations are good, with the digest of what was counted.

    The digest says whether a replay counted the same rows with the same outcome. It is no proof against somebody who
    can choose rows: sums of hashes can be met by enough of them. Against that, the log binds each row.

    Args:
        good: what makes an observation good. Where lower is better, the share of the others is measured.
        bound_confidence: one-sided, of each bound.
        origins: how many of the observations came from each, where the reader has to know.
    """
    accepted = good & Q(fit=True)
    hit = accepted if direction is Direction.HIGHER else ~accepted
    counted = count_rows(observations, hit)
    units = _tally_units(observations, hit, counted)
    waiting = observations.rows.count() - counted.n
    return as_measured(
        estimate_share_anytime(units, two_sided(bound_confidence)),
        missing=observations.missing,
        bound_confidence=bound_confidence,
        inputs={
            "observations": {
                "n": counted.n,
                "successes": counted.hits,
                "mis_versioned": counted.n_inadmissible,
                "digest": counted.digest,
                **({"waiting": waiting} if waiting else {}),
            },
            **({"set_aside": dict(observations.missing)} if observations.missing else {}),
            **({"origins": dict(origins)} if origins else {}),
            **(further_inputs or {}),
        },
        unit="share",
        direction=direction,
        successes=counted.hits,
        observed_from=counted.first,
        observed_to=counted.last,
        origins=origins,
        counts=Counts(observations.of.value, observations.of.units(talks=counted.talks > 0), waiting),
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """What a population came to."""

    n: int
    hits: int
    n_inadmissible: int
    grouped: int  # rows that do not stand for themselves
    talks: int  # rows whose trace names its conversation
    first: datetime | None
    last: datetime | None
    digest: str  # SHA-256 over the number of rows and the four sums of `_COUNTED`; empty without any


def count_rows(observations: Observations, hit: Q) -> Counted:
    """Count rows and hits in one query, with a digest of fixed size over a line a row.

    A line is the trace of a row, its key, and whether it is a hit. As one text, or sorted and sent a portion at a time,
    a million lines take seconds and hundreds of megabytes (`bench/population.py`).
    """
    seen, values = _seen(observations, hit)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED.format(seen=seen, sums=_SUMS), values)
        row = cast("tuple[Any, ...]", cursor.fetchone())
    n, hits, n_inadmissible, first, last, grouped, talks, *sums = row
    told = ":".join(str(int(each)) for each in (n, *sums)) if n else ""
    digest = hashlib.sha256(told.encode()).hexdigest() if n else ""
    return Counted(n, hits, n_inadmissible, grouped, talks, first, last, digest)


def tally_rows(observations: Observations, hit: Q) -> Tally:
    """Return how the units came out, hits being successes."""
    return _tally_units(observations, hit, count_rows(observations, hit))


def _tally_units(observations: Observations, hit: Q, counted: Counted) -> Tally:
    """Return how the units came out; each trace that is missing is one of its own, because nobody has read it.

    How many claims or reviews it holds, nobody knows either: it counts as many as the largest unit that was read.
    """
    units: Counter[Unit] = Counter()
    if counted.grouped:
        seen, values = _seen(observations, hit)
        with connection.cursor() as cursor:
            cursor.execute(_BY_UNIT.format(seen=seen), values)
            units.update({Unit(n, float(hits)): count for n, hits, count in cursor.fetchall()})
    alone = observations.of in (Rows.TRACES, Rows.TASKS)
    largest = 1 if alone else max((unit.n for unit in units), default=1)
    grouped = Tally(units)
    hits_alone = counted.hits - round(grouped.total)
    units.update({Unit(1, 1.0): hits_alone, Unit(1, 0.0): counted.n - grouped.n - hits_alone})
    units[Unit(0, 0.0, largest)] += sum(observations.missing.values())
    return Tally(units)


def _seen(observations: Observations, hit: Q) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL of the rows that count, with its values."""
    columns = [
        observations.trace_digest, "pk", "hit", "fit", observations.observed_at, "in_unit", "talks",
        observations.came_at,
    ]  # fmt: skip
    rows = observations.rows.annotate(
        fit=observations.fit, in_unit=observations.unit, talks=observations.talks
    ).annotate(hit=ExpressionWrapper(hit, output_field=BooleanField()))
    settling = observations.settling
    inner, values = cast(
        "tuple[str, tuple[Any, ...]]", rows.order_by().values_list(*columns).query.sql_with_params()
    )
    alone = "" if observations.of.may_come_later else "NOT talks OR "
    seconds = f"{settling.stretch.total_seconds():.3f}"
    return _SEEN.format(rows=inner, alone=alone, seconds=seconds), (*values, settling.until)
