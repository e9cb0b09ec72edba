"""How far another seed finds the same features, beside what directions drawn at random have in common."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interpret.dictionaries.coding import Floats
from interpret.errors import ProbeError

SHARED: Final = 0.7  # of a cosine: what two seeds are said to share, in the papers that count it


@dataclass(frozen=True, slots=True)
class Match:
    """Two sets of directions, each of the smaller one paired with another of the larger, so that cosines sum highest.

    Attributes:
        mean: of the pairs' absolute cosines.
        shared: share of the pairs above `SHARED`.
        pairs: how many.
    """

    mean: float
    shared: float
    pairs: int

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def match(first: Floats, second: Floats) -> Match:
    """Pair two sets of directions (direction, width).

    Raises:
        ProbeError: a set is empty, or has a direction of length 0.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415  # half a second

    cosines: NDArray[np.float32] = np.abs(_unit(first) @ _unit(second).T)
    found = cosines[linear_sum_assignment(cosines, maximize=True)]
    return Match(float(found.mean()), float((found > SHARED).mean()), found.size)


def random_floor(first: int, second: int, width: int, seed: int) -> Match:
    """Return what as many directions have in common that were drawn evenly over the sphere."""
    rng = np.random.default_rng(seed)
    return match(drawn(first, width, rng), drawn(second, width, rng))


def drawn(many: int, width: int, rng: np.random.Generator) -> Floats:
    """Return unit vectors, evenly over the sphere. Shape (direction, width)."""
    found: Floats = _unit(rng.standard_normal((many, width)).astype(np.float32))
    return found


def _unit(directions: Floats) -> Floats:
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    if not len(directions) or not lengths.all():
        raise ProbeError("there is no direction, or one of length 0")
    unit: Floats = directions / lengths
    return unit
