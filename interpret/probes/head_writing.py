"""What is written alike of many probes: estimates, both seeds, units and their nulls, the texts; and of heads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from interpret import statistics
from interpret.contracts import (
    Comparison,
    ComparisonKind,
    Estimate,
    NullKind,
    Stability,
    Tested,
    TestedUnit,
)
from interpret.probes.head_sets import named_sets

Array: TypeAlias = NDArray[np.float64]
WHY_SHIFT: Final = "0.1 in log-odds moves an even answer by two and a half per cent: less is not felt"
DEAD_HEADS: Final = "the best heads of a dead model, weights shuffled inside each matrix, ablated in it"


@dataclass(frozen=True, slots=True)
class Estimates:
    """The intervals of one run: of its first seed, over what `unit` says."""

    seed: int
    unit: str  # "sequences"

    def of(self, values: Array, *, again: int = 0) -> Estimate:
        """Return the mean of the first seed's values (`again` 0), or of the second's (1)."""
        return statistics.estimate_mean(values, seed=self.seed + again, unit=self.unit)

    def compare(self, kind: ComparisonKind, what: str, values: Array) -> Comparison:
        """Return the statistic where there should be no effect."""
        return Comparison(kind, what, self.of(values))

    def control(self, costs: Array, asked: int) -> Comparison:
        """Return what ablating each of the random sets costs, of which so many were asked for."""
        estimate = statistics.estimate_mean(costs, seed=self.seed, unit="sets of heads")
        return Comparison(ComparisonKind.CONTROL, named_sets(costs.size, asked), estimate)

    def stability(
        self, first: Estimate, values: Array, tested: Tested, p_value: float, what: str
    ) -> Stability:
        """Return what the second seed says; `what` it changes, in words."""
        second = self.of(values, again=1)
        return Stability(
            seed=self.seed,
            second_seed=self.seed + 1,
            second=second,
            agrees=first.overlaps(second),
            what=what,
            tested=tested,
            p_value=p_value,
        )


def dead_head(rank: int) -> str:
    """Say which head of the dead model the one of this rank, from 0, is held against."""
    return (
        f"the head of rank {rank + 1} that the same search finds in a dead model,"
        " its weights shuffled inside each matrix"
    )


def units_of(
    clusters: Sequence[str], texts: Sequence[str], values: Array, nulls: Mapping[NullKind, Array]
) -> tuple[TestedUnit, ...]:
    """Return each text with its value and its nulls, all of shape (text,)."""
    return tuple(
        TestedUnit(
            cluster, text, float(values[i]), {str(kind): float(each[i]) for kind, each in nulls.items()}
        )
        for i, (cluster, text) in enumerate(zip(clusters, texts, strict=True))
    )


def digest_of_texts(texts: Sequence[str]) -> str:
    """Return the digest of the dataset that these texts are."""
    return hashlib.sha256(" ".join(sorted(texts)).encode()).hexdigest()


def heat_map(values: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Return every head's share of attention, by layer, as the page of a finding draws it."""
    return {
        "rows": [str(layer) for layer in range(len(values))],
        "columns": [str(head) for head in range(len(values[0]))],
        "row": "layer",
        "column": "head",
        "unit": "share of attention",
        "values": values,
    }
