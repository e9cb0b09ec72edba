"""One comparable form for a quote and a document, with a map back to the original code points.

Two texts that differ only in case, width, spacing, punctuation or the writing of numbers get the same form:

- NFKC (full-width letters and digits, ligatures, circled numbers) and case folding; format characters vanish;
- punctuation and white space become one space, and none beside a Chinese character or a kept symbol;
- symbols that carry meaning stay: currency, `% ‰ & @ # § + < > =`, and a minus sign right before a digit;
- numbers: thousands separators go (`1,000`), `.00` goes, other scripts' digits and Chinese numerals become
  ASCII digits (`五万` and `5万` are 50000), `per cent`, `percent` and `百分之` become `%`.

Words are never changed otherwise: no stemming, no synonyms, no number words in English.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from evidence.citations import numerals

_KEPT_PUNCTUATION: Final = frozenset("%‰&@#§")
_CJK: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff\U00020000-\U0003134f]")
_THOUSANDS: Final = re.compile(r"(?<![\d.])\d{1,3}(?:[,'’]\d{3})+(?!\d)")
_ZERO_CENTS: Final = re.compile(r"(?<=\d)\.00(?![\d.])")
_PERCENT_WORDS: Final = re.compile(r"(?<=\d)\s{0,2}per\s?cent\b")
_GROUPING_SPACES: Final = frozenset({"\N{THIN SPACE}", "\N{NARROW NO-BREAK SPACE}"})
_MEANINGLESS_SYMBOLS: Final = frozenset("⁄|`^~¨´")  # of category S, but used as punctuation
_MINUS_SIGNS: Final = str.maketrans("−–", "--")
_SPACE: Final = " "
_LONGEST_CLUSTER: Final = 31  # characters: a base and 30 marks


@dataclass(frozen=True, slots=True)
class NormalisedText:
    """A text in comparable form.

    `starts[i]` and `ends[i]` are the half-open range of original code points that `text[i]` came from.
    """

    text: str
    starts: array[int]
    ends: array[int]

    def original_range(self, start: int, end: int) -> tuple[int, int]:
        """Return the original half-open range behind `text[start:end]`; `start < end` must hold."""
        return self.starts[start], max(self.ends[start:end])


@dataclass(frozen=True, slots=True)
class _Unit:
    """One output character and the original code points it stands for."""

    char: str
    start: int
    end: int


def normalise(text: str) -> NormalisedText:
    """Return the comparable form of `text` with its map back; never raises, whatever the text holds."""
    units = list(_fold(text))
    units = _rewrite(units, _PERCENT_WORDS, "%")
    units = _join_thousands(units)
    units = _read_chinese_numerals(units)
    units = _rewrite(units, _ZERO_CENTS, "")
    units = _collapse_separators(units)
    return NormalisedText(
        text="".join(unit.char for unit in units),
        starts=array("L", (unit.start for unit in units)),
        ends=array("L", (unit.end for unit in units)),
    )


def measure(text: str) -> int:
    """Return how many characters `normalise` has to deal with at most, without doing it: one may become eighteen."""
    if text.isascii():
        return len(text)
    return sum(n * len(_folded(char)) for char, n in Counter(text).items())


def is_cjk(char: str) -> bool:
    """Return whether `char` is a Han or kana character, which are written without spaces between words."""
    return _CJK.match(char) is not None


def _fold(text: str) -> Iterator[_Unit]:
    """Yield NFKC, case-folded characters; a base and its combining marks are folded together.

    No more than `_LONGEST_CLUSTER` at once: bringing marks into their order takes time that grows with the square of
    their number, and no writing has as many (UAX #15, stream-safe text, allows 30).
    """
    start, length = 0, len(text)
    while start < length:
        end, longest = start + 1, min(length, start + _LONGEST_CLUSTER)
        while end < longest and unicodedata.combining(text[end]):
            end += 1
        for char in _fold_cluster(text[start:end]):
            yield _Unit(char, start, end)
        start = end


def _fold_cluster(cluster: str) -> str:
    if cluster.isascii():
        return cluster.lower()
    if cluster in _GROUPING_SPACES:
        return "'"  # groups thousands as `'` does, and separates words as any punctuation does
    folded = _folded(cluster)
    if "\N{FRACTION SLASH}" in folded:
        folded = f" {folded}"  # 5½ is "5 1 2", never 51/2
    return "".join(_as_ascii_digit(char) for char in folded if unicodedata.category(char) != "Cf")


def _folded(cluster: str) -> str:
    return unicodedata.normalize("NFKC", cluster).casefold().translate(_MINUS_SIGNS)


def _as_ascii_digit(char: str) -> str:
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


def _text_of(units: Sequence[_Unit]) -> str:
    return "".join(unit.char for unit in units)


def _rewrite(units: list[_Unit], pattern: re.Pattern[str], replacement: str) -> list[_Unit]:
    """Replace what `pattern` matches; each new character stands for the whole match."""
    return _replace_matches(units, pattern, lambda _: replacement)


def _join_thousands(units: list[_Unit]) -> list[_Unit]:
    dropped: set[int] = set()
    for match in _THOUSANDS.finditer(_text_of(units)):
        dropped.update(i for i in range(*match.span()) if not units[i].char.isdigit())
    return [unit for i, unit in enumerate(units) if i not in dropped]


def _read_chinese_numerals(units: list[_Unit]) -> list[_Unit]:
    return _replace_matches(units, numerals.NUMERAL, lambda match: numerals.read_numeral(match.group()))


def _replace_matches(
    units: list[_Unit], pattern: re.Pattern[str], rewrite: Callable[[re.Match[str]], str | None]
) -> list[_Unit]:
    """Replace each match by what `rewrite` answers; None leaves the match as it is."""
    result: list[_Unit] = []
    position = 0
    for match in pattern.finditer(_text_of(units)):
        new = rewrite(match)
        if new is None:
            continue
        start, end = match.span()
        result += units[position:start]
        result += [_Unit(char, units[start].start, units[end - 1].end) for char in new]
        position = end
    return result + units[position:]


def _collapse_separators(units: list[_Unit]) -> list[_Unit]:
    result: list[_Unit] = []
    gap: _Unit | None = None  # the separator run since the last kept character
    for i, unit in enumerate(units):
        if not _is_kept(units, i):
            gap = gap or unit
            continue
        if gap is not None and result and not (_binds(result[-1].char) or _binds(unit.char)):
            result.append(_Unit(_SPACE, gap.start, gap.end))
        gap = None
        result.append(unit)
    return result


def _binds(char: str) -> bool:
    """Return whether spaces beside `char` mean nothing: Chinese characters and symbols but the minus."""
    return is_cjk(char) or not (char.isalnum() or char == "-")


def _is_kept(units: Sequence[_Unit], i: int) -> bool:
    char = units[i].char
    if char.isalnum() or char in _KEPT_PUNCTUATION:
        return True
    before = units[i - 1].char if i else _SPACE
    after = units[i + 1].char if i + 1 < len(units) else _SPACE
    if char == ".":
        return before.isdigit() and after.isdigit()
    if char == "-":  # a minus sign, not a hyphen or a range
        return after.isdigit() and not before.isalnum()
    return char not in _MEANINGLESS_SYMBOLS and unicodedata.category(char)[0] in "SM"
