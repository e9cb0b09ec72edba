"""Three ends of a question: yes by one bound, no by the other, and otherwise not known, with what would settle it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist
from typing import Final

from evidence.statistics.intervals import Estimate
from evidence.statistics.numerics import at_least
from evidence.statistics.shares import Worth, alike_bound, mirrored, worth_of
from evidence.statistics.units import Tally
from evidence.vocabulary import ChoiceEnum

POWER: Final = 0.8  # how surely as many more units would settle it, were the truth what was observed
_STAKES: Final = 3.5  # natural logarithms: see `_units_of_bets`
MOST: Final = 10_000_000  # units; beyond it nobody asks for them
_RESIDUE: Final = 1e-9  # of floating point, in a number of units


class End(ChoiceEnum):
    """What an interval says of a threshold."""

    PASS = "pass"  # noqa: S105  # no password
    FAIL = "fail"
    INSUFFICIENT = "insufficient"


def judge_bounds(low: float | None, high: float | None, threshold: float, *, higher_is_better: bool) -> End:
    """Judge an interval: pass where the favourable side of the threshold holds all of it, fail where none of it.

    Args:
        low: one-sided lower bound; None where there is none.
        high: one-sided upper bound.
    """
    if not higher_is_better:
        low, high, threshold = _negated(high), _negated(low), -threshold
    if low is not None and low >= threshold:
        return End.PASS
    return End.FAIL if high is not None and high < threshold else End.INSUFFICIENT


@lru_cache(maxsize=1_024)  # a verdict asks several times
def more_units(estimate: Estimate, threshold: float) -> int | None:
    """Return about how many more units would settle it, were the truth what was observed; None where none would.

    None would where the value is the threshold, or lies on either side of it as the missing turn out: those have to be
    observed. Of shares it is exact (the smallest binomial that passes, or fails, with `POWER`), and of units that are
    several observations, the rule itself asked of more units like these; of shares at all looks it is what bets win on
    average; of means, and of what people's labels correct, it is the normal one: the units are then labelled ones.
    """
    settled = _settled_value(estimate, threshold)
    if settled is None:
        return None
    alpha = (1 - estimate.confidence) / 2
    above = settled > threshold
    if estimate.units is not None:
        units = estimate.units.completed(0.0) if above else mirrored(estimate.units.completed(1.0))
        settles = _settles_by_bets if estimate.method == "betting" else _settles_by_share
        return _more_like(units, threshold if above else 1 - threshold, estimate.confidence, settles)
    if estimate.method == "clopper_pearson":
        p, against = (settled, threshold) if above else (1 - settled, 1 - threshold)
        needed = _units_of_share(p, against, alpha)
    elif estimate.method == "betting":
        needed = _units_of_bets(settled, threshold, alpha)
    elif estimate.stderr and estimate.method in ("hall", "gaffke", "prediction_powered"):
        quantiles = NormalDist().inv_cdf(1 - alpha) + NormalDist().inv_cdf(POWER)
        deviation = estimate.stderr * math.sqrt(estimate.n_effective)
        ratio = abs(quantiles * deviation / (settled - threshold))
        needed = math.ceil(ratio**2) if ratio <= math.sqrt(MOST) else None
    else:
        return None
    if needed is None or needed > MOST or not estimate.n_effective:
        return None
    worth = estimate.n_effective / estimate.n_units  # of one more unit
    return max(1, math.ceil((needed - estimate.n_effective) / worth))


def _more_like(
    units: Tally, threshold: float, confidence: float, settles: Callable[[Worth, float, float], bool]
) -> int | None:
    """Return how many more units that come out as these did would settle that the share is above the threshold.

    What units are worth grows faster than their number where few of them tell the variance, or where no more is shown
    than by units that all come out alike. So the rule is asked, and nothing is scaled.

    Args:
        units: nothing of them is missing.
        settles: whether as many units as that worth is of settle it, given the threshold and alpha.
    """
    alpha = (1 - confidence) / 2

    def enough(more: int) -> bool:
        return settles(worth_of(units, confidence, 1 + more / units.n_units), threshold, alpha)

    high = 1
    while not enough(high):
        high *= 2
        if high > MOST:
            return None
    low = high // 2
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _settles_by_share(worth: Worth, threshold: float, alpha: float) -> bool:
    """Whether the bound of a share clears the threshold with `POWER`: that by what is told, and that of units alike."""
    against = threshold / worth.kept
    spread = math.sqrt(worth.share * (1 - worth.share) / worth.told)
    unlucky = worth.share - NormalDist().inv_cdf(POWER) * spread
    if against >= 1 or alike_bound(unlucky, worth.n_alike, alpha) < against:
        return False
    return _shows(math.floor(worth.told + _RESIDUE), worth.share, against, alpha)


def _settles_by_bets(worth: Worth, threshold: float, alpha: float) -> bool:
    needed = _units_of_bets(worth.share, threshold / worth.kept, alpha)
    return needed is not None and worth.n >= needed


def _negated(bound: float | None) -> float | None:
    return None if bound is None else -bound


def _settled_value(estimate: Estimate, threshold: float) -> float | None:
    """Return the value nearest to the threshold that the missing allow, if all they allow lie on one side of it."""
    if estimate.worst is None or estimate.best is None:
        return None
    if estimate.worst > threshold:
        return estimate.worst
    return estimate.best if estimate.best < threshold else None


def _units_of_share(p: float, threshold: float, alpha: float) -> int | None:
    """Return the smallest n for which n trials at p show more than the threshold, at alpha, with `POWER`; or so."""
    high = 1
    while not _shows(high, p, threshold, alpha):
        high *= 2
        if high > MOST:
            return None
    low = high // 2
    while low + 1 < high:  # power rises in a saw's line: this finds one of its teeth
        middle = (low + high) // 2
        low, high = (low, middle) if _shows(middle, p, threshold, alpha) else (middle, high)
    return high


def _units_of_bets(p: float, threshold: float, alpha: float) -> int | None:
    """Return about how many trials at p let gamblers against the threshold win 1 / alpha.

    The best stake wins the divergence of p from the threshold a trial, in natural logarithms; `_STAKES` is what it
    takes that nobody knows the best stake, and that as many as `POWER` of all gamblers win.
    """
    if not 0 < threshold < 1:
        return None
    parts = ((p, threshold), (1 - p, 1 - threshold))
    divergence = sum(share * math.log(share / against) for share, against in parts if share > 0)
    return math.ceil((math.log(1 / alpha) + _STAKES) / divergence) if divergence * MOST > _STAKES else None


def _shows(n: int, p: float, threshold: float, alpha: float) -> bool:
    """Whether n trials at p have as many successes as put the lower bound at the threshold with `POWER`."""
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if at_least(middle, n, threshold) <= alpha else (middle + 1, high)
    return at_least(low, n, p) >= POWER
