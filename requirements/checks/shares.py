"""Checks that measure a share of rows: what each asks is said once, for its number and for what speaks against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Q, QuerySet

from evidence.evals.contracts import Direction
from requirements.checks.contracts import Measured, Population, Worst
from requirements.checks.population import Observations, find_bad, measure_share

LOWER_BETTER: Final = "lower"
HIGHER_BETTER: Final = "higher"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows a check looks at, and what makes one of them good."""

    observations: Observations
    good: Q  # where lower is better, the share of the others is measured
    direction: Direction = Direction.HIGHER
    further_inputs: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[str, int] = field(default_factory=dict)


Ask = Callable[[Population, Mapping[str, object]], Asked]


def measure_asked(asked: Asked, bound_confidence: float) -> Measured:
    """Measure the share that a check asks for."""
    return measure_share(
        asked.observations,
        good=asked.good,
        bound_confidence=bound_confidence,
        direction=asked.direction,
        further_inputs=asked.further_inputs,
        origins=asked.origins,
    )


def worst_of(ask: Ask) -> Worst:
    """Return what finds the rows that are not good, newest first."""

    def find(population: Population, parameters: Mapping[str, object]) -> QuerySet[Any] | None:
        asked = ask(population, parameters)
        return find_bad(asked.observations, asked.good)

    return find


def better(default: str, *, meaning: str) -> dict[str, object]:
    """Return the parameter that says whether a criterion wants much of what is counted, or little."""
    return {"enum": [HIGHER_BETTER, LOWER_BETTER], "default": default, "description": meaning}


def direction_asked(parameters: Mapping[str, object]) -> Direction:
    """Return which direction is better, as the parameter says."""
    return Direction.LOWER if parameters["better"] == LOWER_BETTER else Direction.HIGHER
