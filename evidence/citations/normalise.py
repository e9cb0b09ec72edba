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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
class _Folded:
    """Characters on the way to comparable form; each stands for `[starts[i], ends[i])` of the original."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def only(self, places: Sequence[int]) -> _Folded:
        """Return the characters at some places, in their order."""
        return _Folded(
            "".join([self.text[i] for i in places]),
            [self.starts[i] for i in places],
            [self.ends[i] for i in places],
        )


def normalise(text: str) -> NormalisedText:
    """Return the comparable form of `text` with its map back; never raises, whatever the text holds."""
    folded = _fold(text)
    folded = _rewrite(folded, _PERCENT_WORDS, "%")
    folded = _join_thousands(folded)
    folded = _read_chinese_numerals(folded)
    folded = _rewrite(folded, _ZERO_CENTS, "")
    folded = _collapse_separators(folded)
    return NormalisedText(folded.text, array("L", folded.starts), array("L", folded.ends))


def measure(text: str) -> int:
    """Return how many characters `normalise` has to deal with at most, without doing it: one may become eighteen."""
    if text.isascii():
        return len(text)
    return sum(n * len(_folded(char)) for char, n in Counter(text).items())


def is_cjk(char: str) -> bool:
    """Return whether `char` is a Han or kana character, which are written without spaces between words."""
    return not char.isascii() and _CJK.match(char) is not None


def _fold(text: str) -> _Folded:
    """Return NFKC, case-folded characters; a base and its combining marks are folded together.

    No more than `_LONGEST_CLUSTER` at once: bringing marks into their order takes time that grows with the square of
    their number, and no writing has as many (UAX #15, stream-safe text, allows 30).
    """
    if text.isascii():
        return _Folded(text.lower(), range(len(text)), range(1, len(text) + 1))
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    start, length = 0, len(text)
    while start < length:
        end, longest = start + 1, min(length, start + _LONGEST_CLUSTER)
        while end < longest and unicodedata.combining(text[end]):
            end += 1
        cluster = _fold_cluster(text[start:end])
        chars.append(cluster)
        starts += [start] * len(cluster)
        ends += [end] * len(cluster)
        start = end
    return _Folded("".join(chars), starts, ends)


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


def _rewrite(folded: _Folded, pattern: re.Pattern[str], replacement: str) -> _Folded:
    """Replace what `pattern` matches; each new character stands for the whole match."""
    return _replace_matches(folded, pattern, lambda _: replacement)


def _join_thousands(folded: _Folded) -> _Folded:
    text = folded.text
    dropped = {
        place
        for match in _THOUSANDS.finditer(text)
        for place in range(*match.span())
        if not text[place].isdigit()
    }
    return folded.only([place for place in range(len(text)) if place not in dropped]) if dropped else folded


def _read_chinese_numerals(folded: _Folded) -> _Folded:
    return _replace_matches(folded, numerals.NUMERAL, lambda match: numerals.read_numeral(match.group()))


def _replace_matches(
    folded: _Folded, pattern: re.Pattern[str], rewrite: Callable[[re.Match[str]], str | None]
) -> _Folded:
    """Replace each match by what `rewrite` answers; None leaves the match as it is."""
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for match in pattern.finditer(folded.text):
        new = rewrite(match)
        if new is None:
            continue
        start, end = match.span()
        chars += (folded.text[position:start], new)
        starts += [*folded.starts[position:start], *[folded.starts[start]] * len(new)]
        ends += [*folded.ends[position:start], *[folded.ends[end - 1]] * len(new)]
        position = end
    if not position:
        return folded
    left = slice(position, None)
    return _Folded(
        "".join([*chars, folded.text[left]]), [*starts, *folded.starts[left]], [*ends, *folded.ends[left]]
    )


def _collapse_separators(folded: _Folded) -> _Folded:
    text = folded.text
    chars: list[str] = []
    places: list[int] = []
    gap = -1  # where the run of separators since the last kept character begins
    for place, char in enumerate(text):
        if not (char.isalnum() or _is_kept(text, place)):
            gap = place if gap < 0 else gap
            continue
        if gap >= 0 and chars and not (_binds(chars[-1]) or _binds(char)):
            chars.append(_SPACE)
            places.append(gap)
        gap = -1
        chars.append(char)
        places.append(place)
    return replace(folded.only(places), text="".join(chars))


def _binds(char: str) -> bool:
    """Return whether spaces beside `char` mean nothing: Chinese characters and symbols but the minus."""
    return is_cjk(char) or not (char.isalnum() or char == "-")


def _is_kept(text: str, place: int) -> bool:
    """Return whether a character that is no letter and no digit means something where it stands."""
    char = text[place]
    if char in _KEPT_PUNCTUATION:
        return True
    before, after = text[place - 1 : place] or _SPACE, text[place + 1 : place + 2] or _SPACE
    if char == ".":
        return before.isdigit() and after.isdigit()
    if char == "-":  # a minus sign, not a hyphen or a range
        return after.isdigit() and not before.isalnum()
    return char not in _MEANINGLESS_SYMBOLS and unicodedata.category(char)[0] in "SM"
