"""The traces a measurement may see, and how a set of observations becomes a `Measured`.

Everything here is one SQL aggregate over stored facts. A trace that used a version nobody registered, or another
version than its release pins, is counted and never as a success: mis-versioned evidence is never a pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import BaseExpression
from django.db.models.functions import Concat

from evidence.evals.contracts import Direction
from evidence.models import Registration, ReleasePin, Trace, TraceVersion
from evidence.statistics import two_sided, wilson
from requirements.checks.contracts import Measured, Population

CLOCK_SKEW = timedelta(minutes=5)  # how far a sender's clock may run ahead of ours


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


def observe_traces(
    population: Population, parameters: Mapping[str, object], **annotations: BaseExpression
) -> Observations:
    """Return the traces of the population as what is counted, each with these annotations."""
    return Observations(
        rows=traces_in(population, parameters).annotate(**annotations),
        fit=admissible(population),
        trace_digest="digest",
        observed_at="ended_at",
    )


def measure_share(
    observations: Observations,
    *,
    good: Q,
    bound_confidence: float,
    direction: Direction = Direction.HIGHER,
    further_inputs: Mapping[str, object] | None = None,
) -> Measured:
    """Count how many observations are good, in one query, with the digest of what was counted.

    Args:
        good: what makes an observation good. Where lower is better, the share of the others is measured.
        bound_confidence: one-sided, of each bound.
    """
    accepted = good & Q(fit=True)
    counted = _count(observations, accepted if direction is Direction.HIGHER else ~accepted)
    n, successes = counted["n"], counted["successes"]
    estimate = wilson(successes, n, two_sided(bound_confidence)) if n else None
    inputs: dict[str, object] = {
        "observations": {
            "n": n,
            "successes": successes,
            "mis_versioned": counted["n_inadmissible"],
            "digest": counted["digest"] or "",
        },
        **(further_inputs or {}),
    }
    return Measured(
        value=estimate.value if estimate else None,
        n=n,
        successes=successes,
        low=estimate.low if estimate else None,
        high=estimate.high if estimate else None,
        bound_confidence=bound_confidence,
        unit="share",
        direction=direction,
        observed_from=counted["first"],
        observed_to=counted["last"],
        inputs=inputs,
    )


def _count(observations: Observations, hit: Q) -> dict[str, Any]:
    """Count rows and hits in one query, with a digest over a line a row: its trace, its key, whether it is a hit."""
    rows = observations.rows.annotate(fit=observations.fit).annotate(
        hit=ExpressionWrapper(hit, output_field=BooleanField()),
        line=Concat(
            F(observations.trace_digest),
            Value("/"),
            F("pk"),
            Case(When(hit, then=Value("+")), default=Value("-")),
            output_field=CharField(),
        ),
    )
    counted: dict[str, Any] = rows.aggregate(
        n=Count("pk"),
        successes=Count("pk", filter=Q(hit=True)),
        n_inadmissible=Count("pk", filter=Q(fit=False)),
        first=Min(observations.observed_at),
        last=Max(observations.observed_at),
        digest=_sha256(StringAgg("line", delimiter=",", order_by=[observations.trace_digest, "pk"])),
    )
    return counted


def _sha256(text: StringAgg) -> Func:
    """SHA-256 of an aggregated text, in the database: the rows never leave it."""
    as_bytes = Func(text, Value("UTF8"), function="convert_to")
    return Func(Func(as_bytes, function="sha256"), Value("hex"), function="encode", output_field=CharField())
