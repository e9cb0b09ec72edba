"""Whether the policy gate inside the application was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from django.db.models import Exists, OuterRef, Q

from evidence.evals.contracts import Direction
from evidence.models import PolicyCheck
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import ALL_TIERS, LOOKS, TRACE_DIMENSIONS, names, parameter_schema
from requirements.checks.population import observe_traces
from requirements.checks.registry import check
from requirements.checks.shares import Asked, measure_asked, worst_of


def _ask(population: Population, parameters: Mapping[str, object]) -> Asked:
    checks = PolicyCheck.objects.filter(trace_id=OuterRef("pk"))
    rules = cast("Sequence[str]", parameters["rules"])
    wanted = [checks.filter(rule=rule) for rule in rules] or [checks]
    annotations = {f"rule_{index}": Exists(found) for index, found in enumerate(wanted)}
    observed = observe_traces(population, parameters, **annotations)
    return Asked(observed, good=Q(**dict.fromkeys(annotations, True)))


@check(
    name="policy.enforced",
    version="5",
    title=Words("The policy gate was asked", "已执行策略检查"),
    measures=Words(
        "Of the sealed traces, the share in which every rule listed left a decision; "
        "with no rule listed, in which any rule did.",
        "已封存的轨迹中，所列每条规则都留有决定的比例；未列规则时，指任一规则留有决定的比例。",
    ),
    unit="share",
    direction=Direction.HIGHER,
    parameters=parameter_schema(
        rules=names([], meaning="rules that must have decided"),
        risk_tiers=ALL_TIERS,
        **LOOKS,
    ),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "PolicyCheck", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_enforced(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces in which every listed rule decided; without a list, any rule."""
    return measure_asked(_ask(population, parameters), bound_confidence)
