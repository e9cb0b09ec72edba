"""What differs between a quote and the passage most like it, word by word, for a reader to see at a glance."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from evidence.citations.normalise import normalise
from evidence.vocabulary import ChoiceEnum

# Of either text, between what both begin and end with: longer middles are shown as replaced whole. A page may compare
# many, each at some hundredths of a second.
MAX_WORDS: Final = 500
_WORD: Final = re.compile(r"[\u3400-\u9fff]|\d[\d.,]*\d|[^\W\u3400-\u9fff]+|[^\w\s]")


class Side(ChoiceEnum):
    """Which of the two texts has the words of a run."""

    BOTH = "both"
    QUOTE = "quote"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True)
class Run:
    """Words that stand together; `text` is `quote[start:end]`, or of the passage where only that has them.

    `lead` are the signs and spaces before it, in its own text.
    """

    side: Side
    start: int
    end: int
    text: str
    lead: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word, a number or a sign at `[start, end)` of its text."""

    key: str  # what it is compared by: `5,000` is `5000`
    start: int
    end: int


def diff_words(quote: str, passage: str, *, exact: bool = False) -> tuple[Run, ...]:
    """Return both texts as runs, in reading order; words are the same as the checker takes them for the same.

    What only the quote has stands before what only the passage has in its place. Of long texts what they begin and end
    with in common is found first; where what is between is long, too, it stands whole, once as it is in each.

    Args:
        exact: words are the same where they are written the same, and signs are words: for two wordings of one text.
    """
    ours, theirs = _Text(quote, exact=exact), _Text(passage, exact=exact)
    runs: list[Run] = []
    for tag, left, right, first, last in _steps(ours.keys(), theirs.keys()):
        if left < right:
            runs.append(ours.run(Side.BOTH if tag == "equal" else Side.QUOTE, left, right))
        if first < last and tag != "equal":
            runs.append(theirs.run(Side.PASSAGE, first, last))
    return tuple(runs)


def _steps(ours: list[str], theirs: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """Yield how one list of words becomes the other, as `SequenceMatcher.get_opcodes` does; of long ones the middle."""
    if max(len(ours), len(theirs)) <= MAX_WORDS:
        yield from SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
        return
    head = _count_same(zip(ours, theirs, strict=False))
    tail = _count_same(zip(reversed(ours[head:]), reversed(theirs[head:]), strict=False))
    left, right = len(ours) - tail, len(theirs) - tail
    if head:
        yield "equal", 0, head, 0, head
    if max(left, right) - head > MAX_WORDS:
        yield "replace", head, left, head, right
    else:
        matcher = SequenceMatcher(None, ours[head:left], theirs[head:right], autojunk=False)
        for tag, first, last, start, end in matcher.get_opcodes():
            yield tag, first + head, last + head, start + head, end + head
    if tail:
        yield "equal", left, len(ours), right, len(theirs)


def _count_same(pairs: Iterable[tuple[str, str]]) -> int:
    """Return how many pairs are of the same word, until the first that is not."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


class _Text:
    """One of the two texts, as words."""

    def __init__(self, text: str, *, exact: bool) -> None:
        self._text = text
        self.words = list(cut_words(text) if exact else _words(text))

    def keys(self) -> list[str]:
        """Return what its words are compared by."""
        return [word.key for word in self.words]

    def run(self, side: Side, first: int, last: int) -> Run:
        """Return the words from `first` to before `last` as a run."""
        start, end = self.words[first].start, self.words[last - 1].end
        before = self.words[first - 1].end if first else 0
        return Run(side, start, end, self._text[start:end], self._text[before:start])


def cut_words(text: str) -> Iterator[Word]:
    """Yield words, numbers and signs as they are written; a Chinese character is a word."""
    for match in _WORD.finditer(text):
        yield Word(match.group(), *match.span())


def _words(text: str) -> Iterator[Word]:
    """Yield words and numbers; a Chinese character is a word, and signs without a meaning of their own are none."""
    for match in _WORD.finditer(text):
        key = normalise(match.group()).text.strip()
        if key:
            yield Word(key, *match.span())
