"""The reporting part: numbers of two seeds as measurements that say what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interpret import statistics
from interpret.contracts import (
    ClaimLevel,
    Comparison,
    ComparisonKind,
    HoldsFor,
    ItemValue,
    Measurement,
    NullKind,
    ProbeSpecification,
    Tested,
    TestKind,
)
from interpret.probes.directions.reading import Array
from interpret.probes.dose import ByDose, dose_response
from interpret.probes.estimates import Estimates, units_of

RANDOM_DIRECTIONS: Final = "random directions"
DEAD: Final = "a direction fitted likewise in a dead model, its weights shuffled inside each matrix"
WHY_GAIN: Final = (
    "0.5 is a guess: whoever gains less than 0.1 on what the words tell anyway is hardly surer than that"
)


@dataclass(frozen=True, slots=True)
class Value:
    """One statistic over the reporting units of one seed.

    Attributes:
        nulls: the same under each null; arrays are (unit,).
        drawn: what each random direction comes to; empty where nothing is changed.
        doses: what less and more of the change comes to: "values" and "placebos", as of `dose_response`; None: nobody
            tried.
        texts: digests of the units' texts.
    """

    values: Array
    nulls: Mapping[NullKind, Array]
    p_value: float
    clusters: Sequence[str]
    texts: Sequence[str]
    found_on: Sequence[str]
    drawn: Sequence[float] = ()
    doses: Mapping[str, ByDose] | None = None

    def tested(self, claim: Claim) -> Tested:
        """Return what a verdict rests on."""
        units = units_of(self.clusters, self.texts, self.values, self.nulls)
        sets = tuple(float(value) for value in self.drawn)
        return Tested(
            claim.kind, claim.smallest, claim.why, units, random_sets=sets, found_on=tuple(self.found_on)
        )


def value_of(
    told: Mapping[str, Any],
    values: Sequence[float],
    nulls: Mapping[NullKind, Sequence[float]],
    *,
    p_value: float | None = None,
    drawn: Sequence[float] = (),
    doses: Mapping[str, ByDose] | None = None,
    texts: str = "texts",
) -> Value:
    """Return a statistic over the units that `told` names; its p-value is its rank among what is drawn, or given."""
    array = np.asarray(values, dtype=np.float64)
    if p_value is None:
        p_value = statistics.p_from_permutations(float(array.mean()), drawn)
    every = {kind: np.asarray(nulls[kind], dtype=np.float64) for kind in NullKind}
    return Value(array, every, float(p_value), told["clusters"], told[texts], told["found_on"], drawn, doses)


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed of one statistic, in words."""

    name: str  # of its `Value`
    statistic: str
    unit: str
    level: ClaimLevel
    kind: TestKind
    smallest: float
    why: str
    baseline: str
    supports: str
    does_not_show: str
    control: str = ""  # what is done along random directions; {} stands for how many


@dataclass(frozen=True, slots=True)
class Both:
    """One statistic of both seeds."""

    first: Value
    second: Value


class Writer:
    """Writes one measurement a claim; the p-values of all are corrected together."""

    def __init__(
        self,
        specification: ProbeSpecification,
        *,
        unit: str,
        seed_changes: str,
        correction: str,
        fire_counts: Mapping[str, int],
        details: Mapping[str, Any],
    ) -> None:
        """Take what all measurements of a run have alike; `unit` is what the intervals are over."""
        self._estimates, self._seed = Estimates(specification.seed, unit), specification.seed
        self._changes, self._correction = seed_changes, correction
        self._fired, self._details = fire_counts, details

    def write(
        self, claims: Sequence[Claim], values: Mapping[str, Both], holds_for: HoldsFor
    ) -> tuple[Measurement, ...]:
        """Return the measurements, in the order of the claims."""
        p_values = [values[claim.name].first.p_value for claim in claims]
        q_values = statistics.adjust_benjamini_hochberg(p_values).tolist()
        return tuple(
            self._measurement(claim, values[claim.name], float(q), len(claims), holds_for)
            for claim, q in zip(claims, q_values, strict=True)
        )

    def _measurement(
        self, claim: Claim, both: Both, q_value: float, family: int, holds_for: HoldsFor
    ) -> Measurement:
        first, second, estimates = both.first, both.second, self._estimates
        estimate = estimates.of(first.values)
        return Measurement(
            statistic=claim.statistic,
            unit=claim.unit,
            level=claim.level,
            estimate=estimate,
            baseline=estimates.compare(
                ComparisonKind.BASELINE, claim.baseline, first.nulls[NullKind.TEXT_ONLY]
            ),
            null=estimates.compare(ComparisonKind.NULL, DEAD, first.nulls[NullKind.DEAD_MODEL]),
            control=self._control(claim, first),
            tested=first.tested(claim),
            holds_for=holds_for,
            stability=estimates.stability(
                estimate, second.values, second.tested(claim), second.p_value, self._changes
            ),
            supports=claim.supports,
            does_not_show=claim.does_not_show,
            p_value=first.p_value,
            q_value=q_value,
            correction=self._correction,
            family_size=family,
            fire_counts=self._fired,
            per_item=tuple(
                ItemValue(cluster, float(value))
                for cluster, value in zip(first.clusters, first.values, strict=True)
            ),
            details={**self._details, **self._dose_response(first)},
        )

    def _dose_response(self, first: Value) -> dict[str, Any]:
        if first.doses is None:
            return {}
        points = dose_response(
            self._estimates, whole=first.values, drawn=first.drawn, what=RANDOM_DIRECTIONS, **first.doses
        )
        return {"dose_response": points}

    def _control(self, claim: Claim, first: Value) -> Comparison | None:
        if claim.level is ClaimLevel.ASSOCIATIONAL:
            return None
        drawn = np.asarray(first.drawn, dtype=np.float64)
        estimate = statistics.estimate_mean(drawn, seed=self._seed, unit=RANDOM_DIRECTIONS)
        return Comparison(ComparisonKind.CONTROL, claim.control.format(drawn.size), estimate)
