"""How a number is written where people read it: in decimals, `0.00008` and `123,400`, with a power of ten only beyond.

Pages and drawings write what was measured by this one rule, in every language alike. What a machine reads (API, CSV,
binders) has every number in full.
"""

from __future__ import annotations

import math
from typing import Final

DECIMALS: Final = 6  # at most; what is nothing to so many is written with a power of ten
WHOLE: Final = 7  # digits before the point, at most; what has more likewise
_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def in_figures(value: float, digits: int = 4) -> str:
    """Return a number as people read it.

    Args:
        digits: so many that are not zero at the front, as far as `DECIMALS` go. All before the point are written.
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}".removeprefix("-" if value == 0 else "")
    power = math.floor(math.log10(abs(value)))
    if power < -DECIMALS or power >= WHOLE:
        mantissa, _, exponent = f"{value:.{min(digits, 2) - 1}e}".partition("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    text = f"{value:,.{min(DECIMALS, max(0, digits - 1 - power))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
