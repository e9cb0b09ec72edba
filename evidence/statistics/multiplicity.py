"""P-values of several questions asked at once."""

from __future__ import annotations

from collections.abc import Sequence


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values such that taking those up to alpha errs in any of them with a chance of at most alpha.

    Holds however they depend on each other. Source: S. Holm, "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 6 (1979), 65-70.

    Raises:
        ValueError: a p-value is outside [0, 1].
    """
    _check(p_values)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, k in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[k]))
        adjusted[k] = largest
    return adjusted


def adjust_benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return q-values: of those up to q, a share of at most q is wrong on average, where they do not oppose each other.

    Source: Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995), 289-300.

    Raises:
        ValueError: a p-value is outside [0, 1].
    """
    from scipy.stats import false_discovery_control  # noqa: PLC0415  # heavy: imported when first needed

    _check(p_values)
    return [float(q) for q in false_discovery_control(p_values)] if p_values else []


def _check(p_values: Sequence[float]) -> None:
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError("a p-value lies outside [0, 1]")
