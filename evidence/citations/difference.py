"""What differs between a quote and the passage most like it, word by word, for a reader to see at a glance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Final

from evidence.citations.normalise import normalise

MAX_WORDS: Final = (
    1_000  # of either text: longer ones are shown as replaced whole, comparing them takes seconds
)
_WORD: Final = re.compile(r"[\u3400-\u9fff]|\d[\d.,]*\d|[^\W\u3400-\u9fff]+|[^\w\s]")


class Side(Enum):
    """Which of the two texts has the words of a run."""

    BOTH = "both"
    QUOTE = "quote"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True)
class Run:
    """Words that stand together; `text` is `quote[start:end]`, or of the passage where only that has them."""

    side: Side
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Word:
    key: str  # what it is compared by: `5,000` is `5000`
    start: int
    end: int


def diff_words(quote: str, passage: str) -> tuple[Run, ...]:
    """Return both texts as runs, in reading order; words are the same as the checker takes them for the same.

    What only the quote has stands before what only the passage has in its place.
    """
    ours, theirs = list(_words(quote)), list(_words(passage))
    if max(len(ours), len(theirs)) > MAX_WORDS:
        return (Run(Side.QUOTE, 0, len(quote), quote), Run(Side.PASSAGE, 0, len(passage), passage))
    matcher = SequenceMatcher(
        None, [word.key for word in ours], [word.key for word in theirs], autojunk=False
    )
    runs: list[Run] = []
    for tag, left, right, first, last in matcher.get_opcodes():
        if tag == "equal":
            runs.append(_run(Side.BOTH, quote, ours[left:right]))
            continue
        if left < right:
            runs.append(_run(Side.QUOTE, quote, ours[left:right]))
        if first < last:
            runs.append(_run(Side.PASSAGE, passage, theirs[first:last]))
    return tuple(runs)


def _words(text: str) -> Iterator[_Word]:
    """Yield words and numbers; a Chinese character is a word, and signs without a meaning of their own are none."""
    for match in _WORD.finditer(text):
        key = normalise(match.group()).text.strip()
        if key:
            yield _Word(key, *match.span())


def _run(side: Side, text: str, words: list[_Word]) -> Run:
    start, end = words[0].start, words[-1].end
    return Run(side, start, end, text[start:end])
