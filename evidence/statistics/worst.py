"""The worst of several shares or means: what the worst slice of a dimension comes to, however many slices there are.

"Each slice reaches the threshold" is shown where the bound of each does, each at the whole of alpha: to be wrong, the
slice that is truly worst has to be shown wrongly, and that is one slice. So no number of slices is paid for (R. L.
Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982), 295-300, theorem 1: the
intersection-union test). "Some slice misses the threshold" may be shown wrongly by any of them: there each bound is at
its part of alpha (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from evidence.statistics.intervals import CONFIDENCE, Estimate, two_sided

# What one slice comes to, with a two-sided interval at a confidence; None where nothing of it was observed.
EstimateAt = Callable[[float], Estimate | None]


@dataclass(frozen=True, slots=True)
class WorstSlice:
    """What the worst of several slices comes to."""

    name: str  # the slice that keeps a pass away the most: unobserved, or with the worst unfavourable bound
    estimate: Estimate | None  # None where nothing was observed at all


def estimate_worst(
    slices: Mapping[str, EstimateAt], confidence: float = CONFIDENCE, *, higher_is_better: bool = True
) -> WorstSlice:
    """Return the worst value over slices.

    A slice of which nothing was observed leaves no bound on the unfavourable side: nobody knows how bad it is.

    Args:
        confidence: two-sided; each bound of the worst value alone misses with a chance of (1 - confidence) / 2.

    Raises:
        ValueError: no slices.
    """
    if not slices:
        raise ValueError("the worst of no slices has no value")
    if not higher_is_better:
        found = estimate_worst(
            {name: partial(_turned_at, estimate_at) for name, estimate_at in slices.items()}, confidence
        )
        return WorstSlice(found.name, _turned(found.estimate))
    seen = {name: estimate_at(confidence) for name, estimate_at in sorted(slices.items())}
    known = {name: each for name, each in seen.items() if each is not None}
    unseen = next((name for name in seen if name not in known), None)
    if not known:
        return WorstSlice(str(unseen), None)
    at_part_of_alpha = two_sided(1 - (1 - confidence) / 2 / len(slices))
    highs = [each.high for name in known if (each := slices[name](at_part_of_alpha)) is not None]
    deciding = unseen or min(known, key=lambda name: _or_lowest(known[name].low))
    combined = replace(
        known.get(deciding) or next(iter(known.values())),
        value=min(each.value for each in known.values()),
        n=sum(each.n for each in known.values()),
        n_units=sum(each.n_units for each in known.values()),
        low=None if unseen else _least(each.low for each in known.values()),
        high=min((high for high in highs if high is not None), default=None),
        worst=None if unseen else _least(each.worst for each in known.values()),
        best=_least(each.best for each in known.values()),
        doubt=next((each.doubt for each in known.values() if each.doubt), ""),
    )
    return WorstSlice(deciding, combined)


def _turned_at(estimate_at: EstimateAt, confidence: float) -> Estimate | None:
    return _turned(estimate_at(confidence))


def _turned(estimate: Estimate | None) -> Estimate | None:
    """Return an estimate of the values times -1."""
    if estimate is None:
        return None
    low, high, worst, best = (
        None if each is None else -each
        for each in (estimate.high, estimate.low, estimate.best, estimate.worst)
    )
    return replace(estimate, value=-estimate.value, low=low, high=high, worst=worst, best=best)


def _or_lowest(bound: float | None) -> float:
    return -math.inf if bound is None else bound


def _least(values: Iterable[float | None]) -> float | None:
    """Return the smallest of these; None where one of them has no limit."""
    found = list(values)
    return None if None in found else min(each for each in found if each is not None)
