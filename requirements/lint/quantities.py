"""Numbers in statements, in both languages, brought to one form so that they can be compared."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, NamedTuple

from requirements.lint.chinese.reading import simplify
from requirements.lint.contracts import Span
from requirements.lint.languages import is_chinese


class Kind(Enum):
    """What a number is of."""

    SHARE = "share"  # in [0, 1]
    TIME = "time"  # in seconds
    COUNT = "count"  # of whatever the word after it says


class Quantity(NamedTuple):
    """A number in a text."""

    kind: Kind
    value: float
    said: str  # as the text has it
    span: Span
    is_one: bool = False  # "a day", 每天: it may match, and is not missed

    def same_as(self, other: Quantity) -> bool:
        """Whether both say the same amount; a month of 30 days and a twelfth of a year are."""
        if self.kind is not other.kind:
            return False
        return abs(self.value - other.value) <= 0.02 * max(abs(self.value), abs(other.value))


_SECONDS: Final = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds", "毫秒"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒", "秒钟"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "分钟", "分"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "小时", "个小时", "钟头"), 3600.0),
    **dict.fromkeys(("day", "days", "天", "日", "个工作日", "工作日", "个自然日", "自然日"), 86400.0),
    **dict.fromkeys(("week", "weeks", "周", "星期", "个星期"), 7 * 86400.0),
    **dict.fromkeys(("month", "months", "个月", "月"), 30 * 86400.0),
    **dict.fromkeys(("quarter", "quarters", "季度", "个季度"), 91 * 86400.0),
    **dict.fromkeys(("year", "years", "年"), 365 * 86400.0),
}
_ONES: Final = dict(
    zip(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ],
        range(20),
        strict=True,
    )
)
_TENS: Final = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        range(20, 100, 10),
        strict=True,
    )
)
_EN_WORD: Final = "|".join([*_TENS, *_ONES, "hundred", "thousand", "million"])
_EN_NUMBER: Final = re.compile(
    r"(?<![\w.\-/])(?P<digits>\d{1,3}(?:,\d{3})++(?:\.\d++)?|\d++(?:\.\d++)?)(?:\s*(?P<scale>million|"
    r"thousand|billion|k|K|M)\b)?"
    rf"|\b(?P<words>(?:{_EN_WORD})(?:[ -](?:{_EN_WORD}))*)\b|\b(?P<article>an?|one)(?=\s+(?:second|"
    r"minute|hour|day|week|month|quarter|year)\b)"
    r"|\b(?P<half>half)\b",
    re.IGNORECASE,
)
_EN_UNIT: Final = re.compile(
    r"[\s-]*(?:(?:business|working|calendar|full|consecutive)\s+)?(%|percent\b|per cent\b|percentage points?\b|"
    r"milliseconds?\b|ms\b|seconds?\b|secs?\b|s\b|minutes?\b|mins?\b|hours?\b|hrs?\b|h\b|days?\b|"
    r"weeks?\b|months?\b|quarters?\b|years?\b)?",
    re.IGNORECASE,
)
_ZH_NUMERAL: Final = "零〇一二两三四五六七八九十百千万亿"
_ZH_NUMBER: Final = re.compile(
    r"百分之(?P<percent>["
    + _ZH_NUMERAL
    + r"点]+|\d+(?:\.\d+)?)|(?P<tenths>[一二三四五六七八九])成(?!功|为|立|员|本|果|分|绩|交)"
    r"|(?<![A-Za-z0-9.\-])(?P<digits>\d{1,3}(?:,\d{3})++(?:\.\d++)?|\d++(?:\.\d++)?)(?P<scale>[万亿千百]*)"
    r"|(?P<half>半数|一半)|(?P<numeral>[" + _ZH_NUMERAL + r"]+)"
)
_ZH_UNIT: Final = re.compile(
    r"\s*(%|％|个百分点|毫秒|秒钟|秒|分钟|分(?!之|析|别|配|类|级|支|行|部|机|页|组|享|期)|个小时|"
    r"小时|钟头|个工作日|工作日|个自然日|自然日|天|日|个星期|星期|周|个月|月(?!\d)|个季度|季度|年|"
    r"s\b|ms\b|h\b)?"
)
_ZH_NO_NUMBERS: Final = re.compile(
    r"统一|一致|一般|一律|唯一|第[一二三四五六七八九十百]+|一旦|一定|一段|一并|同一|一些|一种|一流|"
    r"单一|十分(?!之|钟)|一切|一次性|一方|一经|逐一|之一|每一|任一|一个|一条|一名|一份|"
    r"一位|一项|一家|两者|双方|三方|二者|一体|一直|一样|一时|一步|四舍五入|百科|万能|一线|七日年化"
)
_ZH_DIGITS: Final = {mark: value for value, mark in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_ZH_SCALES: Final = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_EN_SCALES: Final = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "billion": 1e9}
_MOST: Final = 200  # numbers of one statement that are compared


def quantities_in(text: str, language: str) -> list[Quantity]:
    """Return the numbers of a statement in English or Chinese, in order. Linear in its length."""
    return _chinese(text) if is_chinese(language) else _english(text)


def _english(text: str) -> list[Quantity]:
    found = []
    for match in _EN_NUMBER.finditer(text):
        value = _english_value(match)
        if value is None:
            continue
        unit = _EN_UNIT.match(text, match.end())
        named = (unit[1] or "").lower() if unit else ""
        end = unit.end() if unit and named else match.end()
        if match["half"]:
            found.append(Quantity(Kind.SHARE, 0.5, match[0], Span(match.start(), match.end())))
        else:
            found.append(_made(value, named, text, Span(match.start(), end), is_word=match["digits"] is None))
        if len(found) == _MOST:
            break
    return found


def _english_value(match: re.Match[str]) -> float | None:
    if match["half"]:
        return 0.5
    if match["article"]:
        return 1.0
    if match["digits"]:
        return float(match["digits"].replace(",", "")) * _EN_SCALES.get((match["scale"] or "").lower(), 1)
    total, group = 0.0, 0.0
    for word in match["words"].lower().replace("-", " ").split():
        if word in _ONES:
            group += _ONES[word]
        elif word in _TENS:
            group += _TENS[word]
        elif word == "hundred":
            group = (group or 1) * 100
        else:
            total += (group or 1) * _EN_SCALES[word]
            group = 0
    return total + group


def _chinese(text: str) -> list[Quantity]:
    told = simplify(text)
    told = _ZH_NO_NUMBERS.sub(lambda match: "\x00" * len(match[0]), told)
    found = []
    for match in _ZH_NUMBER.finditer(told):
        unit = _ZH_UNIT.match(told, match.end())
        named = (unit[1] or "") if unit else ""
        span = Span(match.start(), unit.end() if unit and named else match.end())
        if match["percent"]:
            percent = match["percent"]
            value = float(percent) if percent[0].isdigit() else _numeral(percent)
            found.append(Quantity(Kind.SHARE, value / 100, match[0], span))
        elif match["tenths"]:
            found.append(Quantity(Kind.SHARE, _numeral(match["tenths"]) / 10, match[0], span))
        elif match["half"]:
            found.append(Quantity(Kind.SHARE, 0.5, match[0], span))
        elif match["digits"]:
            value = float(match["digits"].replace(",", ""))
            for mark in match["scale"] or "":
                value *= _ZH_SCALES[mark]
            found.append(_made(value, named, text, span, is_word=False))
        else:
            found.append(_made(_numeral(match["numeral"]), named, text, span, is_word=True))
        if len(found) == _MOST:
            break
    return found


def _numeral(said: str) -> float:
    """Return the value of a Chinese numeral: 一百二十, 三万, 九十九点五. Linear in its length."""
    whole, _, fraction = said.partition("点")
    total, section, digit = 0.0, 0.0, 0.0
    for mark in whole:
        if mark in _ZH_DIGITS:
            digit = _ZH_DIGITS[mark]
        elif mark in "万亿":
            total = (total + section + digit or 1) * _ZH_SCALES[mark]
            section = digit = 0
        else:
            section += (digit or 1) * _ZH_SCALES[mark]
            digit = 0
    value = total + section + digit
    for place, mark in enumerate(fraction[:12], 1):
        value += _ZH_DIGITS.get(mark, 0) / 10**place
    return value


def _made(value: float, unit: str, text: str, span: Span, *, is_word: bool) -> Quantity:
    said = text[span.start : span.end]
    if unit in ("%", "％", "percent", "per cent") or unit.startswith("percentage") or unit == "个百分点":
        return Quantity(Kind.SHARE, value / 100, said, span)
    if unit in _SECONDS:
        return Quantity(Kind.TIME, value * _SECONDS[unit], said, span, is_one=is_word and value == 1)
    return Quantity(Kind.COUNT, value, said, span, is_one=value <= 1 or (is_word and value == 2))
