"""Whether the policy gate inside the application was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from django.db.models import Exists, OuterRef, Q

from evidence.models import PolicyCheck
from requirements.checks.contracts import Measured, Population
from requirements.checks.population import admissible, measure_share, traces_in


def measure_enforced(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces in which every listed rule decided; without a list, any rule."""
    checks = PolicyCheck.objects.filter(trace_id=OuterRef("pk"))
    rules = cast("Sequence[str]", parameters["rules"])
    wanted = [checks.filter(rule=rule) for rule in rules] or [checks]
    annotations = {f"rule_{index}": Exists(found) for index, found in enumerate(wanted)}
    good = Q(**dict.fromkeys(annotations, True))
    return measure_share(
        traces_in(population, parameters).annotate(**annotations),
        good=good,
        fit=admissible(population),
        bound_confidence=bound_confidence,
        identity="digest",
        observed_at="ended_at",
    )
