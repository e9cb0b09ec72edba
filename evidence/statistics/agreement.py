"""How two ratings of the same things agree beyond chance: Krippendorff's alpha of nominal ratings, with safe bounds.

alpha = 1 - D_o / D_e: what the pairs disagree on, by what ratings of different things would disagree on. Source: K.
Krippendorff, "Content Analysis" (4th ed., 2019), chapter 12; A. F. Hayes and K. Krippendorff, "Answering the call for a
standard reliability measure for coding data", Communication Methods and Measures 1 (2007), 77-89.

Its bounds do not hold what chance explains fixed, as the usual ones do: where nearly all ratings are the same category,
that is most of what is uncertain. The share of agreement, and the share of each category among each of the two ratings,
each have a bound at its part of alpha (Bonferroni), and the bound of alpha is the worst that they allow together. So it
errs with a chance of at most what was asked for, at all looks together where the shares' bounds do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from evidence.statistics.intervals import CONFIDENCE, Estimate, check_confidence, two_sided
from evidence.statistics.numerics import nearest, outward
from evidence.statistics.sequences import estimate_share_anytime
from evidence.statistics.units import Tally

METHOD: Final = "krippendorff"
_LOWEST: Final = -1.0  # of alpha, for two ratings


def estimate_alpha(
    agreeing: Tally, categories: Mapping[str, Sequence[Tally]], confidence: float = CONFIDENCE
) -> Estimate | None:
    """Return alpha with bounds that hold at all looks together; None where nothing was rated twice.

    None is also what comes of one category alone: where all ratings are the same, chance explains everything.

    Args:
        agreeing: pairs by unit, those that agree being successes; with what is missing.
        categories: for each, one tally for either rating of the pair: the same pairs, those in the category being
            successes. Every rating is in exactly one.
        confidence: two-sided; each bound alone misses, at any look ever, with a chance of (1 - confidence) / 2.

    Raises:
        ValueError: confidence outside (0, 1), or fewer than two categories.
    """
    check_confidence(confidence)
    if len(categories) < 2:
        raise ValueError("ratings agree on one of at least two categories")
    tail = (1 - confidence) / 2
    observed = estimate_share_anytime(agreeing, two_sided(1 - tail / 2))
    if observed is None or observed.low is None or observed.high is None:
        return None
    n_shares = sum(len(tallies) for tallies in categories.values())
    of_one = two_sided(1 - tail / 2 / n_shares)
    shares = [_mean_share(tallies, of_one) for tallies in categories.values()]
    by_chance = _matching(shares, 2 * agreeing.n)
    value = _alpha(observed.value, by_chance)
    if value is None:
        return None
    most, least = (
        _most_by_chance([high for _, _, high in shares]),
        _least_by_chance([low for _, low, _ in shares]),
    )
    low, high = outward(_bound(observed.low, most), _bound(observed.high, least))
    return Estimate(
        value=nearest(value),
        n=observed.n,
        n_units=observed.n_units,
        n_effective=observed.n_effective,
        stderr=None,
        low=low,
        high=high,
        worst=_alpha(observed.worst, by_chance),
        best=_alpha(observed.best, by_chance),
        confidence=confidence,
        method=METHOD,
    )


def _mean_share(tallies: Sequence[Tally], confidence: float) -> tuple[float, float, float]:
    """Return the share of a category over the ratings of a pair, with its bounds: the means of those of each."""
    found = [estimate for tally in tallies if (estimate := estimate_share_anytime(tally, confidence))]
    values, lows, highs = zip(
        *((e.value, e.low or 0.0, 1.0 if e.high is None else e.high) for e in found), strict=True
    )
    return sum(values) / len(values), sum(lows) / len(lows), sum(highs) / len(highs)


def _matching(shares: Sequence[tuple[float, float, float]], n_ratings: int) -> float:
    """Return how often two ratings drawn without putting the first back are the same."""
    counts = [value * n_ratings for value, _, _ in shares]
    return sum(count * (count - 1) for count in counts) / (n_ratings * (n_ratings - 1))


def _most_by_chance(highs: Sequence[float]) -> float:
    """Return the largest sum of squares of shares that sum to 1, none above its bound: the largest filled first."""
    left, total = 1.0, 0.0
    for high in sorted(highs, reverse=True):
        share = min(left, high)
        total, left = total + share * share, left - share
    return min(1.0, total)


def _least_by_chance(lows: Sequence[float]) -> float:
    """Return the smallest sum of squares of shares that sum to 1, the largest of which is at least its bound."""
    largest, n = max(lows), len(lows)
    return 1 / n if largest <= 1 / n else largest**2 + (1 - largest) ** 2 / (n - 1)


def _alpha(agreeing: float | None, by_chance: float) -> float | None:
    if agreeing is None or by_chance >= 1:
        return None
    return min(1.0, max(_LOWEST, (agreeing - by_chance) / (1 - by_chance)))


def _bound(agreeing: float, by_chance: float) -> float:
    """Return alpha at a bound; the lowest there is where chance may explain everything."""
    found = _alpha(agreeing, by_chance)
    return _LOWEST if found is None else found
