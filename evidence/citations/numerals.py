"""Chinese numerals as numbers: `五万`, `1.5万`, `二〇二四`, `百分之三点五` and their formal (`伍萬`) forms.

Positional values and colloquial endings (`三万五` is 35,000) follow GB/T 15835-2011, section 4.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_DIGITS: Final = {
    **{char: value for value, char in enumerate("零一二三四五六七八九")},
    **{char: value for value, char in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    "两": 2,
    "兩": 2,
    "貳": 2,
    "參": 3,
    "陸": 6,
}
_SMALL_UNITS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000}
_LARGE_UNITS: Final = {"万": 10_000, "萬": 10_000, "亿": 100_000_000, "億": 100_000_000}
_HAN: Final = "".join([*_DIGITS, *_SMALL_UNITS, *_LARGE_UNITS])
_UNITS: Final = "".join([*_SMALL_UNITS, *_LARGE_UNITS])

NUMERAL: Final = re.compile(
    rf"百分之\d+(?:\.\d+)?(?![\d{_UNITS}])"
    rf"|(?:百分之)?(?:(?:(?<!\d)\d++(?:\.\d++)?[{_UNITS}]+)+|[{_HAN}]+(?:点[{''.join(_DIGITS)}]+)?)"
)
"""A run of Chinese numeral characters, or of ASCII digits with a Chinese unit behind."""

_LONGEST_NUMERAL: Final = 32  # characters: a longer run is a list or a code, not a number


def read_numeral(text: str) -> str | None:
    """Return a numeral matched by `NUMERAL` in ASCII digits (with `%` for `百分之`), None if it is no number.

    A run that only looks like a numeral (`万一`, `千万别`) is no number, and neither is one of over 32 characters.
    """
    if len(text) > _LONGEST_NUMERAL:
        return None
    percent = text.startswith("百分之")
    body = text.removeprefix("百分之")
    value = _read_mixed(body) if body[0].isascii() else _read_han(body)
    if value is None:
        return None
    return f"{value}%" if percent else value


def _read_mixed(text: str) -> str:
    """Read ASCII digits, each group with its units: `1.5万`, `3千万`, `3万5千`."""
    total = Decimal(0)
    for number, units in re.findall(rf"([\d.]+)([{_UNITS}]*)", text):
        value = Decimal(number)
        for unit in units:
            value *= _SMALL_UNITS.get(unit) or _LARGE_UNITS[unit]
        total += value
    return _plain(total)


def _read_han(text: str) -> str | None:
    whole, _, fraction = text.partition("点")
    value = _read_positional(whole) if not set(whole) & set(_UNITS) else _read_with_units(whole)
    if value is None or not fraction:
        return value
    return f"{value}.{''.join(str(_DIGITS[char]) for char in fraction)}"


def _read_positional(text: str) -> str | None:
    """Read digits without units, leading zeros kept: `二〇二四`."""
    return "".join(str(_DIGITS[char]) for char in text) or None


def _read_with_units(text: str) -> str | None:
    total, section, digit, last_unit = 0, 0, -1, 0
    for position, char in enumerate(text):
        if char in _DIGITS:
            if digit > 0:  # two digits side by side inside a number with units
                return None
            digit = _DIGITS[char]
            last_unit = 0 if digit == 0 else last_unit
        elif char in _SMALL_UNITS:
            unit = _SMALL_UNITS[char]
            if digit < 0 and not (unit == 10 and (position == 0 or section == 0)):
                return None
            section += (1 if digit < 0 else digit) * unit
            digit, last_unit = -1, unit
        else:
            section += max(digit, 0)
            if total + section == 0:
                return None
            unit = _LARGE_UNITS[char]
            # 亿 closes everything before it (一万亿), 万 only its own section.
            total, section = ((total + section) * unit, 0) if unit > 10_000 else (total + section * unit, 0)
            digit, last_unit = -1, unit
    if digit > 0:
        section += digit * (last_unit // 10 if last_unit >= 100 else 1)
    return str(total + section)


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
