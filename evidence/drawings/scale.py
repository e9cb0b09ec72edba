"""From measured values to places along a line, for any finite numbers."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evidence.drawings.svg import DrawingError


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high`, laid from `start` to `end` in user units."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Return where a value lies. All values the same lie in the middle."""
        whole = self.high / 2 - self.low / 2  # halved, so that no difference of finite numbers overflows
        share = 0.5 if whole <= 0 else (value / 2 - self.low / 2) / whole
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return about five round values within the scale, in order."""
        step = _round_step(self.high / 4 - self.low / 4)
        if step <= 0:
            return sorted({self.low, self.high})
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        found = sorted({min(self.high, max(self.low, number * step)) for number in range(first, last + 1)})
        return found or sorted({self.low, self.high})


def scale_over(
    values: Iterable[float], *, start: float, end: float, least: Sequence[float] = (), air: float = 0.0
) -> Scale:
    """Return a scale that holds all these values, and those of `least`: (0, 1) for a share.

    Args:
        air: share of the whole that is left free at both ends, where `least` does not say where they are.

    Raises:
        DrawingError: there is no value, or one that is not finite.
    """
    held = [*values, *least]
    if not held:
        raise DrawingError("there is nothing to draw")
    if not all(math.isfinite(value) for value in held):
        raise DrawingError("a value that is not finite has no place in a drawing")
    low, high = min(held), max(held)
    free = 0.0 if least else 2 * air * (high / 2 - low / 2)
    return Scale(max(low - free, -sys.float_info.max), min(high + free, sys.float_info.max), start, end)


def _round_step(rough: float) -> float:
    """Return the nearest of 1, 2, 5 times a power of ten below, or 0 where numbers are too small for one."""
    if rough <= 0:
        return 0.0
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next((power * factor for factor in (5, 2, 1) if 0 < power * factor <= rough), power)
