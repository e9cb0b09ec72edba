"""What a trace and its answer hold, from the facts stored when it was sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from django.db.models import Q

from evidence.models import Trace
from requirements.checks.contracts import Measured, Population
from requirements.checks.population import admissible, measure_share, traces_in

_PARTS = {
    "confidence": Q(facts__has_confidence=True),
    "limitations": Q(facts__has_limitations=True),
    "prompt": Q(facts__has_prompt=True),
    "sources": Q(facts__has_sources=True),
    "tools": Q(facts__has_tools=True),
    "policy_checks": Q(facts__n_policy_checks__gt=0),
}


def measure_confidence_and_limits(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces whose answer carries every part asked for."""
    return _measure(population, parameters, bound_confidence, _all_of(parameters))


def measure_path_recorded(
    population: Population, parameters: Mapping[str, object], bound_confidence: float
) -> Measured:
    """Share of traces that are complete and hold every part asked for."""
    return _measure(
        population, parameters, bound_confidence, _all_of(parameters) & Q(status=Trace.Status.COMPLETE)
    )


def _all_of(parameters: Mapping[str, object]) -> Q:
    wanted = Q()
    for part in cast("Sequence[str]", parameters["parts"]):
        wanted &= _PARTS[part]
    return wanted


def _measure(
    population: Population, parameters: Mapping[str, object], bound_confidence: float, good: Q
) -> Measured:
    return measure_share(
        traces_in(population, parameters),
        good=good,
        fit=admissible(population),
        bound_confidence=bound_confidence,
        identity="digest",
        observed_at="ended_at",
    )
