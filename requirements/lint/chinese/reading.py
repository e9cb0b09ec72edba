"""A Chinese statement, in simplified characters and by sentence, with what is quoted blanked out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from requirements.lint.chinese.traditional import TO_SIMPLIFIED

_PAIRED: Final = {"“": "”", "「": "」", "『": "』", "《": "》", "‘": "’", "【": "】"}
_BLANK: Final = "\x00"
_QUOTES: Final = re.compile(f'["{"".join(_PAIRED)}]')
SENTENCE_ENDS: Final = frozenset("。；;！!？?\n")
_SENTENCE: Final = re.compile(f"[^{''.join(SENTENCE_ENDS)}]+")
CLAUSE_ENDS: Final = SENTENCE_ENDS | frozenset("，,：:（）()——")
_WIDE: Final = {ord("０") + digit: ord("0") + digit for digit in range(10)} | {ord("％"): ord("%")}
_AS_ONE: Final = TO_SIMPLIFIED | _WIDE


@dataclass(frozen=True, slots=True)
class Sentence:
    """The characters between two full stops or semicolons; places count from the beginning of the whole text."""

    text: str  # of the whole statement, simplified and blanked
    begin: int
    end: int

    def __str__(self) -> str:
        return self.text[self.begin : self.end]


def simplify(text: str) -> str:
    """Return the text in simplified characters with what is quoted blanked, each character in its place."""
    told = text.translate(_AS_ONE)
    if not _QUOTES.search(told):
        return told
    blanks: list[tuple[int, int]] = []
    opened: dict[str, int] = {}
    for place, mark in enumerate(told):
        if mark == '"':
            begun = opened.pop(mark, None)
            if begun is None:
                opened[mark] = place
            else:
                blanks.append((begun, place + 1))
        elif mark in _PAIRED:
            opened.setdefault(_PAIRED[mark], place)
        elif mark in opened:
            blanks.append((opened.pop(mark), place + 1))
    return _blanked(told, blanks)


def _blanked(text: str, blanks: list[tuple[int, int]]) -> str:
    parts, last = [], 0
    for begin, end in sorted(blanks):
        if begin < last:
            continue
        parts += [text[last:begin], _BLANK * (end - begin)]
        last = end
    return "".join([*parts, text[last:]])


def sentences_of(told: str) -> list[Sentence]:
    """Return the sentences of a simplified text."""
    return [Sentence(told, match.start(), match.end()) for match in _SENTENCE.finditer(told)]


class Table:
    """Words looked up at a place, the longest first. One look costs the same for any number of words."""

    def __init__(self, words: Iterable[str]) -> None:
        self._by_first: dict[str, list[str]] = {}
        for word in sorted(set(words), key=len, reverse=True):
            self._by_first.setdefault(word[0], []).append(word)

    def at(self, text: str, place: int) -> str | None:
        """Return the longest word that stands at a place; None where there is none."""
        for word in self._by_first.get(text[place], ()):
            if text.startswith(word, place):
                return word
        return None

    def all_in(self, text: str, begin: int, end: int) -> Iterator[tuple[int, str]]:
        """Yield each place and word from `begin` to before `end`, none inside another."""
        place, first = begin, self._by_first
        while place < end:
            word = self.at(text, place) if text[place] in first else None
            if word is None or place + len(word) > end:
                place += 1
                continue
            yield place, word
            place += len(word)
