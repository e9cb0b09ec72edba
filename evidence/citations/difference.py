"""What differs between a quote and the passage most like it, word by word, for a reader to see at a glance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from evidence.citations.normalise import normalise
from evidence.vocabulary import ChoiceEnum

# Of either text: longer ones are shown as replaced whole. A page may compare many, each at some hundredths of a second.
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
class _Word:
    key: str  # what it is compared by: `5,000` is `5000`
    start: int
    end: int


def diff_words(quote: str, passage: str, *, exact: bool = False) -> tuple[Run, ...]:
    """Return both texts as runs, in reading order; words are the same as the checker takes them for the same.

    What only the quote has stands before what only the passage has in its place.

    Args:
        exact: words are the same where they are written the same, and signs are words: for two wordings of one text.
    """
    ours, theirs = _Text(quote, exact=exact), _Text(passage, exact=exact)
    if max(len(ours.words), len(theirs.words)) > MAX_WORDS:
        return (Run(Side.QUOTE, 0, len(quote), quote, ""), Run(Side.PASSAGE, 0, len(passage), passage, ""))
    matcher = SequenceMatcher(None, ours.keys(), theirs.keys(), autojunk=False)
    runs: list[Run] = []
    for tag, left, right, first, last in matcher.get_opcodes():
        if left < right:
            runs.append(ours.run(Side.BOTH if tag == "equal" else Side.QUOTE, left, right))
        if first < last and tag != "equal":
            runs.append(theirs.run(Side.PASSAGE, first, last))
    return tuple(runs)


class _Text:
    """One of the two texts, as words."""

    def __init__(self, text: str, *, exact: bool) -> None:
        self._text = text
        self.words = list(_exact_words(text) if exact else _words(text))

    def keys(self) -> list[str]:
        """Return what its words are compared by."""
        return [word.key for word in self.words]

    def run(self, side: Side, first: int, last: int) -> Run:
        """Return the words from `first` to before `last` as a run."""
        start, end = self.words[first].start, self.words[last - 1].end
        before = self.words[first - 1].end if first else 0
        return Run(side, start, end, self._text[start:end], self._text[before:start])


def _exact_words(text: str) -> Iterator[_Word]:
    """Yield words, numbers and signs as they are written; a Chinese character is a word."""
    for match in _WORD.finditer(text):
        yield _Word(match.group(), *match.span())


def _words(text: str) -> Iterator[_Word]:
    """Yield words and numbers; a Chinese character is a word, and signs without a meaning of their own are none."""
    for match in _WORD.finditer(text):
        key = normalise(match.group()).text.strip()
        if key:
            yield _Word(key, *match.span())
