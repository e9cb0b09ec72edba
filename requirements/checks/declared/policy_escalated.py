"""How often the policy gate inside the application hands advice to a person."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from evidence.models import PolicyCheck
from requirements.checks.contracts import IndependentUnit, Measured, Population, Words
from requirements.checks.parameters import ALL_TIERS, LOOKS, TRACE_DIMENSIONS, names, parameter_schema
from requirements.checks.policy_rates import RULES_MEANING, ask_rate
from requirements.checks.registry import check
from requirements.checks.shares import LOWER_BETTER, better, measure_asked, worst_of

_ask = partial(ask_rate, PolicyCheck.Decision.ESCALATE)


@check(
    name="policy.escalated",
    version="1",
    title=Words("Advice that a policy rule escalates", "被策略规则上报的建议"),
    measures=Words(
        "Of the sealed traces, the share in which one of the rules listed escalated; with no rule listed, any rule. "
        "A trace in which none of them left a decision says nothing of it, and counts against the criterion: as "
        "escalated where few escalations are wanted, as not escalated where many are. So does one that was set aside.",
        "已封存的轨迹中，所列规则之一作出上报的比例；未列规则时，指任一规则。"
        "所列规则均未留下决定的轨迹说明不了问题，计为对准则不利：期望上报少时按已上报计，期望多时按未上报计。"
        "被搁置的轨迹亦然。",
    ),
    unit="share",
    direction=None,
    parameters=parameter_schema(
        rules=names([], meaning=RULES_MEANING),
        better=better(
            LOWER_BETTER, meaning="whether few escalations are wanted (`at_most`), or many (`at_least`)"
        ),
        risk_tiers=ALL_TIERS,
        **LOOKS,
    ),
    dimensions=TRACE_DIMENSIONS,
    reads=("Trace", "PolicyCheck", "Reject"),
    independent=IndependentUnit.CONVERSATION,
    worst=worst_of(_ask),
)
def measure_escalated(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces in which a rule escalated."""
    return measure_asked(_ask(population, parameters), bound_confidence)
