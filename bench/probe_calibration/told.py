"""What one finding of one run says, and whether it is so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """What one finding says.

    Attributes:
        true: whether what it claims is so, by construction.
        p_value: before the correction; None: it has none.
        random_sets: how many were ablated beside it; 0 where nothing is ablated.
    """

    statistic: str
    status: str
    rung: str
    true: bool
    p_value: float | None
    random_sets: int
    value: float
    low: float
    high: float
