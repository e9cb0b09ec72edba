"""Intervals and tests over prompts or sequences, with numpy alone.

Sources: B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), section 12.5 (bootstrap-t);
B. Phipson and G. K. Smyth, "Permutation P-values Should Never Be Zero", SAGMB 9 (2010), equation 2; Y. Benjamini and
Y. Hochberg, "Controlling the False Discovery Rate", JRSS B 57 (1995), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interpret.contracts import Estimate
from interpret.errors import ProbeError

Floats = NDArray[np.float64]

RESAMPLES = 2000
CONFIDENCE = 0.95  # two-sided, in (0, 1), as in `evidence.statistics`, which probes cannot import
ENDS = (0.025, 0.975)  # quantiles between which CONFIDENCE lies
LEAST_SPREAD = (
    0.25  # of a resample, by that of the sample: one of nearly equal values would blow the interval up
)


def estimate_mean(
    values: ArrayLike,
    *,
    seed: int,
    unit: str,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Return the mean of `values` with a studentised bootstrap interval over them; no narrower than the percentile one.

    Args:
        values: one number an independent unit; at least two.
        unit: what is resampled, in words ("prompts"); goes into the method.

    Raises:
        ProbeError: fewer than two values, or one that is not finite.
    """
    data = _finite(values)
    if data.size < 2:
        raise ProbeError(f"{data.size} {unit}: an interval needs at least two")
    rng = np.random.default_rng(seed)
    drawn = data[rng.integers(0, data.size, size=(resamples, data.size))]  # (resample, unit)
    value, means = float(data.mean()), drawn.mean(axis=1)
    ends = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    low, high = np.quantile(means, ends)
    if spread := data.std(ddof=1):
        spreads_apart = (means - value) / np.maximum(drawn.std(axis=1, ddof=1), LEAST_SPREAD * spread)
        far, near = np.quantile(spreads_apart, ends[::-1]) * spread
        low, high = min(low, value - far), max(high, value - near)
    return Estimate(
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        n=int(data.size),
        confidence=confidence,
        method=f"bootstrap-t over {unit}, {resamples} resamples",
    )


def estimate_difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    seed: int,
    unit: str,
    confidence: float = CONFIDENCE,
    pairs: Sequence[tuple[int, int]] = (),
) -> Estimate:
    """Return mean(first) - mean(second) of two groups, percentile bootstrap within each group.

    Args:
        pairs: where units stand in the first group that are in the second too, and where there: they are drawn
            together. Without them the groups are independent.

    Raises:
        ProbeError: a group has fewer than two values.
    """
    a, b = _finite(first), _finite(second)
    if min(a.size, b.size) < 2:
        raise ProbeError(f"groups of {a.size} and {b.size} {unit}: each needs at least two")
    rng = np.random.default_rng(seed)
    if pairs:
        draws = _drawn_in_pairs(a, b, pairs, rng)
    else:
        draws = a[rng.integers(0, a.size, (RESAMPLES, a.size))].mean(axis=1)
        draws = draws - b[rng.integers(0, b.size, (RESAMPLES, b.size))].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = (float(x) for x in np.quantile(draws, [tail, 1 - tail]))
    return Estimate(
        value=float(a.mean() - b.mean()),
        low=low,
        high=high,
        n=int(a.size + b.size - len(pairs)),
        confidence=confidence,
        method=f"bootstrap-percentile over {unit} within groups, {RESAMPLES} resamples",
    )


def p_from_permutations(observed: float, permuted: ArrayLike) -> float:
    """Return the one-sided p-value (1 + #{permuted >= observed}) / (1 + B): it is never zero."""
    null = _finite(permuted)
    tolerance = 1e-12 * max(1.0, abs(observed))  # equal sums in another order are ties
    return float((1 + np.count_nonzero(null >= observed - tolerance)) / (1 + null.size))


def p_from_sign_flips(differences: ArrayLike, *, seed: int, permutations: int) -> float:
    """Return the one-sided p-value of the mean of paired differences whose two sides might as well be exchanged."""
    data, rng = _finite(differences), np.random.default_rng(seed)
    flipped = np.empty(permutations)
    for index in range(permutations):  # one at a time: all at once are permutations x n numbers
        flipped[index] = (data * rng.choice((-1.0, 1.0), data.size)).mean()
    return p_from_permutations(float(data.mean()), flipped)


def shuffled_differences(
    first: ArrayLike,
    second: ArrayLike,
    *,
    seed: int,
    permutations: int,
    pairs: Sequence[tuple[int, int]] = (),
) -> Floats:
    """Return mean(first) - mean(second) under `permutations` random relabellings. Shape (permutation,).

    Args:
        pairs: as of `estimate_difference`; the two labels of such a unit are exchanged or not.
    """
    a, b = _finite(first), _finite(second)
    in_a, in_b = _columns(pairs)
    alone, together = np.concatenate([np.delete(a, in_a), np.delete(b, in_b)]), np.stack([a[in_a], b[in_b]])
    n_alone = a.size - in_a.size
    rng = np.random.default_rng(seed)
    means: Floats = np.empty(permutations)
    for index in range(permutations):  # one at a time: all at once are permutations x n numbers
        shuffled = rng.permutation(alone)
        one, other = shuffled[:n_alone], shuffled[n_alone:]
        if in_a.size:
            exchanged = rng.permuted(together, axis=0)
            one, other = np.concatenate([one, exchanged[0]]), np.concatenate([other, exchanged[1]])
        means[index] = one.mean() - other.mean()
    return means


def adjust_benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Return the q-values of a family of p-values, in the order given. Shape as given, flattened.

    Raises:
        ProbeError: a p-value is outside [0, 1].
    """
    p = _finite(p_values)
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise ProbeError("a p-value lies outside [0, 1]")
    order = np.argsort(p)
    ranked = p[order] * p.size / np.arange(1, p.size + 1)
    q: Floats = np.empty_like(p)
    q[order] = np.minimum.accumulate(ranked[::-1])[::-1].clip(max=1.0)
    return q


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Return Spearman's rank correlation, in [-1, 1]; 0 where one side is constant."""
    a, b = _average_ranks(_finite(first)), _average_ranks(_finite(second))
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _drawn_in_pairs(
    a: Floats, b: Floats, pairs: Sequence[tuple[int, int]], rng: np.random.Generator
) -> Floats:
    """Return differences of means of resamples, in which paired units stay together. Shape (resample,)."""
    in_a, in_b = _columns(pairs)
    drawn = rng.integers(0, in_a.size, (RESAMPLES, in_a.size))
    sums = []
    for values, paired in ((a, in_a), (b, in_b)):
        alone = np.delete(values, paired)
        total = values[paired][drawn].sum(axis=1)
        if alone.size:
            total += alone[rng.integers(0, alone.size, (RESAMPLES, alone.size))].sum(axis=1)
        sums.append(total / values.size)
    difference: Floats = sums[0] - sums[1]
    return difference


def _columns(pairs: Sequence[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _average_ranks(data: Floats) -> Floats:
    _, inverse, counts = np.unique(data, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2)[inverse]
    return ranks


def _finite(values: ArrayLike) -> Floats:
    data = np.asarray(values, dtype=np.float64).reshape(-1)
    if not np.isfinite(data).all():
        raise ProbeError("a value is not finite")
    return data
