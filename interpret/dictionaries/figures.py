"""Figures with intervals over what is independent: texts, or words of a labelled set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evidence.statistics import Unit, estimate_mean, tally
from interpret.errors import ProbeError

GROUPS: Final = 20  # into which what is independent is put: fewer than twelve could not show a skew
CONFIDENCE: Final = 0.95  # two-sided


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, its interval at `CONFIDENCE`, and over how many groups of what is independent it was taken."""

    value: float
    low: float
    high: float
    groups: int
    doubt: str = ""  # why the interval promises less

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def jackknifed(whole: float, without: Sequence[float]) -> Figure:
    """Return the figure with the interval of its pseudo-values, by `evidence.statistics.estimate_mean`.

    Source: R. G. Miller, "The jackknife: a review", Biometrika 61 (1974), 1-15.

    Args:
        whole: the statistic over all.
        without: the same without each group in turn.

    Raises:
        ProbeError: fewer than two groups, or a statistic that is no number.
    """
    many = len(without)
    if many < 2:
        raise ProbeError(f"{many} groups: an interval needs at least two")
    if not np.isfinite([whole, *without]).all():
        raise ProbeError("a statistic is no number, with a group of its texts left out or without that")
    pseudo = [many * whole - (many - 1) * each for each in without]
    told = estimate_mean(tally(Unit(1, each) for each in pseudo), CONFIDENCE)
    if told is None or told.low is None or told.high is None:
        raise ProbeError("no interval could be taken")
    return Figure(whole, min(told.low, whole), max(told.high, whole), many, told.doubt)


def grouped(units: NDArray[np.int64], seed: int, most: int = GROUPS) -> NDArray[np.int64]:
    """Put units that are independent into groups of nearly as many units, drawn by the seed.

    Args:
        units: (row,), of which unit each row is.

    Returns:
        (row,), its group.
    """
    names = np.unique(units)
    of = np.random.default_rng(seed).permutation(len(names)) % most
    groups: NDArray[np.int64] = of[np.searchsorted(names, units)]
    return groups
