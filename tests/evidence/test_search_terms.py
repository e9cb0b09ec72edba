"""What somebody asks for when they search for words."""

from __future__ import annotations

import pytest

from evidence.search_terms import LONGEST, MOST_WORDS, Term, UnreadableSearch, read_terms


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        ("early repayment", [("early", False), ("repayment", False)]),
        ("(Early) repayment?", [("Early", False), ("repayment", False)]),
        ('fee "annual  percentage rate"', [("fee", False), ("annual percentage rate", True)]),
        ("“annual rate”", [("annual rate", True)]),
        ("「提前还款」", [("提前还款", True)]),
        ("提前还款，利率", [("提前还款，利率", True)]),
        ("利率", [("利率", False)]),
        ("7.9%", [("7.9%", True)]),
        ("early-repayment", [("early-repayment", True)]),
        ("GBP2000 28", [("GBP2000", False), ("28", False)]),
        ("fee fee ?", [("fee", False)]),
        ("-5", [("-5", True)]),
    ],
)
def test_words_and_phrases_are_told_apart(asked: str, terms: list[tuple[str, bool]]) -> None:
    assert read_terms(asked) == tuple(Term(*term) for term in terms)


@pytest.mark.parametrize(
    ("asked", "advice"),
    [
        ("", "Nothing is asked for"),
        ("?! …", "Nothing is asked for"),
        ('""', "Nothing is asked for"),
        ('"annual rate', "has no partner"),
        ('fee"annual"', "no space outside"),
        ("fee -early", "words cannot be left out"),
        ("w " * MOST_WORDS + "w", f"at most {MOST_WORDS} words, and this one {MOST_WORDS + 1}"),
        ("a" * (LONGEST + 1), f"at most {LONGEST} characters"),
    ],
)
def test_what_is_no_search_says_what_to_do(asked: str, advice: str) -> None:
    with pytest.raises(UnreadableSearch, match=advice):
        read_terms(asked)
