"""To look for words before patterns hides no kind: tried with sentences of the patterns' own words."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from evidence.citations.materiality import KINDS, find_patterns

SEPARATORS: Final = (" ", " ", " ", " ", "-", ", ", ". ", "_", "", "\n")
SPELLED: Final = (
    "authorised", "authorized", "unauthorised", "unauthorized", "watch list", "watchlist", "requires", "required",
    "reported", "needs", "applies", "qualified", "sanctions", "ineligible", "disqualified", "sanction", "apply", "need",
    "require", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "hours", "days", "nights", "weeks", "months",
    "quarters", "years",
)  # fmt: skip
STARTS: Final = (
    "x ", "x no ", "x 5 ", "x fee ", "x Acme ", "x is not ", "x two ", "x on ", "x you ", "x at any ",
)  # fmt: skip
ENDS: Final = (
    "", " to", " of", " be", " not", " 12", " fee", " Smith", " points", " half", " only", " cannot lend", " after",
    " a", " may",
)  # fmt: skip
ODD: Final = ("5", "12.5", "$", "$ 3", "%", "Acme", "to", "s", "be", "of", "Ltd", "K", "ſ", "费")


def _stems() -> set[str]:
    """Return what stands in the patterns in letters."""
    sources = [re.sub(r"\\[a-z]|\{[^}]*\}|\[[^]]*\]", " ", pattern.pattern) for pattern in KINDS.values()]
    return {word for source in sources for word in re.findall(r"[A-Za-z]+", source)}


def _words() -> list[str]:
    """Return all words of the patterns, with the endings that they give them."""
    endings = ("", "s", "y", "ies", "ied", "ed", "d", "day", "ility", "le")
    return sorted({stem + ending for stem in _stems() for ending in endings} | {*SPELLED, *ODD})


def _matching(sentence: str) -> tuple[str, ...]:
    return tuple(kind for kind, pattern in KINDS.items() if pattern.search(sentence))


def _sentences() -> list[str]:
    random, words = Random(7), _words()
    made = []
    for _ in range(10_000):
        parts = [random.choice(words) + random.choice(SEPARATORS) for _ in range(random.randint(1, 5))]
        sentence = "x " + "".join(parts).strip()
        made.append(random.choice((sentence, sentence, sentence.upper(), sentence.title())))
    return made


def test_sentences_of_the_patterns_own_words_have_all_kinds_that_the_patterns_find() -> None:
    sentences = _sentences()
    assert {kind for sentence in sentences for kind in _matching(sentence)} == set(KINDS)
    assert [one for one in sentences if find_patterns(one) != _matching(one)] == []


def test_each_word_of_a_pattern_is_tried_where_it_matches() -> None:
    """Of each word, beside each other: so a word that is new in a pattern is looked for as well."""
    words = sorted({*_stems(), *SPELLED})
    missed = [
        sentence
        for word in words
        for start in STARTS
        for end in ENDS
        for sentence in (f"{start}{word}{end}",)
        if find_patterns(sentence) != _matching(sentence)
    ]
    assert missed == []
