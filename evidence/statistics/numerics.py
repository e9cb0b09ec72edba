"""scipy's special functions, imported when the first number is computed and not before.

Importing scipy takes a web process longer than everything else it imports, and most of them never judge anything. So no
module here imports it: whoever needs it asks `special`.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from importlib import import_module
from typing import Any, Final

SIGNIFICANT: Final = (
    10  # digits of every number that a verdict rests on; what follows differs between machines
)

_NEAREST: Final = Context(prec=SIGNIFICANT, rounding=ROUND_HALF_EVEN)
_DOWN: Final = Context(prec=SIGNIFICANT, rounding=ROUND_FLOOR)
_UP: Final = Context(prec=SIGNIFICANT, rounding=ROUND_CEILING)


@cache
def special() -> Any:
    """Return `scipy.special`. The first call imports it."""
    return import_module("scipy.special")


def t_quantile(p: float, degrees: float) -> float:
    """Return the p-quantile of Student's t, p in (0, 1)."""
    return float(special().stdtrit(degrees, p))


def at_least(k: int, n: int, p: float) -> float:
    """Return the probability of k or more successes in n trials that each succeed with probability p."""
    if k <= 0:
        return 1.0
    return 0.0 if k > n else float(special().betainc(k, n - k + 1, p))


def nearest(value: float) -> float:
    """Return a value as verdicts and digests hold it: to `SIGNIFICANT` digits."""
    return _rounded(value, _NEAREST)


def nearest_of(difference: float, largest: float) -> float:
    """Return a difference to the last digit that numbers as large as `largest` have of `SIGNIFICANT`."""
    if not largest or not math.isfinite(difference):
        return difference
    return nearest(round(difference, SIGNIFICANT - 1 - math.floor(math.log10(largest)))) + 0.0


def outward(low: float, high: float) -> tuple[float, float]:
    """Return two bounds to `SIGNIFICANT` digits, rounded away from each other: no pass and no fail comes of it."""
    return _rounded(low, _DOWN), _rounded(high, _UP)


def _rounded(value: float, context: Context) -> float:
    if not math.isfinite(value):
        return value
    shortest = _NEAREST.create_decimal(Decimal(value))
    # A number that is one of few digits but for floating point's residue is that number, whichever way it is rounded.
    if math.isclose(float(shortest), value, rel_tol=4e-16, abs_tol=0.0):
        return float(shortest)
    rounded = float(context.create_decimal(Decimal(value)))
    return (
        rounded if math.isfinite(rounded) else value
    )  # the largest floats have none of fewer digits above them
