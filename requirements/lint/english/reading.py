"""An English statement as tokens and sentences: what is quoted, what is a name, and what ends a clause."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-'’][A-Za-z0-9]+)*|\d+(?:[.,:]\d+)*|[^\W\d_]+|[^\w\s]|_")
_ABBREVIATED: Final = frozenset(
    {"e", "g", "i", "etc", "no", "art", "vs", "approx", "incl", "fig", "sec", "ca"}
)
_MAY_END: Final = frozenset(".;!?")
_PAIRED: Final = {"“": "”", "«": "»", "「": "」", "『": "』"}
_OPENS: Final = re.compile(f'["`{"".join(_PAIRED)}]')


@lru_cache(maxsize=8_192)  # the same few words stand in most statements
def _is_identifier(text: str) -> bool:
    return text[0].isalpha() and any(mark.isdigit() for mark in text)


class Token(NamedTuple):
    """A word, a number or a mark, with its place in the text."""

    text: str
    low: str
    start: int
    end: int
    quoted: bool  # inside quotation marks: words to show, not words of the demand

    @property
    def is_word(self) -> bool:
        """Whether it is a word without digits."""
        return self.text[0].isalpha() and not self.is_identifier

    @property
    def is_number(self) -> bool:
        """Whether it is written in digits."""
        return self.text[0].isdigit()

    @property
    def is_identifier(self) -> bool:
        """Whether it is a name with digits in it: P-1, AML-7."""
        return _is_identifier(self.text)


@dataclass(frozen=True)
class Sentence:
    """The tokens between two full stops or semicolons."""

    tokens: Sequence[Token]

    @cached_property
    def lows(self) -> tuple[str, ...]:
        """The tokens in lower case; what is quoted is blank, so that no rule reads it."""
        return tuple("" if token.quoted else token.low for token in self.tokens)

    def is_name(self, index: int) -> bool:
        """Whether a word is part of a name: it has a capital, and so has its neighbour, or it is not the first."""
        token = self.tokens[index]
        if not token.text[0].isupper():
            return False
        if index:
            return True
        following = self.tokens[1].text if len(self.tokens) > 1 else ""
        return following[:1].isupper()

    def __len__(self) -> int:
        return len(self.tokens)


def read_sentences(text: str) -> list[Sentence]:
    """Return the sentences of a text. Linear in its length."""
    quoted = _quoted_places(text)
    tokens = [
        Token(
            match[0],
            match[0].lower().replace("’", "'"),
            match.start(),
            match.end(),
            quoted[match.start()] != 0,
        )
        for match in _TOKEN.finditer(text)
    ]
    sentences, current = [], []
    for index, token in enumerate(tokens):
        current.append(token)
        if token.text in _MAY_END and not token.quoted and _ends(text, tokens, index):
            sentences.append(Sentence(tuple(current)))
            current = []
    if current:
        sentences.append(Sentence(tuple(current)))
    return sentences


def _ends(text: str, tokens: Sequence[Token], index: int) -> bool:
    """Whether a mark ends the sentence: a full stop does not within "e.g." or "3.5"."""
    token = tokens[index]
    if token.text != ".":
        return True
    if index and tokens[index - 1].low in _ABBREVIATED and tokens[index - 1].end == token.start:
        return index + 1 == len(tokens) or tokens[index + 1].text[0].isupper()
    return token.end == len(text) or text[token.end].isspace()


def _quoted_places(text: str) -> bytearray:
    """Return for each character whether it lies inside quotation marks; a mark without its partner opens nothing."""
    quoted = bytearray(len(text) + 1)
    if not _OPENS.search(text):
        return quoted
    opened: dict[str, int] = {}
    for place, mark in enumerate(text):
        if mark in '"`':
            begun = opened.pop(mark, None)
            if begun is None:
                opened[mark] = place
                continue
        elif mark in _PAIRED:
            opened.setdefault(_PAIRED[mark], place)
            continue
        else:
            begun = opened.pop(mark, None) if mark in opened else None
        if begun is not None:
            quoted[begun : place + 1] = b"\x01" * (place + 1 - begun)
    return quoted


class Phrases:
    """Phrases of words, looked up at a place: the longest that stands there. One look costs the same for any number."""

    def __init__(self, phrases: Mapping[str, str] | Sequence[str]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for phrase in phrases:
            words = tuple(phrase.split())
            said = phrases[phrase] if isinstance(phrases, Mapping) else phrase
            self._by_first.setdefault(words[0], []).append((words, said))
        for listed in self._by_first.values():
            listed.sort(key=lambda entry: -len(entry[0]))

    @classmethod
    def of(cls, text: str) -> Phrases:
        """Return the phrases of a text that semicolons part."""
        return cls([phrase for phrase in (part.strip() for part in text.split(";")) if phrase])

    @property
    def beginnings(self) -> frozenset[str]:
        """The first word of each."""
        return frozenset(self._by_first)

    def at(self, lows: Sequence[str], index: int) -> tuple[int, str] | None:
        """Return how many words the phrase at this place has, and what it stands for; None where there is none."""
        starting = self._by_first.get(lows[index])
        if starting is None:
            return None
        for words, said in starting:
            if tuple(lows[index : index + len(words)]) == words:
                return len(words), said
        return None
