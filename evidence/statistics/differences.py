"""Differences between two runs: what each test and interval is, and where it comes from.

All are of improvements, so that above 0 is better, and all bounds hold at `alpha` on one side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidence.statistics.intervals import two_sided
from evidence.statistics.shares import clopper_pearson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

POWER = 0.8  # at which an effect counts as detectable
FLIPS = 9_999  # random ones, where there are too many units to take each combination of signs
_ALL_COMBINATIONS = 13  # units, up to which each is taken: 2^13 of them
_MOST_DRAWN = 20_000_000  # values, over all shuffles: a second
_SEED = 20_261_126  # the same flips each time: a replay gives the same p-value
_WRONG_MORE = 1.5  # units that differ by all there is, counted as seen once more: see `mean_difference`


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean improvement with bounds, a test of "no difference", and what it could have shown."""

    value: float
    low: float | None  # None where nothing can be said
    high: float | None
    p_value: float | None  # two-sided
    detectable: float | None  # smallest difference that would be shown: see `POWER`
    method: str
    test: str


def paired_shares(better: int, worse: int, n: int, alpha: float) -> Difference:
    """Return the difference of two shares over the same n independent items.

    The test is McNemar's, exact: among items that differ, each way is as likely. Its mid-p version is not used: given
    how many items differ it is wrong in up to 6.3 % where 5 % is promised (of five items). The bounds are Tango's score
    bounds with a continuity correction of one half: without it, "not inferior" is wrongly shown in up to 5.8 % instead
    of 5 % (exactly, n of 30 to 400).

    Args:
        better: items right in the candidate only.
        worse: items right in the baseline only.

    Sources: Q. McNemar, Psychometrika 12 (1947), 153-157. T. Tango, "Equivalence test and confidence interval for the
    difference in proportions for the paired-sample design", Statistics in Medicine 17 (1998), 891-908.
    """
    from scipy.special import bdtr  # noqa: PLC0415  # heavy: imported when first needed

    if min(better, worse) < 0 or better + worse > n or n < 1:
        raise ValueError(f"{better} better and {worse} worse of {n} items cannot be")
    differing = better + worse
    p_value = min(1.0, 2 * float(bdtr(min(better, worse), differing, 0.5))) if differing else 1.0
    low, high = _tango_low(better, worse, n, alpha), -_tango_low(worse, better, n, alpha)
    detectable = _detectable(math.sqrt(differing + 1) / n, alpha, 1.0)
    return Difference((better - worse) / n, low, high, p_value, detectable, "tango", "mcnemar_exact")


def unpaired_shares(candidate: tuple[int, int], baseline: tuple[int, int], alpha: float) -> Difference:
    """Return the difference of two shares, each (successes, n), over items that have nothing to do with each other.

    Bounds: the exact ones of each share, put together by squares (R. G. Newcombe, "Interval estimation for the
    difference between independent proportions", Statistics in Medicine 17 (1998), 873-890, method 10 with
    Clopper-Pearson in the place of Wilson). Test: Fisher's, exact.
    """
    from scipy.stats import fisher_exact  # noqa: PLC0415  # heavy: imported when first needed

    (k, n), (m, of) = candidate, baseline
    ours, theirs = (clopper_pearson(*share, two_sided(1 - alpha)) for share in (candidate, baseline))
    value = k / n - m / of
    low = value - math.hypot(k / n - ours[0], theirs[1] - m / of)
    high = value + math.hypot(ours[1] - k / n, m / of - theirs[0])
    pooled = (k + m + 1) / (n + of + 2)
    detectable = _detectable(math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / of)), alpha, 1.0)
    p_value = float(fisher_exact([[k, n - k], [m, of - m]]).pvalue)
    return Difference(
        value, max(-1.0, low), min(1.0, high), p_value, detectable, "newcombe_exact", "fisher_exact"
    )


