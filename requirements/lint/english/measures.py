"""Whether an English clause says how much: numbers with units, frequencies, and definitions it refers to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from requirements.lint.english.reading import Sentence
from requirements.lint.english.words import (
    DETERMINERS,
    FREQUENT,
    NUMBER_WORDS,
    REFERENCES,
    TIME_UNITS,
    word_set,
)

_CLOCK = re.compile(r"\d\d?:\d\d(?::\d\d)?")
_EVERY = frozenset({"every", "each", "per", "a", "an", "the", "this", "same", "one", "next"})
_PERCENT = frozenset({"%", "percent", "percentage", "‰", "percentile"})
_DEFINED = word_set(
    """
    defined specified described listed stated named laid set given prescribed fixed approved contained published
    """
)
_TO_REFER = word_set(
    """
    by in under per with to of from against on according accordance following as for level rule
    """
)
# Without one of these, or a digit, nothing is measured.
_MEASURING = FREQUENT | TIME_UNITS | NUMBER_WORDS | _PERCENT | _DEFINED | REFERENCES


@dataclass(frozen=True, slots=True)
class Measures:
    """What a stretch of a sentence says in numbers or by reference."""

    time: bool  # a duration, a clock time or a frequency
    amount: bool  # a share, a count or another number that is not a duration
    definition: bool  # by rules P-1 to P-4; as defined in section 3

    @property
    def any(self) -> bool:
        """Whether it says any of them."""
        return self.time or self.amount or self.definition


def measures_in(sentence: Sentence, begin: int, end: int) -> Measures:
    """Return what the tokens from `begin` to before `end` say."""
    lows = sentence.lows
    time = amount = definition = False
    for index in range(begin, end):
        low = lows[index]
        if not _may_measure(low):
            continue
        if (low in FREQUENT and not (index and lows[index - 1] in DETERMINERS)) or (
            low in TIME_UNITS and index and _is_every(lows, index)
        ):
            time = True
        elif sentence.tokens[index].is_number or low in NUMBER_WORDS:
            if _counts_time(lows, index) or _CLOCK.fullmatch(low):
                time = True
            elif not _is_label(lows, index):
                amount = True
        elif low in _PERCENT:
            amount = True
        elif _refers(sentence, index):
            definition = True
    return Measures(time, amount, definition)


@lru_cache(maxsize=8_192)  # the same few words stand in most statements, and most do not
def _may_measure(low: str) -> bool:
    return low in _MEASURING or any(mark.isdigit() for mark in low)


def _is_every(lows: Sequence[str], index: int) -> bool:
    before = lows[index - 1]
    if before in ("every", "each", "per"):
        return True
    return before in ("calendar", "business", "working") and index > 1 and lows[index - 2] in _EVERY


def _counts_time(lows: Sequence[str], index: int) -> bool:
    following = lows[index + 1 : index + 4]
    for word in following:
        if word in TIME_UNITS:
            return True
        if word in _PERCENT or word not in ("-", "to", "or", "and", "further", "full", "calendar"):
            return False
    return False


def _is_label(lows: Sequence[str], index: int) -> bool:
    """Whether the number is the name of something: step 3, version 7, 2 level."""
    return bool(index) and lows[index - 1] in REFERENCES


def _refers(sentence: Sentence, index: int) -> bool:
    """Whether a reference to a definition stands here: "rules P-1", "as defined in", "WCAG 2.2", "ISO 4217"."""
    lows = sentence.lows
    low = lows[index]
    token = sentence.tokens[index]
    if low in _DEFINED:
        refers = any(
            word in ("in", "by", "out", "down", "under", "on") for word in lows[index + 1 : index + 3]
        )
        # "as defined in ...", "set out in section 4"; not "given in a timely manner"
        return refers and (
            lows[index - 1] == "as" or any(word in REFERENCES for word in lows[index + 2 : index + 7])
        )
    if token.is_identifier:
        return bool(index) and (lows[index - 1] in REFERENCES or lows[index - 1] in _TO_REFER)
    if low in REFERENCES and index + 1 < len(lows):
        following = sentence.tokens[index + 1]
        return not following.quoted and (
            following.is_number
            or following.is_identifier
            or (following.text.isupper() and len(following.text) <= 3 and following.text[0].isalpha())
        )
    return False
