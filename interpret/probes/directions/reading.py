"""One direction that tells two sides apart, and how surely: fitted by the same rule on a model and on the text alone.

The direction is the difference in means (Marks and Tegmark, "The Geometry of Truth", 2023, arXiv 2310.06824):
over pairs whose sides differ in nothing else, it is the mean difference. How surely it tells a pair that it was not
fitted on is learnt from pairs left out one at a time: each has a template and words of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = Sequence[Sequence[Counter[str]]]  # of each pair, of each side
STEPS: Final = 60  # halvings of the interval in which the slope is looked for


@dataclass(frozen=True, slots=True)
class Readout:
    """A direction of length 1, or 0 where there is none, and by how much the odds grow along it."""

    direction: Array  # (width,)
    slope: float  # log-odds a unit of the direction, at least 0

    def tells(self, differences: Array) -> Array:
        """Return the probability that each pair is the right way round; 0.5 where nothing tells. Shape (pair,).

        Args:
            differences: (pair, width), first side less second.
        """
        said: Array = _logistic(self.slope * (differences @ self.direction))
        return said


def fit_readout(differences: Array) -> Readout:
    """Fit on pairs (pair, width): first side less second."""
    total = differences.sum(axis=0)
    left_out = np.array([_unit(total - own) @ own for own in differences])
    return Readout(_unit(total), _slope(left_out))


def tell_by_counts(fit: Counts, report: Counts) -> Array:
    """Return how surely what was counted in the texts tells pairs apart, fitted by the same rule. Shape (pair,)."""
    names = sorted({name for sides in fit for side in sides for name in side})
    fitted, reported = (
        np.array([[first[name] - second[name] for name in names] for first, second in pairs], dtype=float)
        for pairs in (fit, report)
    )
    scale = np.sqrt((fitted**2).mean(axis=0))
    scale[scale == 0] = 1.0
    return fit_readout(fitted / scale).tells(reported / scale)


def _slope(along: Array) -> float:
    """Return the likeliest slope of at least 0, with one more pair that is the wrong way round: so it stays finite."""
    size = float(np.abs(along).mean())
    if not size:
        return 0.0
    told = np.append(along, -size)
    low, high = 0.0, 50.0 / size
    for _ in range(STEPS):
        middle = (low + high) / 2
        rising = float((told * _logistic(-middle * told)).sum()) > 0
        low, high = (middle, high) if rising else (low, middle)
    return low


def _unit(vector: Array) -> Array:
    length = float(np.linalg.norm(vector))
    unit: Array = vector / length if length > 1e-12 else np.zeros_like(vector)
    return unit


def _logistic(x: Array) -> Array:
    y: Array = 1 / (1 + np.exp(-np.clip(x, -500, 500)))
    return y


def random_directions(residual: Array, direction: Array, count: int, rng: np.random.Generator) -> Array:
    """Return directions in which residuals of one side spread, at right angles to `direction`. Shape (count, width).

    In a residual stream a direction drawn evenly hardly ever matters; one in which texts really differ does.

    Args:
        residual: (side, text, width).
    """
    apart = (residual - residual.mean(axis=1, keepdims=True)).reshape(-1, residual.shape[-1])
    drawn = rng.standard_normal((count, len(apart))) @ apart
    drawn -= np.outer(drawn @ direction, direction)
    return np.stack([_unit(each) for each in drawn])
