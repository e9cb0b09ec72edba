"""How often rules of the policy gate inside the application decided one way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from django.db.models import Exists, OuterRef, Q

from evidence.evals.contracts import Direction
from evidence.models import PolicyCheck
from evidence.semconv.draft import PolicyDecision
from requirements.checks.contracts import Population
from requirements.checks.population import observe_traces
from requirements.checks.shares import Asked, direction_asked

RULES_MEANING: Final = "rules whose decisions are counted; all where none is listed"


def ask_rate(decision: PolicyDecision, population: Population, parameters: Mapping[str, object]) -> Asked:
    """Return what is asked: the traces in which a rule decided so, or in which one decided and none did so."""
    checks = PolicyCheck.objects.filter(trace_id=OuterRef("pk"))
    if rules := cast("Sequence[str]", parameters["rules"]):
        checks = checks.filter(rule__in=rules)
    observed = observe_traces(
        population,
        parameters,
        was_asked=Exists(checks),
        was_so=Exists(checks.filter(decision=decision)),
    )
    direction = direction_asked(parameters)
    good = Q(was_so=True) if direction is Direction.HIGHER else Q(was_asked=True, was_so=False)
    return Asked(observed, good=good, direction=direction)
