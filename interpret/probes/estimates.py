"""What probes write alike: estimates of both seeds, units with their nulls, and the texts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

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

Array: TypeAlias = NDArray[np.float64]
WHY_SHIFT: Final = "0.1 in log-odds moves an even answer by two and a half per cent: less is not felt"


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
