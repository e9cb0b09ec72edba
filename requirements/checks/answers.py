"""What a trace and its answer hold, from the facts stored when it was sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from django.db.models import Q

from evidence.evals.contracts import Direction
from evidence.models import Trace
from requirements.checks.contracts import Measured, Population, Words
from requirements.checks.parameters import ALL_TIERS, LOOKS, TRACE_DIMENSIONS, parameter_schema, some_of
from requirements.checks.population import measure_share, observe_traces
from requirements.checks.registry import check

_PARTS = {
    "confidence": Q(facts__has_confidence=True),
    "limitations": Q(facts__has_limitations=True),
    "prompt": Q(facts__has_prompt=True),
    "sources": Q(facts__has_sources=True),
    "tools": Q(facts__has_tools=True),
    "policy_checks": Q(facts__n_policy_checks__gt=0),
}


@check(
    name="answers.confidence_and_limits",
    version="4",
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
)
def measure_confidence_and_limits(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces whose answer carries every part asked for."""
    observed = observe_traces(population, parameters)
    return measure_share(observed, good=_all_parts(parameters), bound_confidence=bound_confidence)


@check(
    name="traces.path_recorded",
    version="4",
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
)
def measure_path_recorded(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces that are complete and hold every part asked for."""
    observed = observe_traces(population, parameters)
    good = _all_parts(parameters) & Q(status=Trace.Status.COMPLETE)
    return measure_share(observed, good=good, bound_confidence=bound_confidence)


def _all_parts(parameters: Mapping[str, object]) -> Q:
    wanted = Q()
    for part in cast("Sequence[str]", parameters["parts"]):
        wanted &= _PARTS[part]
    return wanted
