"""How a number is written where people read it: in decimals, `0.00008` and `123,400`, with a power of ten only beyond.

Pages and drawings write what was measured by this one rule, in every language alike, and a list that is saved as CSV
has what its page says. What a machine reads (API, binders, other files) has every number in full.
"""

from __future__ import annotations

import math
from typing import Final

DECIMALS: Final = 6  # at most; what they would leave fewer than two figures is written with a power of ten
WHOLE: Final = 7  # digits before the point, at most; what has more likewise
_MOST: Final = 17  # digits that tell any number from the next
_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def in_figures(value: float, digits: int = 4, *, beside: float | None = None) -> str:
    """Return a number as people read it.

    Args:
        digits: so many that are not zero at the front, as far as `DECIMALS` go. All before the point are written.
        beside: a threshold that it is read against. As many more digits are written as show on which side of it the
            number stands: 0.949996 is not written as 0.95 where 0.95 is asked for.
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}".removeprefix("-" if value == 0 else "")
    power = math.floor(math.log10(abs(value)))
    decimals = max(0, digits - 1 - power)
    if power < 1 - DECIMALS or power >= WHOLE:
        return _with_a_power(value, digits, beside)
    text = f"{value:,.{min(DECIMALS, decimals)}f}"
    while beside is not None and decimals < _MOST and _crosses(value, text, beside):
        decimals += 1
        text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def in_percent(share: float) -> str:
    """Return a share as people read it: 0.975 is 97.5%, and not 98%."""
    return f"{in_figures(100 * share)}%"


def _with_a_power(value: float, digits: int, beside: float | None) -> str:
    text = f"{value:.{digits - 1}e}"
    while beside is not None and digits < _MOST and _crosses(value, text, beside):
        digits += 1
        text = f"{value:.{digits - 1}e}"
    mantissa, _, exponent = text.partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def _crosses(value: float, text: str, beside: float) -> bool:
    """Whether what is written stands on another side of a threshold than the value: above, on, or below it."""
    written = float(text.replace(",", ""))
    return (written > beside, written < beside) != (value > beside, value < beside)
