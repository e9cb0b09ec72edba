"""The observations that speak against a criterion, as an assessment saw them: a few, worst first, by one query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Model, QuerySet

from evidence import clock
from evidence.access import Principal, visible_to
from evidence.models import (
    Citation,
    Claim,
    EvalSample,
    Review,
    ReviewTask,
    Trace,
    TraceDocument,
)
from requirements.checks import Population, known_checks
from requirements.freshness import oldest_allowed
from requirements.models import Assessment

SHOWN: Final = 10
# How a row leads to its trace.
_TRACE_OF: Final[Mapping[type[Model], str]] = {
    Claim: "trace",
    Citation: "claim__trace",
    Review: "task__trace",
    ReviewTask: "trace",
    TraceDocument: "trace",
}


@dataclass(frozen=True, slots=True)
class Observation:
    """One stored row that speaks against a criterion."""

    row: Model  # what pages link to
    kind: str  # "trace", "claim", "citation", "review", "reviewtask", "tracedocument", "evalsample"
    name: str
    says: str  # what of it speaks against the criterion, where the row itself says it
    href: str  # where it is read by API; empty where it is in no detail of its own


def worst_observations(assessment: Assessment, principal: Principal, limit: int = SHOWN) -> list[Observation]:
    """Return the worst observations that the principal may see, of the part of the criterion that decided.

    Eval samples without a value come first and then the worst values; of everything else the newest that is not good.
    Nothing where the check is gone, or names no single row.
    """
    criterion = assessment.criterion
    check = known_checks().get(criterion.check_name)
    if check is None or check.worst is None or check.fault_in(criterion.parameters) is not None:
        return []
    as_of, age = clock.as_of(assessment.as_of), criterion.max_age_days
    population = Population(
        system_id=assessment.release.system_id,
        release_id=assessment.release_id,
        as_of=as_of,
        since=None if age is None or check.grows else oldest_allowed(as_of.at, age),
        where=deciding_part(assessment).get("where", {}),
    )
    found = check.worst(population, criterion.parameters)
    return [] if found is None else [_observe(row) for row in _few(found, principal, limit)]


def _few(found: QuerySet[Any], principal: Principal, limit: int) -> QuerySet[Any]:
    related = "run" if found.model is EvalSample else _TRACE_OF.get(found.model)
    rows = visible_to(found, principal)
    return (rows.select_related(related) if related else rows)[:limit]


def deciding_part(assessment: Assessment) -> Mapping[str, Any]:
    """Return the slice that decided, with its numbers, by how the verdict begins; nothing where the whole did."""
    named = {name_of_slice(part["where"]): part for part in assessment.slices}
    begun = [name for name in named if assessment.detail.startswith(f"in {name}: ")]
    return named[max(begun, key=len)] if begun else {}


def name_of_slice(where: Mapping[str, str]) -> str:
    """Return what a verdict calls a slice: "language=en, risk_tier=high"."""
    return ", ".join(f"{dimension}={value}" for dimension, value in sorted(where.items()))


def _observe(row: Model) -> Observation:
    kind = str(row._meta.model_name)
    if isinstance(row, EvalSample):
        value = row.status if row.value is None else f"{row.value:g}"
        return Observation(
            row, kind, row.sample_id, f"{row.metric}: {value}", f"/api/v1/eval-runs/{row.run_id}"
        )
    trace = _trace_of(row)
    if trace is None:
        return Observation(row, kind, str(row), "", "")
    return Observation(row, kind, str(trace), _says(row), f"/api/v1/traces/{trace.trace_id.hex}")


def _trace_of(row: Any) -> Trace | None:
    for step in _TRACE_OF.get(type(row), "").split("__"):
        row = getattr(row, step) if step else row
    return row if isinstance(row, Trace) else None


def _says(row: Model) -> str:
    match row:
        case Citation():
            return f"{row.document_ref}: {row.verdict}"
        case Review():
            return f"{row.decision} {row.reason_code}".strip()
        case TraceDocument():
            return f"sha256:{row.digest}"
        case Claim():
            return f"claim {row.ordinal}"
        case _:
            return ""
