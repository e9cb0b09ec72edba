"""Whether the path of a decision can be followed."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q

from evidence.evals.contracts import Direction
from evidence.models import Trace
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import ALL_TIERS, LOOKS, TRACE_DIMENSIONS, parameter_schema, some_of
from requirements.checks.population import observe_traces
from requirements.checks.registry import check
from requirements.checks.shares import Asked, measure_asked, worst_of
from requirements.checks.trace_parts import all_parts


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    good = all_parts(parameters) & Q(status=Trace.Status.COMPLETE)
    return Asked(observe_traces(population, parameters), good=good)


@check(
    name="traces.path_recorded",
    version="5",
    title=Words("The path of the decision is recorded", "决策路径有记录"),
    measures=Words(
        "Of the sealed traces, the share that are complete and hold everything listed in `parts`: "
        "prompt, sources, tools, policy checks.",
        "已封存的轨迹中，完整且包含 `parts` 所列全部内容（提示词、来源、工具调用、策略检查）的比例。",
    ),
    unit="share",
    direction=Direction.HIGHER,
    parameters=parameter_schema(
        parts=some_of("prompt", "sources", "tools", "policy_checks", meaning="what the trace must hold"),
        risk_tiers=ALL_TIERS,
        **LOOKS,
    ),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "TraceFacts", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_path_recorded(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces that are complete and hold every part asked for."""
    return measure_asked(_ask(population, parameters), bound_confidence)
