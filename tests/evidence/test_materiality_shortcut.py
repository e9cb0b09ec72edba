"""What is done so that sentences are read faster hides nothing: tried with sentences of the patterns' own words."""

from __future__ import annotations

import re
from random import Random
from typing import Final

import pytest

from evidence.citations.idle import find_proper, speaks_of_itself
from evidence.citations.materiality import KINDS, find_kinds, find_patterns
from evidence.citations.words import Openings, in_small_letters, read_alternatives

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


@pytest.mark.parametrize("name", ["idle_en", "idle_zh", "openers", "adverbials", "requests"])
def test_an_opening_is_found_whatever_its_case_and_letters(name: str) -> None:
    """As a pattern for which case does not matter finds it, Turkish letters and a long s included."""
    expected, pattern = re.compile(read_alternatives(name), re.IGNORECASE), Openings(name)
    words = re.findall(r"[A-Za-z]+|[\u3400-\u9fff]+", re.sub(r"\\[a-zA-Z]", " ", read_alternatives(name)))
    random, found = Random(11), 0
    for _ in range(3_000):
        parts = [random.choice(words) + random.choice((" ", ", ", "，")) for _ in range(random.randint(1, 5))]
        sentence = random.choice((str.upper, str.title, str.swapcase, str))("".join(parts) + "it")
        for plain, odd in random.sample((("I", "İ"), ("i", "ı"), ("s", "ſ")), k=random.randint(0, 3)):
            sentence = sentence.replace(plain, odd)
        match, wanted = pattern.match(in_small_letters(sentence)), expected.match(sentence)
        assert (match and match.span()) == (wanted and wanted.span()), sentence
        found += match is not None
    assert found > 20


def test_no_letter_changes_its_place_in_small_letters() -> None:
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    assert len(in_small_letters(every)) == len(every)


def test_a_deed_is_told_where_there_is_the_word_of_who_did_it() -> None:
    deeds = [re.compile(deed) for deed in read_alternatives("deeds")[3:-1].split(")|(?:")]
    assert len(deeds) == 5
    without = "have closed had sent put would recommend advise 已 刚 把 将您 要了。"
    assert [one.pattern for one in deeds if one.search(without)] == []
    assert find_proper("I have closed it.") is None
    assert find_proper("我已办理。") is None
    assert speaks_of_itself("I think so.")
    assert speaks_of_itself("我觉得可以")


@pytest.mark.parametrize(
    "duty", ["must", "shall", "prohibited", "forbidden", "必须", "不得", "禁止", "严禁", "应须"]
)
def test_a_duty_is_an_obligation(duty: str) -> None:
    assert "obligation" in find_kinds(f"It all {duty} depends how you feel about it.")
