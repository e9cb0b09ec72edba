"""A check as somebody else writes one: outside the package, named by the setting TRACEBINDER_CHECKS."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q

from evidence.evals.contracts import Direction
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import ALL_TIERS, LOOKS, TRACE_DIMENSIONS, parameter_schema
from requirements.checks.population import observe_traces
from requirements.checks.registry import check
from requirements.checks.shares import Asked, measure_asked, worst_of


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    return Asked(observe_traces(population, parameters), good=Q(facts__has_tools=True))


@check(
    name="acme.tools_used",
    version="1",
    title=Words("A tool was called", "调用了工具"),
    measures=Words("Of the sealed traces, the share that called a tool.", "已封存的轨迹中调用工具的比例。"),
    unit="share",
    direction=Direction.HIGHER,
    parameters=parameter_schema(risk_tiers=ALL_TIERS, **LOOKS),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "TraceFacts", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_tools_used(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces that called a tool."""
    return measure_asked(_ask(population, parameters), bound_confidence)
