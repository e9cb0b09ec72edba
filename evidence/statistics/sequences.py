"""Intervals that hold at every look at once: confidence sequences for the mean of a bounded quantity.

An ordinary interval holds for the one look that was planned. These hold for all looks together, however many there
are and whenever somebody stops: the chance that any of them, ever, leaves the mean out on one side is at most that
side's tail. They are made by betting. Against "the mean is m" a gambler stakes a fixed share of what he holds on each
observation; at fair odds his wealth rarely grows, and exceeds 1 / alpha at some time with a chance of at most alpha
(Ville's inequality). The interval holds the means against which he has not won that much.

Source: I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024),
1-27: the grid-Kelly bets (a gambler for each of several shares, their wealth averaged). J. Ville, "Etude critique de
la notion de collectif" (1939).

What is assumed: each observation has the same mean given those before it, and lies within the stated limits. Of units
that hold several observations which depend on each other, the independent observations that they are worth are bet on
(`estimate_share_anytime`): that is measured and not proved. Observations of a unit that is not complete yet wait until
it is, and which observations are in is not chosen by their values.

What the wealth is now decides, not what it once was: a bound that an earlier look reached is given up again when later
observations speak against it. That is valid, too, a little wider, and errs on the side of not passing.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from evidence.statistics.intervals import CONFIDENCE, Estimate, check_confidence
from evidence.statistics.numerics import nearest
from evidence.statistics.shares import effective_n, mirrored, worth_of
from evidence.statistics.units import Tally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Shares of what he holds that a gambler stakes on each observation: a grid for the first thousands of observations,
# and halvings of its smallest for more, where the best stake is small.
_GRID = 20
STAKES = tuple(k / (_GRID + 1) for k in range(_GRID, 0, -1)) + tuple(
    0.5**k / (_GRID + 1) for k in range(1, 7)
)
_DECIMALS = 9  # bounds are rounded outwards to so many, of the range of the observations
_MOST = 1_000_001  # units without a failure, above what is ever asked for
_BLOCK = 16  # factors multiplied before a logarithm is taken: each is below 1e9, so the product is a float


def anytime_mean(
    values: Sequence[float], confidence: float = CONFIDENCE, *, lowest: float = 0.0, highest: float = 1.0
) -> Estimate:
    """Return the mean with an interval that holds at all looks together.

    The order of the values makes no difference, to the last bit: a replay need not know it.

    Args:
        values: all observations up to this look, each within [lowest, highest].
        confidence: two-sided; each bound alone misses, at any look ever, with a chance of (1 - confidence) / 2.

    Raises:
        ValueError: no values, a value outside the limits, limits that enclose nothing, or confidence outside (0, 1).
    """
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    scaled = _scaled(np.asarray(values, dtype=np.float64), lowest, highest)
    distinct, counts = np.unique(scaled, return_counts=True)
    if distinct.size * _BLOCK > scaled.size:  # counting them saves nothing
        distinct, counts = np.sort(scaled), np.ones_like(scaled, dtype=np.int64)
    return _estimate(distinct, counts.astype(np.float64), confidence, lowest, highest)


def anytime_share(successes: int, n: int, confidence: float = CONFIDENCE) -> Estimate:
    """Return what `anytime_mean` does for n values of which `successes` are 1 and the others 0.

    Raises:
        ValueError: n is below 1, or successes outside [0, n], or confidence outside (0, 1).
    """
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    if n < 1:
        raise ValueError("a share of nothing has no value")
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is not a share")
    return _estimate(
        np.array([0.0, 1.0]), np.array([n - successes, successes], dtype=np.float64), confidence, 0, 1
    )


def estimate_share_anytime(units: Tally, confidence: float = CONFIDENCE) -> Estimate | None:
    """Return the share of successes, with bounds that hold at all looks together; None where nothing was observed.

    Independent units are bet on as they are. Units of several observations are worth so many independent ones
    (`shares.worth_of`), which are bet on in their place: bets on the mean of each unit would be about the typical unit,
    which fails less than the typical observation where long conversations go wrong. What is missing counts against
    either end, as in `estimate_share`.

    Raises:
        ValueError: confidence outside (0, 1), or a unit whose total is outside [0, n].
    """
    check_confidence(confidence)
    if any(not 0 <= unit.total <= unit.n for unit, _ in units.items()):
        raise ValueError("a share needs values in [0, 1]")
    if not units.n:
        return None
    alpha = (1 - confidence) / 2
    worst, best, share = units.completed(0.0), units.completed(1.0), units.total / units.n
    n_effective = effective_n(worst, confidence)
    variance = math.fsum(
        unit.n * (unit.total / unit.n - share) ** 2 * count for unit, count in units.items() if unit.n
    )
    of_one = variance / units.n if units.is_independent else share * (1 - share)
    return Estimate(
        value=nearest(share),
        n=units.n,
        n_units=units.n_units,
        n_effective=nearest(n_effective),
        worst=nearest(worst.total / worst.n),
        best=nearest(best.total / best.n),
        stderr=nearest(math.sqrt(of_one / n_effective)),
        low=_low_of(worst, alpha),
        high=round(1 - _low_of(mirrored(best), alpha), _DECIMALS),
        confidence=confidence,
        method="betting",
        units=None if units.is_independent else units,
    )


def _low_of(units: Tally, alpha: float) -> float:
    """Return the lower bound of a tally without missing observations."""
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    if units.is_independent:
        values, counts = np.array([(unit.total, count) for unit, count in units.items()], dtype=np.float64).T
        return _lower_bound(values, counts, alpha)
    worth = worth_of(units, 1 - 2 * alpha)
    counts = np.array([1 - worth.share, worth.share]) * worth.n
    bound = _lower_bound(np.array([0.0, 1.0]), counts, alpha)
    return bound if worth.kept == 1 else round(bound * worth.kept - 0.5 * 10**-_DECIMALS, _DECIMALS)


@lru_cache(maxsize=1_024)  # asked of each criterion of a file, and few files have many thresholds
def fewest_to_show(threshold: float, confidence: float = CONFIDENCE) -> int | None:
    """Return how many units without one failure put the lower bound at the threshold; None where a million do not.

    Without the numerics, which whoever only writes requirements would load for it.
    """
    if threshold <= 0:
        return 1
    goal, gains = math.log(2 / (1 - confidence)), [math.log1p(each * (1 / threshold - 1)) for each in STAKES]

    def shows(n: int) -> bool:
        largest = n * max(gains)
        mean = math.fsum(math.exp(n * gain - largest) for gain in gains) / len(gains)
        return largest + math.log(mean) >= goal

    fewest = bisect.bisect_left(range(1, _MOST), True, key=shows) + 1 if threshold < 1 else _MOST  # noqa: FBT003
    return fewest if fewest < _MOST else None


@dataclass(frozen=True, slots=True)
class Wager:
    """What gamblers hold who bet that a mean in [0, 1] is above `mean`: a state to continue from, look by look."""

    mean: float  # at least 1e-9, below 1
    log_wealths: tuple[float, ...] = (0.0,) * len(STAKES)  # natural logarithms, one a stake

    def after(self, values: Sequence[float]) -> Wager:
        """Return the wager after more observations, each in [0, 1].

        Raises:
            ValueError: a value is outside [0, 1], or the mean is 0 or nearly, or 1.
        """
        import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

        if not 10.0**-_DECIMALS <= self.mean < 1:
            raise ValueError(f"nobody can bet against a mean of {self.mean} in [0, 1]")
        scaled = _scaled(np.asarray(values, dtype=np.float64), 0.0, 1.0, may_be_empty=True)
        gained = _log_wealths(scaled, np.ones_like(scaled), self.mean)
        return Wager(self.mean, tuple(float(w) for w in np.asarray(self.log_wealths) + gained))

    def is_won(self, alpha: float) -> bool:
        """Whether the mean is above at level alpha: of all looks together, one in 1 / alpha says so wrongly."""
        import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

        return _log_mean_exp(np.asarray(self.log_wealths)) >= math.log(1 / alpha)


def _estimate(values: Floats, counts: Floats, confidence: float, lowest: float, highest: float) -> Estimate:
    """Return the estimate for values in [0, 1], rising, and how often each was seen."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    n, alpha, width = int(counts.sum()), (1 - confidence) / 2, highest - lowest
    mean = float(values @ counts) / n
    low = _lower_bound(values, counts, alpha)
    high = 1 - _lower_bound(1 - values[::-1], counts[::-1], alpha)
    variance = float(((values - mean) ** 2) @ counts) / n
    return Estimate(
        value=lowest + width * mean,
        n=n,
        n_units=n,
        n_effective=n,
        worst=lowest + width * mean,
        best=lowest + width * mean,
        stderr=width * math.sqrt(variance / n),
        low=lowest + width * low,
        high=lowest + width * round(high, _DECIMALS),
        confidence=confidence,
        method="betting",
    )


