"""Shares, and means of scores in [0, 1]: exact where observations are independent, else by effective n."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evidence.statistics.bounded import gaffke
from evidence.statistics.intervals import CONFIDENCE, Estimate, check_confidence
from evidence.statistics.numerics import nearest, outward, special, t_quantile
from evidence.statistics.units import Tally, Unit, effective_units, tally_share

_HALVINGS: Final = 60  # of an interval that is searched
_ROUNDING = 1e-9  # a unit whose total is this near to its size has no failure
LEAN: Final = 1.15  # how much more than all units large ones may fail before that counts as a relation
ALIKE: Final = (
    1.5  # how many times those that tell the variance may be the units which hold most of the failures
)


def clopper_pearson(successes: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact (conservative) interval of a share: quantiles of two beta distributions.

    Both may be fractional: an effective n, or the sum of scores in [0, 1], which vary no more than successes do.
    Independent scores have the narrower bounds of `bounded`.

    Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934), 404-413.

    Raises:
        ValueError: n is not above 0, or successes outside [0, n], or confidence outside (0, 1).
    """
    check_confidence(confidence)
    if not 0 <= successes <= n or not n:
        raise ValueError(f"{successes} of {n} is not a share")
    tail = (1 - confidence) / 2
    inverse = special().betaincinv
    low = 0.0 if successes == 0 else float(inverse(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(inverse(successes + 1, n - successes, 1 - tail))
    return low, high


def estimate_share(units: Tally, confidence: float = CONFIDENCE) -> Estimate | None:
    """Return the share of successes, or the mean of scores in [0, 1]; None where nothing was observed.

    What is missing counts against either end: the lower bound is that of all of it failed, the upper one that of all of
    it succeeded.

    Raises:
        ValueError: confidence outside (0, 1), or a unit whose total is outside [0, n].
    """
    check_confidence(confidence)
    if any(not 0 <= unit.total <= unit.n + _ROUNDING for unit, _ in units.items()):
        raise ValueError("a share needs values in [0, 1]")
    if not units.n:
        return None
    worst, best = units.completed(0.0), units.completed(1.0)
    low, high = outward(max(0.0, _bounds(worst, confidence)[0]), min(1.0, _bounds(best, confidence)[1]))
    p = min(units.total / units.n, 1.0)
    n_effective = effective_n(worst, confidence)
    return Estimate(
        value=nearest(p),
        n=units.n,
        n_units=units.n_units,
        n_effective=nearest(n_effective),
        stderr=nearest(math.sqrt(_variance(units, p) / n_effective)),
        low=low,
        high=high,
        worst=nearest(worst.total / worst.n),
        best=nearest(min(best.total / best.n, 1.0)),
        confidence=confidence,
        method=_method(units),
        units=None if units.is_independent else units,
    )


def estimate_successes(
    successes: int, n: int, confidence: float = CONFIDENCE, *, missing: int = 0
) -> Estimate | None:
    """Return the share of n independent observations that succeeded. Raises as `tally_share` does."""
    return estimate_share(tally_share(successes, n, missing=missing), confidence)


def effective_n(units: Tally, confidence: float = CONFIDENCE) -> float:
    """Return how many independent observations would say as much of a share; of the lower bound, the cautious side.

    See `worth_of`.
    """
    return units.n if units.is_independent else worth_of(units, confidence).n


def smallest_n_at_least(threshold: float, confidence: float = CONFIDENCE) -> int | None:
    """Return how many successes without one failure put the lower bound at `threshold`, or None if no n does.

    With all n successful the bound is tail^(1/n), so n = log(tail) / log(threshold).
    """
    if threshold >= 1:
        return None
    if threshold <= 0:
        return 1
    return max(1, math.ceil(math.log((1 - confidence) / 2) / math.log(threshold) - 1e-9))


@dataclass(frozen=True, slots=True)
class Worth:
    """How many independent observations say as much of the lower bound of a share as units do."""

    share: float  # of successes, in [0, 1]
    n: float  # effective
    kept: float  # of the bound, where large units fail more: one more of them may yet fail; else 1
    told: float  # effective, were there no limit by what units show that all come out alike
    n_alike: float  # of units of one size that would weigh as much, which set that limit


def worth_of(units: Tally, confidence: float, times: float = 1.0) -> Worth:
    """Return what units without missing observations are worth to a lower bound.

    Args:
        times: as many of each unit as there are are taken to be there, above 0.

    Where large units fail more than small ones, the share hangs on the few largest, and most draws hold too few of
    them: false passes were up to 19 %. There one more unit, as large as the largest, is taken to have failed whole (the
    bound keeps n / (n + its size)), and the effective n may be below the number of units. Where large units fail less,
    the few that hold a success tell the variance of an upper bound no better than those that hold a failure. Of units
    of one size neither is ever so.
    """
    leans, others_lean = _leans(units), _leans(mirrored(units))
    n, n_alike, share = times * units.n, times * effective_units(units), min(units.total / units.n, 1.0)
    kept = n / (n + max(unit.n for unit, _ in units.items())) if leans else 1.0
    told = _told_n(units, confidence, times, leans=leans, others_lean=others_lean)
    shown = _shown_by_alike(share, n_alike, told, 1 - (1 + confidence) / 2)
    return Worth(share, shown, kept, told, n_alike)


def _leans(units: Tally) -> bool:
    """Whether failures weighted by the size of their unit are `LEAN` times what they were, had sizes no say."""
    sizes = [(unit.n, unit.n - unit.total, count) for unit, count in units.items()]
    failures = math.fsum(failed * count for _, failed, count in sizes)
    squares = math.fsum(size * size * count for size, _, count in sizes)
    weighted = math.fsum(size * failed * count for size, failed, count in sizes)
    return failures > _ROUNDING and weighted * units.n > LEAN * squares * failures


def _bounds(units: Tally, confidence: float) -> tuple[float, float]:
    """Return both bounds of a tally without missing observations: each by the effective n that its own side allows."""
    if _method(units) == "gaffke":
        return gaffke({min(unit.total, 1.0): count for unit, count in units.items()}, confidence)
    if units.is_independent:
        return clopper_pearson(min(units.total, units.n), units.n, confidence)
    for_low, for_high = worth_of(units, confidence), worth_of(mirrored(units), confidence)
    low, _ = clopper_pearson(for_low.share * for_low.n, for_low.n, confidence)
    _, high = clopper_pearson((1 - for_high.share) * for_high.n, for_high.n, confidence)
    return low * for_low.kept, high if for_high.kept == 1 else 1 - (1 - high) * for_high.kept


def _method(units: Tally) -> str:
    """Return which bounds units have: of zeros and ones, the first two are the same."""
    if not units.is_independent:
        return "korn_graubard"
    whole = all(min(unit.total, abs(1 - unit.total)) <= _ROUNDING for unit, _ in units.items())
    return "clopper_pearson" if whole else "gaffke"


def _variance(units: Tally, p: float) -> float:
    """Return the variance of one observation: of independent scores their own, else that of successes."""
    if _method(units) != "gaffke":
        return p * (1 - p)
    return math.fsum((unit.total - p) ** 2 * count for unit, count in units.items() if unit.n) / units.n


def _told_n(units: Tally, confidence: float, times: float, *, leans: bool, others_lean: bool) -> float:
    """Return the effective n of a lower bound, which rests on the units that hold a failure.

    n / deff * (t_n / t_f)^2, with deff the design effect: the variance of the share, units being what varies, over that
    of as many independent observations. Korn and Graubard correct by the t of the number of units; the variance is told
    by the few units that hold a failure, so the degrees of freedom here are theirs, f. With those of all units, false
    passes are up to 11 % where 5 % are promised (`docs/reference/statistics.md`). Never above n, and never below the
    units, each of which is one observation at least, unless sizes have a say; without a failure it is the units.

    Where units differ in size, the large ones draw the share to themselves and tell most of the variance. So each
    residual is from the share of the other units (leave one out), and f counts failing units by their squared sizes, or
    by their squared failures where few hold most of them, as Satterthwaite would. Without both, false passes are 6 to
    12 % at sizes of a geometric or lognormal distribution. Of units of one size that fail alike, neither makes a
    difference.

    Sources: E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data", Survey Methodology 24 (1998), 193-201; F. E. Satterthwaite, "An approximate
    distribution of estimates of variance components", Biometrics Bulletin 2 (1946), 110-114.
    """
    n, n_units, p = times * units.n, times * units.n_units, units.total / units.n
    at_least = times * min(effective_units(units), units.n)
    failing = times * failing_units(units)
    if others_lean:
        failing = min(failing, times * failing_units(mirrored(units)))
    if not failing or n_units < 2 or p <= 0:
        return at_least
    squares = times * math.fsum(
        ((unit.total - p * unit.n) / (1 - unit.n / n)) ** 2 * count for unit, count in units.items()
    )
    if squares <= 0:
        return at_least
    variance = (n_units - 1) / n_units * squares / n**2
    tail = (1 + confidence) / 2
    ratio = t_quantile(tail, max(n - 1, 1)) / t_quantile(tail, min(failing, n_units - 1))
    return min(max(p * (1 - p) / variance * ratio**2, 1.0 if leans or others_lean else at_least), n)


def alike_bound(share: float, n_units: float, alpha: float) -> float:
    """Return the lower bound that so many units show at most, whatever they are like: all came out at this share."""
    return float(share * alpha ** (1 / n_units))


def _shown_by_alike(share: float, n_units: float, told: float, alpha: float) -> float:
    """Return how many independent observations show what so many units would that all came out alike; at most `told`.

    Units of which each has the share p show no more than `alike_bound`, p * alpha^(1 / units): with a chance of alpha,
    all of them come out so where every other unit fails whole, and is as frequent as that bound says. No bound that
    holds whatever units are like is nearer. Without it, 40 items tried 20 times whose attempts fail at random were 800
    observations, and the items that always fail, of which none was drawn, made 27 % of false passes.
    """
    bound, chance = alike_bound(share, n_units, alpha), special().betainc

    def shows_more(n: float) -> bool:
        return bool(chance(share * n, (1 - share) * n + 1, bound) < alpha)

    if told <= n_units or not shows_more(told):
        return told
    low, high = n_units, told
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if shows_more(middle) else (middle, high)
    return low


def failing_units(units: Tally) -> float:
    """Return how many units of one size, each with a failure, would tell as much of a variance; 0 without any.

    Those count that hold most of the failures: were 5 of 100 items to fail at each of ten attempts and 40 others at
    one, the five would tell the variance. Without that, 6 to 9 % were false passes there.
    """
    held = [
        (unit.n, unit.n - unit.total, count)
        for unit, count in units.items()
        if unit.total < unit.n - _ROUNDING
    ]
    if not held:
        return 0.0
    by_size, by_failures = (
        _alike([(n, count) for n, _, count in held]),
        _alike([(q, count) for _, q, count in held]),
    )
    return min(by_size, ALIKE * by_failures)


def _alike(weights: Sequence[tuple[float, int]]) -> float:
    """Return how many squares of one size vary as these do: (sum of squares)^2 / sum of fourth powers."""
    squares = math.fsum(weight**2 * count for weight, count in weights)
    return squares**2 / math.fsum(weight**4 * count for weight, count in weights)


def mirrored(units: Tally) -> Tally:
    """Return the tally with failures and successes exchanged."""
    exchanged: dict[Unit, int] = {}
    for unit, count in units.items():
        other = Unit(unit.n, unit.n - unit.total)
        exchanged[other] = exchanged.get(other, 0) + count
    return Tally(exchanged)
