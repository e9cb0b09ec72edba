"""What somebody asks for when they search for words: each must be there, and what is in quotation marks as written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from evidence.worded import Worded, worded

LONGEST: Final = 200  # characters of a search
MOST_WORDS: Final = (
    50  # of a search of whatever kind: each is looked for in every row that holds those before it
)
_PIECE: Final = re.compile(r"\"([^\"]*)\"|“([^”]*)”|「([^」]*)」|(\S+)")
_QUOTES: Final = '"“”「」'
_AROUND: Final = " \t.,;:!?()[]{}…，。；：！？（）【】《》、'‘’"  # no part of a word that it stands beside
_WORD: Final = re.compile(r"[^\W_]+")
_UNSPACED: Final = re.compile(r"[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_LEAVES_OUT: Final = re.compile(r"-[^\W\d]")
_OF_A_PAIR: Final = 2  # characters that the index holds together


class UnreadableSearch(ValueError):
    """What was asked for is no search; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or a phrase."""

    text: str
    # Whether the text itself must be there, and not only its words in any form and order.
    is_literal: bool


def fault_in_words(asked: str) -> Worded | None:
    """Return what to do about a search of too many words; None: it has few enough. Every search asks here."""
    n_words = len(asked.split())
    if n_words <= MOST_WORDS:
        return None
    return worded(
        "A search has at most %(most)s words, and this one %(given)s: leave out those that are in most rows.",
        most=MOST_WORDS,
        given=n_words,
    )


def fault_in_length(asked: str) -> Worded | None:
    """Return what to do about a search for words of texts that is too long; None: it is not."""
    if len(asked) <= LONGEST:
        return fault_in_words(asked)
    return worded(
        "A search has at most %(most)s characters, and this one %(length)s.",
        most=LONGEST,
        length=len(asked),
    )


def read_terms(asked: str) -> tuple[Term, ...]:
    """Return what must all be found.

    A word without spaces around its parts (`7.9%`, `REF-12`, 提前还款) is looked for as it stands.

    Raises:
        UnreadableSearch: nothing is asked for, too much, or what cannot be.
    """
    if fault := fault_in_length(asked):
        raise UnreadableSearch(fault)
    terms: list[Term | None] = []
    for *quoted, piece in _PIECE.findall(asked):
        if phrase := "".join(quoted).strip():
            terms.append(Term(" ".join(phrase.split()), is_literal=True))
        elif piece:
            terms.append(_term_of(piece))
    found = tuple(dict.fromkeys(term for term in terms if term is not None))
    if not found:
        raise UnreadableSearch(worded("Nothing is asked for: write a word, or a phrase in quotation marks."))
    return found


def _term_of(piece: str) -> Term | None:
    """Return the term of what stands between spaces; None where it is punctuation alone."""
    if any(mark in piece for mark in _QUOTES):
        raise UnreadableSearch(
            worded(
                "A quotation mark in %(piece)s has no partner, or no space outside: write a phrase as "
                '"annual rate".',
                piece=repr(piece[:40]),
            )
        )
    if _LEAVES_OUT.match(piece):
        raise UnreadableSearch(
            worded(
                "%(piece)s: words cannot be left out. To look for the hyphen, put it in quotation marks.",
                piece=repr(piece[:40]),
            )
        )
    text = piece.strip(_AROUND)
    if not text:
        return None
    is_pair = len(text) == _OF_A_PAIR and all(map(_UNSPACED.match, text))
    is_word = _WORD.fullmatch(text) is not None and _UNSPACED.search(text) is None
    return Term(text, is_literal=not (is_word or is_pair))
