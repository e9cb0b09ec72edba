"""What number somebody meant who wrote something else: `95%`, `"0.95"`, `1_000`, `90d`, `90.0`, `quarterly`."""

from __future__ import annotations

import re
from typing import Final

# Days between two reviews, or of an age, as people say it.
_DAYS: Final = {
    "daily": 1, "weekly": 7, "fortnightly": 14, "monthly": 30, "quarterly": 90, "quarter": 90, "half-yearly": 180,
    "semiannually": 180, "yearly": 365, "annually": 365, "annual": 365, "biennially": 730,
    "每天": 1, "每日": 1, "每周": 7, "每月": 30, "每季度": 90, "季度": 90, "每半年": 180, "半年": 180,
    "每年": 365, "年度": 365,
}  # fmt: skip
_UNIT_OF_DAYS: Final = {
    "": 1, "d": 1, "day": 1, "days": 1, "天": 1, "日": 1, "w": 7, "week": 7, "weeks": 7, "周": 7, "m": 30, "month": 30,
    "months": 30, "个月": 30, "月": 30, "y": 365, "year": 365, "years": 365, "年": 365,
}  # fmt: skip
_WITH_UNIT: Final = re.compile(r"([0-9][0-9_, ]*)\s*([^\W\d_]*)")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_LONGEST: Final = 40  # characters of what could be a number


def whole_number_meant(value: object, *, least: int, most: int) -> int | None:
    """Return the whole number within bounds that a value most likely stands for; None where it is none's."""
    found: int | None = None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        found = int(value)
    elif isinstance(value, str) and len(value) <= _LONGEST:
        found = _from_words(value.strip().lower())
    return found if found is not None and least <= found <= most else None


def _from_words(text: str) -> int | None:
    if text in _DAYS:
        return _DAYS[text]
    match = _WITH_UNIT.fullmatch(text)
    if match is None or match[2] not in _UNIT_OF_DAYS:
        return None
    digits = re.sub("[_, ]", "", match[1])
    return int(digits) * _UNIT_OF_DAYS[match[2]]


def number_meant(value: object, unit: str | None) -> str | None:
    """Return, as it is to be written, the number that a value most likely stands for; None where it is none's.

    Args:
        unit: of the threshold; a percentage is a share's hundredfold.
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    text = value.strip().replace("_", "").replace("％", "%").replace(" ", "")
    percent = text.endswith("%")
    text = text.removesuffix("%")
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text.replace(",", "."))
    if percent and unit in (None, "share"):
        number /= 100
    return f"{number:.15g}" if abs(number) < 1e15 else None