def _lower_bound(values: Floats, counts: Floats, alpha: float) -> float:
    """Return the largest mean, rounded down, against which the gamblers have won 1 / alpha; 0 where they have not.

    Each gambler's wealth falls as the mean he bets against rises, so there is one such mean, below the observed one.
    """
    from scipy.optimize import brentq  # noqa: PLC0415  # heavy: imported when first needed

    goal = math.log(1 / alpha)

    def surplus(mean: float) -> float:
        return _log_mean_exp(_log_wealths(values, counts, mean)) - goal

    nearest, observed = 10.0**-_DECIMALS, float(values @ counts) / float(counts.sum())
    if observed <= nearest or surplus(nearest) < 0:
        return 0.0
    step = 4 / math.sqrt(counts.sum())  # most bounds are nearer than that
    start = observed - step if observed - step > nearest and surplus(observed - step) > 0 else nearest
    root = float(brentq(surplus, start, observed, xtol=nearest / 10))
    bound = math.floor(root / nearest) * nearest
    # The root is known to a tenth of the last decimal; one step down where that tenth made the difference.
    return round(bound if surplus(max(bound, nearest)) >= 0 else bound - nearest, _DECIMALS)


def _log_wealths(values: Floats, counts: Floats, mean: float) -> Floats:
    """Return the logarithm of each gambler's wealth: of the product over observations of 1 + stake (x / mean - 1)."""
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    excess = values / mean - 1
    if counts.size < _BLOCK or float(counts.max()) > 1:
        gains = np.log1p(np.multiply.outer(STAKES, excess))
        wealths: Floats = np.vecdot(gains, counts)
        return wealths
    blocks = np.append(excess, np.zeros(-excess.size % _BLOCK)).reshape(_BLOCK, -1)
    return np.array([float(np.log((1 + stake * blocks).prod(axis=0)).sum()) for stake in STAKES])


def _log_mean_exp(logarithms: Floats) -> float:
    """Return the logarithm of the mean of numbers given by their logarithms, which may be beyond any float."""
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    largest = float(logarithms.max())
    return largest + math.log(float(np.exp(logarithms - largest).mean()))


def _scaled(values: Floats, lowest: float, highest: float, *, may_be_empty: bool = False) -> Floats:
    """Return the values as shares of the way from `lowest` to `highest`."""
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    if not lowest < highest:
        raise ValueError(f"nothing lies between {lowest} and {highest}")
    if values.size == 0 and not may_be_empty:
        raise ValueError("a mean needs at least one value")
    if not bool(np.all((values >= lowest) & (values <= highest))):
        raise ValueError(
            f"a value lies outside [{lowest}, {highest}]: a bound on this mean needs limits that hold"
        )
    return (values - lowest) / (highest - lowest)
