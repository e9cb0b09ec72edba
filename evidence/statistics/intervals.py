"""Estimates with intervals: what a verdict may rest on.

`confidence` is that of a two-sided interval: 0.95 leaves 2.5 % on either side. Who judges by one bound alone says how
sure that bound is to be, its `bound_confidence`, and asks for the interval of `two_sided(bound_confidence)`: 0.95 on
one side is the interval at 0.90.

Which one is used where:

* a share, or a mean of scores that cannot leave [0, 1]: `shares.estimate_share`;
* a percentile of anything, latency and cost above all: `percentiles.estimate_percentile`;
* a mean of anything else: `means.estimate_mean`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from evidence.statistics.units import Tally

BOUND_CONFIDENCE: Final = 0.95  # of one bound, in (0.5, 1)
CONFIDENCE: Final = 0.90  # two-sided, in (0, 1): each bound holds at `BOUND_CONFIDENCE`


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the interval around it. `low` and `high` are None where the observations allow none."""

    value: float  # over what was observed
    n: int  # observations with a value
    n_units: int  # independent units that they, and what is missing, belong to
    n_effective: float  # independent observations that would say as much; at most n and what is missing
    stderr: float | None  # standard error of `value`, in its unit
    low: float | None  # were everything missing as low as it can be
    high: float | None  # were everything missing as high as it can be
    worst: float | None  # the value, were everything missing as low as it can be; None: without limit
    best: float | None  # the value, were everything missing as high as it can be; None: without limit
    confidence: float  # two-sided, in (0, 1)
    method: str  # one of `methods.METHODS`
    doubt: str = ""  # why the interval promises less than its confidence; a pass by it is none
    units: Tally | None = None  # of a share, where a unit is several observations: what the interval is of

    def numbers(self) -> dict[str, object]:
        """Return what it says by name, as JSON: without the units, which it is of."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "units"}


def two_sided(bound_confidence: float) -> float:
    """Return the confidence of the two-sided interval whose bounds each hold at `bound_confidence`.

    0.95 on one side leaves 5 % there, so 10 % in all: 0.90. Rounded, for the same number however it is come by.
    """
    return round(2 * bound_confidence - 1, 12)


def check_confidence(confidence: float) -> None:
    """See that a confidence is one. Raises `ValueError` where it lies outside (0, 1)."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
