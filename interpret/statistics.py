"""Intervals and tests over prompts or sequences, with numpy alone.

Sources: B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), section 12.5 (bootstrap-t);
B. Phipson and G. K. Smyth, "Permutation P-values Should Never Be Zero", SAGMB 9 (2010), equation 2; Y. Benjamini and
Y. Hochberg, "Controlling the False Discovery Rate", JRSS B 57 (1995), section 3.
"""

from __future__ import annotations

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
    first: ArrayLike, second: ArrayLike, *, seed: int, unit: str, confidence: float = CONFIDENCE
) -> Estimate:
    """Return mean(first) - mean(second) of two independent groups, percentile bootstrap within each group.

    Raises:
        ProbeError: a group has fewer than two values.
    """
    a, b = _finite(first), _finite(second)
    if min(a.size, b.size) < 2:
        raise ProbeError(f"groups of {a.size} and {b.size} {unit}: each needs at least two")
    rng = np.random.default_rng(seed)
    draws = a[rng.integers(0, a.size, (RESAMPLES, a.size))].mean(axis=1)
    draws = draws - b[rng.integers(0, b.size, (RESAMPLES, b.size))].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = (float(x) for x in np.quantile(draws, [tail, 1 - tail]))
    return Estimate(
        value=float(a.mean() - b.mean()),
        low=low,
        high=high,
        n=int(a.size + b.size),
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


def shuffled_differences(first: ArrayLike, second: ArrayLike, *, seed: int, permutations: int) -> Floats:
    """Return mean(first) - mean(second) under `permutations` random relabellings. Shape (permutation,)."""
    a, b = _finite(first), _finite(second)
    pooled = np.concatenate([a, b])
    rng = np.random.default_rng(seed)
    means: Floats = np.empty(permutations)
    for index in range(permutations):  # one at a time: all at once are permutations x n numbers
        shuffled = rng.permutation(pooled)
        means[index] = shuffled[: a.size].mean() - shuffled[a.size :].mean()
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