def mean_difference(improvements: Floats, clusters: Ints, alpha: float, span: float | None) -> Difference:
    """Return the mean of improvements by item, which may depend on each other within clusters.

    Bounds: cluster-robust t, for each of which one and a half clusters more count that differ by all there is, against
    it: otherwise 50 items that happen not to differ would be proof that none does. Without a limit there are none: one
    item that nobody has seen yet may differ by anything (on latencies a t-interval misses 6 to 14 %, not 5).

    Test: random exchange of baseline and candidate, cluster by cluster (R. A. Fisher, "The design of experiments",
    1935, section 21): exact where it takes each combination.

    Args:
        improvements: shape (item).
        clusters: numbers from 0, shape (item).
        span: the largest improvement there can be; None where there is no limit.
    """
    value, stderr = _mean_and_error(improvements, clusters)
    if len(set(clusters.tolist())) < 2:
        return Difference(value, None, None, None, None, "cluster_t", "sign_flips")
    p_value, detectable = _p_by_flips(improvements, clusters), _detectable(stderr, alpha, span)
    if span is None:
        return Difference(value, None, None, p_value, detectable, "cluster_t", "sign_flips")
    low, high = _limits(improvements, clusters, alpha, -span, span)
    return Difference(value, max(-span, low), min(span, high), p_value, detectable, "cluster_t", "sign_flips")


def unpaired_means(
    candidate: tuple[Floats, Ints], baseline: tuple[Floats, Ints], alpha: float, span: float | None
) -> Difference:
    """Return the difference of two means over unrelated items, each (values, clusters); higher values are better.

    Bounds: those of each mean, as in `mean_difference`, put together by squares as in `unpaired_shares`; none where
    there is no limit. (Welch's bound is too high in 8.6 % instead of 5 % with 20 and 100 values of a beta(9, 1)
    distribution.) Test: clusters shuffled between the runs, of Welch's statistic of their means, which holds where the
    runs vary alike, and for many units also where not (A. Janssen, Statistics & Probability Letters 36 (1997), 9-21).
    """
    (ours, our_error), (theirs, their_error) = (_mean_and_error(*side) for side in (candidate, baseline))
    value, stderr = ours - theirs, math.hypot(our_error, their_error)
    if min(len(set(clusters.tolist())) for _, clusters in (candidate, baseline)) < 2:
        return Difference(value, None, None, None, None, "newcombe_t", "shuffles")
    p_value, detectable = _p_by_shuffles(candidate, baseline, value), _detectable(stderr, alpha, span)
    if span is None:
        return Difference(value, None, None, p_value, detectable, "newcombe_t", "shuffles")
    (our_low, our_high), (their_low, their_high) = (
        _limits(values, clusters, alpha, float(values.max()) - span, float(values.min()) + span)
        for values, clusters in (candidate, baseline)
    )
    low = value - math.hypot(ours - our_low, their_high - theirs)
    high = value + math.hypot(our_high - ours, theirs - their_low)
    return Difference(value, max(-span, low), min(span, high), p_value, detectable, "newcombe_t", "shuffles")


def _tango_low(better: int, worse: int, n: int, alpha: float) -> float:
    """Return the lower bound of (better - worse) / n."""
    from scipy.special import ndtri  # noqa: PLC0415  # heavy: imported when first needed

    goal = -float(ndtri(alpha))

    def surplus(difference: float) -> float:
        a, b, c = (
            2 * n,
            (2 * n - better + worse) * difference - better - worse,
            -worse * difference * (1 - difference),
        )
        only_worse = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (
            2 * a
        )  # most likely, given the difference
        variance = n * (2 * only_worse + difference * (1 - difference))
        distance = better - worse - n * difference - 0.5
        return distance / math.sqrt(variance) - goal if variance > 0 else math.copysign(math.inf, distance)

    return _last_rejected(surplus, -1.0, (better - worse) / n)


def _last_rejected(surplus: Callable[[float], float], low: float, high: float) -> float:
    """Return, by bisection, where a falling function leaves the positive; `low` where it is nowhere positive."""
    for _ in range(60):
        middle = (low + high) / 2
        if surplus(middle) > 0:
            low = middle
        else:
            high = middle
    return low


