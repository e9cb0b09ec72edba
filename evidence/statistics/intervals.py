"""Estimates with intervals: what a verdict may rest on.

Every function names its formula and source. `confidence` is that of a two-sided interval: 0.95 leaves 2.5 % on
either side. Who judges by one bound alone says how sure that bound is to be, its `bound_confidence`, and asks for the
interval of `two_sided(bound_confidence)`: 0.95 on one side is the interval at 0.90.

Which one is used where:

* a share of things that did or did not hold (claims, traces, samples scored 0 or 1): `wilson`;
* a mean of scores that cannot leave [0, 1]: `wilson` on their sum, which is conservative (see there);
* a mean of anything else: `mean_t`;
* a share whose coverage must be guaranteed, never approximate: `clopper_pearson`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95  # two-sided, in (0, 1)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the interval around it. `low` and `high` are None where n does not allow one."""

    value: float
    n: int  # observations, not counting unscored and errors
    stderr: float | None  # standard error of `value`, in its unit
    low: float | None
    high: float | None
    confidence: float  # two-sided, in (0, 1)
    method: str  # "wilson" | "clopper_pearson" | "mean_t"


def wilson(successes: float, n: int, confidence: float = CONFIDENCE) -> Estimate:
    """Return the Wilson score interval of a share.

    `successes` may be fractional: the sum of n scores that each lie in [0, 1]. A variable on [0, 1] with mean
    m has a variance of at most m(1 - m) (Bhatia and Davis, 2000), which is the variance Wilson assumes, so
    the interval is then wider than it need be, never narrower; and unlike a t-interval it does not collapse
    when all scores are equal.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
    (1927), 209-212.

    Raises:
        ValueError: n is below 1, or successes outside [0, n], or confidence outside (0, 1).
    """
    _check_share(successes, n, confidence)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At 0 and n the bound is 0 or 1 exactly; floating point would leave a residue of 1e-17.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Estimate(p, n, math.sqrt(p * (1 - p) / n), low, high, confidence, "wilson")


def clopper_pearson(successes: int, n: int, confidence: float = CONFIDENCE) -> Estimate:
    """Return the exact (conservative) interval of a share: quantiles of two beta distributions.

    Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case
    of the binomial", Biometrika 26 (1934), 404-413.

    Raises:
        ValueError: n is below 1, or successes outside [0, n], or confidence outside (0, 1).
    """
    _check_share(successes, n, confidence)
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else beta_quantile(tail, successes, n - successes + 1)
    high = 1.0 if successes == n else beta_quantile(1 - tail, successes + 1, n - successes)
    p = successes / n
    return Estimate(p, n, math.sqrt(p * (1 - p) / n), low, high, confidence, "clopper_pearson")


def mean_t(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean and its t-interval; one value alone has no interval.

    Source: Student (W. S. Gosset), "The probable error of a mean", Biometrika 6 (1908), 1-25.

    Raises:
        ValueError: no values, a value that is not finite, or confidence outside (0, 1).
    """
    n = len(values)
    if n < 1:
        raise ValueError("a mean needs at least one value")
    if not all(math.isfinite(value) for value in values):
        raise ValueError("a mean needs finite values")
    _check_confidence(confidence)
    mean = math.fsum(values) / n
    if n == 1:
        return Estimate(mean, 1, None, None, None, confidence, "mean_t")
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    return mean_t_from_moments(mean, deviation, n, confidence)


def mean_t_from_moments(mean: float, deviation: float, n: int, confidence: float = CONFIDENCE) -> Estimate:
    """Return the t-interval of a mean from what a database aggregates.

    Args:
        deviation: the sample standard deviation (divisor n - 1), in the unit of the mean.
        n: observations, at least 2.

    Raises:
        ValueError: n is below 2, or confidence outside (0, 1).
    """
    _check_confidence(confidence)
    if n < 2:
        raise ValueError("a t-interval needs at least two values")
    stderr = deviation / math.sqrt(n)
    half = t_quantile(0.5 + confidence / 2, n - 1) * stderr
    return Estimate(mean, n, stderr, mean - half, mean + half, confidence, "mean_t")


def two_sided(bound_confidence: float) -> float:
    """Return the confidence of the two-sided interval whose bounds each hold at `bound_confidence`.

    0.95 on one side leaves 5 % there, so 10 % in all: 0.90.
    """
    return 2 * bound_confidence - 1


def smallest_n_at_least(threshold: float, confidence: float = CONFIDENCE) -> int | None:
    """Return how many successes without one failure put Wilson's lower bound at `threshold`, or None if no n does.

    With all n successful the bound is n / (n + z^2), so n = z^2 t / (1 - t).
    """
    if threshold >= 1:
        return None
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    n = max(1, math.ceil(z * z * threshold / (1 - threshold) - 1e-9))
    return n if (wilson(n, n, confidence).low or 0) >= threshold else n + 1


def beta_quantile(p: float, a: float, b: float) -> float:
    """Return x with I_x(a, b) = p: the inverse of the regularised incomplete beta function, by bisection."""
    return _bisect(lambda x: incomplete_beta(x, a, b), p, 0.0, 1.0)


def t_quantile(p: float, degrees: int) -> float:
    """Return the p-quantile of Student's t with `degrees` of freedom (at least 1), p in (0, 1)."""
    if p == 0.5:
        return 0.0
    if p < 0.5:
        return -t_quantile(1 - p, degrees)
    # DLMF 8.17 with x = v / (v + t^2): P(T > t) = I_x(v / 2, 1 / 2) / 2.
    x = beta_quantile(2 * (1 - p), degrees / 2, 0.5)
    return math.sqrt(degrees * (1 - x) / x)


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Return I_x(a, b), the regularised incomplete beta function, for x in [0, 1] and a, b > 0.

    Source: NIST Digital Library of Mathematical Functions, 8.17.22 (continued fraction) and 8.17.4
    (symmetry); the fraction is evaluated by Lentz's method as modified by Thompson and Barnett, J. Comput.
    Phys. 64 (1986), 490-509.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) * _beta_fraction(x, a, b) / a


def _beta_fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300  # stands in for zero, so that no denominator is
    c, d = 1.0, 1.0 / (_away_from_zero(1 - (a + b) * x / (a + 1), tiny))
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1 + term * d, tiny)
            c = _away_from_zero(1 + term / c, tiny)
            step = c * d
            value *= step
        if abs(step - 1) < 1e-15:
            return value
    raise ArithmeticError(f"the incomplete beta function did not converge at x={x}, a={a}, b={b}")


def _away_from_zero(value: float, tiny: float) -> float:
    return tiny if abs(value) < tiny else value


def _bisect(function: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Return where a rising function reaches `target`, to the last bit a float can tell apart."""
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if function(middle) < target:
            low = middle
        else:
            high = middle


def _check_share(successes: float, n: int, confidence: float) -> None:
    if n < 1:
        raise ValueError("a share of nothing has no value")
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is not a share")
    _check_confidence(confidence)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
