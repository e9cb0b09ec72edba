"""The traces a measurement may see, and how a set of observations becomes a `Measured`.

Everything here is set-based SQL over stored facts. A trace that used a version nobody registered, or another
version than its release pins, is counted and never as a success: mis-versioned evidence is never a pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, cast

from django.db import connection
from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
)
from django.db.models.expressions import BaseExpression

from evidence.evals.contracts import Direction
from evidence.models import Registration, Release, ReleasePin, Trace, TraceVersion
from evidence.selectors.set_aside import still_set_aside
from evidence.statistics import Tally, Unit, estimate_share, two_sided
from evidence.statistics.sequences import estimate_share_anytime
from evidence.vocabulary import ANY_RELEASE
from requirements.checks.contracts import Measured, Population, as_measured
from requirements.checks.parameters import is_continuous

CLOCK_SKEW = timedelta(minutes=5)  # how far a sender's clock may run ahead of ours
# A digest begins with one of 256 pairs as often as with any other, and their order is that of the digests: by bytes,
# because bytes are compared fastest.
_BY_PORTION: Final = """
    SELECT count(*), count(*) FILTER (WHERE hit), count(*) FILTER (WHERE NOT fit), min(observed), max(observed),
        string_agg(digest || '/' || pk || CASE WHEN hit THEN '+' ELSE '-' END, ',' ORDER BY digest, pk)
    FROM ({rows}) AS seen(digest, pk, hit, fit, observed) GROUP BY left(digest, 2) COLLATE "C"
    ORDER BY left(digest, 2) COLLATE "C"
"""
_BY_UNIT: Final = """
    SELECT n, hits, count(*) FROM (
        SELECT count(*) AS n, count(*) FILTER (WHERE hit) AS hits FROM ({rows}) AS seen(unit, hit) GROUP BY unit
    ) AS units GROUP BY n, hits
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


@dataclass(frozen=True, slots=True)
class Observations:
    """What is counted, and how each row is told from the others."""

    rows: QuerySet[Any]
    fit: Exists  # whether the trace of a row is `admissible`; a row whose trace is not is never good
    trace_digest: str  # path of the digest of the trace a row belongs to
    observed_at: str  # path of the time it was true
    unit: str | None = None  # path of what a row depends on with others; None: each row stands for itself
    missing: Mapping[str, int] = field(default_factory=dict)  # one each of what `count_set_aside` counts
    continuous: bool = False  # whether the bounds hold at all looks together, while rows arrive


def observe_traces(
    population: Population, parameters: Mapping[str, object], **annotations: BaseExpression
) -> Observations:
    """Return the traces of the population as what is counted, each with these annotations."""
    return Observations(
        rows=traces_in(population, parameters).annotate(**annotations),
        fit=admissible(population),
        trace_digest="digest",
        observed_at="ended_at",
        missing=count_set_aside(population),
        continuous=is_continuous(parameters),
    )


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

    Args:
        good: what makes an observation good. Where lower is better, the share of the others is measured.
        bound_confidence: one-sided, of each bound.
        origins: how many of the observations came from each, where the reader has to know.
    """
    accepted = good & Q(fit=True)
    hit = accepted if direction is Direction.HIGHER else ~accepted
    counted = _count(observations, hit)
    units = _count_units(observations, hit, counted)
    estimate = estimate_share_anytime if observations.continuous else estimate_share
    return as_measured(
        estimate(units, two_sided(bound_confidence)),
        missing=observations.missing,
        bound_confidence=bound_confidence,
        inputs={
            "observations": {
                "n": counted.n,
                "successes": counted.hits,
                "mis_versioned": counted.n_inadmissible,
                "digest": counted.digest,
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
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    """What a population came to."""

    n: int
    hits: int
    n_inadmissible: int
    first: datetime | None
    last: datetime | None
    digest: str  # SHA-256 over a line a row, with commas between; empty without any


def _count(observations: Observations, hit: Q) -> _Counted:
    """Count rows and hits in one query, with a digest over a line a row: its trace, its key, whether it is a hit.

    The lines come in their order, a portion at a time. As one text PostgreSQL would hold them four times over, and
    refuse them beyond 1 GB, which is some 13 million rows (`bench/population.py`).
    """
    n = hits = n_inadmissible = 0
    times: list[datetime] = []
    digest = hashlib.sha256()
    for in_part, hits_in_part, unfit_in_part, first, last, lines in _portions(observations, hit):
        digest.update(("," if n else "").encode() + lines.encode())
        n, hits, n_inadmissible = n + in_part, hits + hits_in_part, n_inadmissible + unfit_in_part
        times += [first, last]
    return _Counted(
        n,
        hits,
        n_inadmissible,
        first=min(times, default=None),
        last=max(times, default=None),
        digest=digest.hexdigest() if n else "",
    )


def _count_units(observations: Observations, hit: Q, counted: _Counted) -> Tally:
    """Return how the units came out; each of what is missing is one of its own, because nobody has read it."""
    units = {Unit(0, 0.0, 1): sum(observations.missing.values())}
    if observations.unit is None:
        units |= {Unit(1, 1.0): counted.hits, Unit(1, 0.0): counted.n - counted.hits}
        return Tally(units)
    inner, values = _rows(observations, hit, [observations.unit, "hit"])
    with connection.cursor() as cursor:
        cursor.execute(_BY_UNIT.format(rows=inner), values)
        units |= {Unit(n, float(hits)): count for n, hits, count in cursor.fetchall()}
    return Tally(units)


def _rows(observations: Observations, hit: Q, columns: Sequence[str]) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL of all rows, with its values: these columns, of which `hit` and `fit` may be some."""
    rows = observations.rows.annotate(fit=observations.fit).annotate(
        hit=ExpressionWrapper(hit, output_field=BooleanField())
    )
    return cast("tuple[str, tuple[Any, ...]]", rows.order_by().values_list(*columns).query.sql_with_params())


def _portions(observations: Observations, hit: Q) -> Iterator[tuple[int, int, int, datetime, datetime, str]]:
    """Return counts, times and lines of each portion: that of the traces whose digests begin alike."""
    columns = [observations.trace_digest, "pk", "hit", "fit", observations.observed_at]
    inner, values = _rows(observations, hit, columns)
    # Streamed, and not by a cursor of PostgreSQL's, for which it plans no parallel work.
    with connection.wrap_database_errors, connection.cursor() as cursor:
        yield from cursor.stream(_BY_PORTION.format(rows=inner), values)