def _mean_and_error(
    values: Floats, clusters: Ints, further: float = 0.0, times: float = 0.0
) -> tuple[float, float]:
    """Return the mean over items and its cluster-robust standard error, with `times` clusters of `further` more.

    Such a cluster has as many items as one has on average.
    """
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    units = len(set(clusters.tolist()))
    each = values.size / units
    n = values.size + times * each
    mean = (float(values.sum()) + times * each * further) / n
    by_cluster = np.bincount(clusters, values - mean)
    squares = float(by_cluster @ by_cluster) + times * (each * (further - mean)) ** 2
    return mean, math.sqrt(squares * units / max(1, units - 1)) / n


def _limits(
    values: Floats, clusters: Ints, alpha: float, lowest: float, highest: float
) -> tuple[float, float]:
    """Return the bounds of a mean of values that are never outside `lowest` and `highest`."""
    from scipy.special import stdtrit  # noqa: PLC0415  # heavy: imported when first needed

    quantile = -float(stdtrit(len(set(clusters.tolist())) - 1, alpha))
    low, low_error = _mean_and_error(values, clusters, lowest, _WRONG_MORE)
    high, high_error = _mean_and_error(values, clusters, highest, _WRONG_MORE)
    return low - quantile * low_error, high + quantile * high_error


def _p_by_flips(improvements: Floats, clusters: Ints) -> float:
    """Return how often a mean as far from 0 comes of exchanging baseline and candidate in random clusters."""
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    sums = np.bincount(clusters, improvements)
    sums = sums[sums != 0]
    if sums.size == 0:
        return 1.0
    reached = abs(float(sums.sum())) * (1 - 1e-12)  # equal sums in another order are ties
    if sums.size <= _ALL_COMBINATIONS:
        signs = 1 - 2 * ((np.arange(2**sums.size)[:, None] >> np.arange(sums.size)) & 1)
        return float(np.mean(np.abs(signs @ sums) >= reached))
    rng, extreme = np.random.default_rng(_SEED), 1
    for _ in range(9):
        signs = 2 * rng.integers(0, 2, (FLIPS // 9, sums.size), dtype=np.int8) - 1
        extreme += int(np.count_nonzero(np.abs(signs @ sums) >= reached))
    return extreme / (FLIPS + 1)


def _p_by_shuffles(candidate: tuple[Floats, Ints], baseline: tuple[Floats, Ints], value: float) -> float:
    """Return how often Welch's statistic comes out as large when clusters are shuffled between two runs.

    Args:
        value: the difference of the means over items. Where that over clusters, which is tested, has the other sign,
            the test says nothing of it: 1.
    """
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    ours, theirs = (np.bincount(c, v) / np.bincount(c) for v, c in (candidate, baseline))
    if value * (ours.mean() - theirs.mean()) <= 0:
        return 1.0
    pooled = np.append(ours, theirs)[None, :]
    reached = _welch(pooled, ours.size)[0] * (1 - 1e-12)
    rng, extreme = np.random.default_rng(_SEED), 1
    draws = max(1, min(FLIPS, _MOST_DRAWN // pooled.size) // 9)
    for _ in range(9):
        extreme += int(
            np.count_nonzero(_welch(rng.permuted(np.repeat(pooled, draws, 0), axis=1), ours.size) >= reached)
        )
    return extreme / (9 * draws + 1)


def _welch(rows: Floats, first: int) -> Floats:
    """Return, for each row, how many errors apart the means of its first values and of the others are."""
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    ours, theirs = rows[:, :first], rows[:, first:]
    apart = np.abs(ours.mean(axis=1) - theirs.mean(axis=1))
    error = np.sqrt(ours.var(axis=1, ddof=1) / ours.shape[1] + theirs.var(axis=1, ddof=1) / theirs.shape[1])
    apart_in_errors: Floats = np.divide(apart, error, out=np.where(apart > 0, np.inf, 0.0), where=error > 0)
    return apart_in_errors


def _detectable(stderr: float, alpha: float, span: float | None) -> float | None:
    """Return the difference that a two-sided test at alpha shows with chance `POWER`, by the normal approximation.

    None where the largest difference there can be is not shown so often.
    """
    from scipy.special import ndtri  # noqa: PLC0415  # heavy: imported when first needed

    detectable = float(ndtri(1 - alpha / 2) + ndtri(POWER)) * stderr
    return detectable if 0 < detectable <= (math.inf if span is None else span) else None
