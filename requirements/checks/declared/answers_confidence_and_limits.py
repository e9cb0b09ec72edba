"""Whether answers state confidence and limits."""

from __future__ import annotations

from collections.abc import Mapping

from evidence.evals.contracts import Direction
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import ALL_TIERS, LOOKS, TRACE_DIMENSIONS, parameter_schema, some_of
from requirements.checks.population import observe_traces
from requirements.checks.registry import check
from requirements.checks.shares import Asked, measure_asked, worst_of
from requirements.checks.trace_parts import all_parts


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    return Asked(observe_traces(population, parameters), good=all_parts(parameters))


@check(
    name="answers.confidence_and_limits",
    version="5",
    title=Words("Answers state confidence and limits", "回答说明把握程度与局限"),
    measures=Words(
        "Of the sealed traces, the share whose answer carries everything listed in `parts`: "
        "confidence factors, limitations.",
        "已封存的轨迹中，回答包含 `parts` 所列全部内容（置信因素、局限说明）的比例。",
    ),
    unit="share",
    direction=Direction.HIGHER,
    parameters=parameter_schema(
        parts=some_of("confidence", "limitations", meaning="what the answer must carry"),
        risk_tiers=ALL_TIERS,
        **LOOKS,
    ),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "TraceFacts", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_confidence_and_limits(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces whose answer carries every part asked for."""
    return measure_asked(_ask(population, parameters), bound_confidence)
