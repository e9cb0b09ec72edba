"""The bounds of `evidence.statistics` for many draws at once: arrays, a row a draw and a column a unit.

The product judges one tally at a time, in a third of a millisecond, and a page of rates takes millions of them. What is
computed here is the same to the last digit that a verdict keeps; each section compares a few draws of every case with
the product itself (`as_the_product`), and a difference ends the command.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import special

from bench.calibration.page import ALPHA
from evidence.statistics import Estimate, Tally, Unit, estimate_share
from evidence.statistics.sequences import STAKES, estimate_share_anytime
from evidence.statistics.shares import ALIKE, LEAN

_HALVINGS: Final = 40  # of an interval that is searched
_COMPARED: Final = 5  # draws of each case that the product judges too


@dataclass(frozen=True, slots=True)
class Worths:
    """`shares.Worth` of many tallies."""

    share: Any
    n: Any
    kept: Any

    def lows(self) -> Any:
        """Return the lower bounds at 1 - `ALPHA` for one look."""
        good = self.share * self.n
        some = np.maximum(good, 1e-12)
        bounds = special.betaincinv(some, np.maximum(self.n - some, 0) + 1, ALPHA)
        return np.where(good > 0, bounds, 0.0) * self.kept

    def wins(self, threshold: float) -> Any:
        """Return which gamblers against the threshold hold 1 / `ALPHA` on average: those bounds are above it."""
        against = np.minimum(threshold / self.kept, 1 - 1e-12)[:, None]
        good, stakes = (self.share * self.n)[:, None], np.array(STAKES)
        logs = good * np.log1p(stakes * (1 / against - 1)) + (self.n[:, None] - good) * np.log1p(-stakes)
        return special.logsumexp(logs, axis=1) - math.log(len(STAKES)) >= math.log(1 / ALPHA)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What many draws say of a share."""

    values: Any
    lows: Any
    highs: Any
    n_effective: Any


def worths_of(sizes: Any, successes: Any, times: Any = None, lean: float = LEAN) -> Worths:
    """Return what `shares.worth_of` does for each row, none of which has anything missing.

    Args:
        times: how many units each entry stands for, a row a draw; one where nothing is said.
        lean: in the place of `LEAN`.
    """
    times = np.ones(sizes.shape) if times is None else times
    sizes, failed = np.asarray(sizes, dtype=np.float64), np.asarray(sizes - successes, dtype=np.float64)

    def of_all(numbers: Any) -> Any:
        return (numbers * times).sum(axis=1)

    def alike(weights: Any) -> Any:
        return of_all(weights**2) ** 2 / of_all(weights**4)

    n, failures, n_units, squares = of_all(sizes), of_all(failed), times.sum(axis=1), of_all(sizes**2)
    missed, units = failures / n, np.minimum(n**2 / squares, n)
    share = 1 - missed
    leans, others_lean = (
        (total > 0) & (of_all(sizes * each) * n > lean * squares * total)
        for each, total in ((failed, failures), (sizes - failed, n - failures))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        residuals = (failed - missed[:, None] * sizes) / (1 - sizes / n[:, None])
        variance = of_all(residuals**2) * (n_units - 1) / n_units / n**2
        degrees, of_others = (
            np.minimum(np.minimum(alike(np.where(held > 0, sizes, 0.0)), ALIKE * alike(held)), n_units - 1)
            for held in (failed, sizes - failed)
        )
        degrees = np.where(others_lean, np.minimum(degrees, of_others), degrees)
        ratio = special.stdtrit(np.maximum(n - 1, 1), 1 - ALPHA) / special.stdtrit(degrees, 1 - ALPHA)
        told = share * missed / variance * ratio**2
    told = np.minimum(np.maximum(told, np.where(leans | others_lean, 1.0, units)), n)
    told = _shown_by_alike(share, n**2 / squares, told)
    unknown = (failures == 0) | (share <= 0) | ~(variance > 0)
    largest = np.where(times > 0, sizes, 0.0).max(axis=1)
    return Worths(share, np.where(unknown, units, told), np.where(leans, n / (n + largest), 1.0))


def _shown_by_alike(share: Any, n_units: Any, told: Any) -> Any:
    """Return what `shares._shown_by_alike` does for each row."""
    bound, low, high = (
        share * ALPHA ** (1 / n_units),
        n_units.copy(),
        np.asarray(told, dtype=np.float64).copy(),
    )

    def shows_more(n: Any, rows: Any) -> Any:
        return special.betainc(share[rows] * n, (1 - share[rows]) * n + 1, bound[rows]) < ALPHA

    (rows,) = np.nonzero((share > 0) & (share < 1) & (high > n_units))
    rows = rows[shows_more(high[rows], rows)]
    for _ in range(_HALVINGS):
        middle = (low[rows] + high[rows]) / 2
        more = shows_more(middle, rows)
        low[rows], high[rows] = np.where(more, low[rows], middle), np.where(more, middle, high[rows])
    found = np.asarray(told, dtype=np.float64).copy()
    found[rows] = low[rows]
    return found


def bounds_of(sizes: Any, successes: Any) -> Bounds:
    """Return both bounds of each row.

    Raises:
        AssertionError: the product says otherwise of one of a few rows.
    """
    lower, upper = worths_of(sizes, successes), worths_of(sizes, sizes - successes)
    found = Bounds(lower.share, lower.lows(), 1 - upper.lows(), lower.n)
    for row in range(min(_COMPARED, len(sizes))):
        estimate = as_the_product(sizes[row], successes[row])
        of_row = (found.values[row], found.lows[row], found.highs[row], found.n_effective[row])
        of_product = np.array(
            [estimate.value, estimate.low, estimate.high, estimate.n_effective], dtype=np.float64
        )
        np.testing.assert_allclose(of_row, of_product, rtol=1e-7, atol=1e-9)
    return found


def as_the_product(sizes: Any, successes: Any, *, anytime: bool = False) -> Estimate:
    """Return the product's estimate of one row."""
    estimate = (estimate_share_anytime if anytime else estimate_share)(tally_of(sizes, successes))
    if estimate is None:
        raise ValueError("a row without observations")
    return estimate


def ever_pass(sizes: Any, successes: Any, threshold: float) -> Any:
    """Return for each row whether a look after one of its units passes "at least" a threshold. Raises as below."""
    return first_pass(sizes, successes, threshold) <= sizes.shape[1]


def first_pass(sizes: Any, successes: Any, threshold: float) -> Any:
    """Return for each row after how many units a look first passes, at any number of looks; one more than all: at none.

    Raises:
        AssertionError: the product says otherwise of one of a few looks.
    """
    (runs, n_units), base = sizes.shape, int(sizes.max()) + 1
    kinds, codes = np.unique(sizes * base + successes, return_inverse=True)
    codes = codes.reshape(sizes.shape)
    of_kind = np.divmod(kinds, base)
    times, first = np.zeros((runs, kinds.size)), np.full(runs, n_units + 1)
    for unit in range(n_units):
        times[np.arange(runs), codes[:, unit]] += 1
        won = worths_of(*of_kind, times).wins(threshold)
        first = np.where(won, np.minimum(first, unit + 1), first)
        if unit % max(n_units // 4, 1) == 9:
            low = as_the_product(sizes[0, : unit + 1], successes[0, : unit + 1], anytime=True).low
            np.testing.assert_equal(bool(won[0]), low is not None and low >= threshold)
    return first


def tally_of(sizes: Any, successes: Any) -> Tally:
    """Count units by size and successes, given as arrays."""
    base = int(sizes.max()) + 1
    counted = np.bincount(sizes * base + successes)
    return Tally({
        Unit(int(key) // base, float(int(key) % base)): int(counted[key]) for key in np.flatnonzero(counted)
    })  # fmt: skip


def in_parts(runs: int, n_units: int) -> Iterator[int]:
    """Yield numbers of runs that are in memory at once, as many as asked for altogether."""
    at_once = max(1, min(runs, 2_000_000 // n_units))
    for begin in range(0, runs, at_once):
        yield min(at_once, runs - begin)


def together(parts: list[Bounds]) -> Bounds:
    """Return the bounds of several parts as one."""
    return Bounds(*(np.concatenate([getattr(part, name) for part in parts]) for name in Bounds.__slots__))
