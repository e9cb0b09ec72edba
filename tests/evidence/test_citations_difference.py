"""What differs between a quote and the passage most like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.citations.difference import MAX_WORDS, Side, diff_words

TEXT = st.text(alphabet="ab 1,.五不须%-\n", max_size=40)


def test_a_number_and_a_negation_stand_out_and_the_rest_does_not() -> None:
    runs = diff_words("Customers must pay £5,000 a year", "customers must not pay £6,000 a year.")
    assert [(run.side, run.text) for run in runs] == [
        (Side.BOTH, "Customers must"),
        (Side.PASSAGE, "not"),
        (Side.BOTH, "pay £"),
        (Side.QUOTE, "5,000"),
        (Side.PASSAGE, "6,000"),
        (Side.BOTH, "a year"),
    ]


def test_chinese_is_compared_by_the_character() -> None:
    runs = diff_words("客户须提交材料", "客户不须提交材料")
    assert [(run.side, run.text) for run in runs] == [
        (Side.BOTH, "客户"),
        (Side.PASSAGE, "不"),
        (Side.BOTH, "须提交材料"),
    ]


def test_what_is_written_otherwise_and_means_the_same_is_the_same() -> None:
    assert [run.side for run in diff_words("USD 5,000 — PAID", "usd 5000 paid!")] == [Side.BOTH]


def test_texts_too_long_to_compare_are_shown_whole() -> None:
    long, another = "word " * (MAX_WORDS + 1), "text " * (MAX_WORDS + 1)
    assert [run.side for run in diff_words(long, another)] == [Side.QUOTE, Side.PASSAGE]
    ends = [(run.side, run.text[:5]) for run in diff_words(f"First {long} last", f"First {another} last")]
    assert ends == [(Side.BOTH, "First"), (Side.QUOTE, "word "), (Side.PASSAGE, "text "), (Side.BOTH, "last")]


@pytest.mark.parametrize("word", ["fee ", "费"])
def test_one_word_changed_in_a_long_text_is_that_word(word: str) -> None:
    before = word * 2 * MAX_WORDS
    for after in (f"{before}x", f"x {before}", f"{word * MAX_WORDS}x {word * MAX_WORDS}"):
        told = {
            side: [run.text for run in diff_words(before, after, exact=True) if run.side is side]
            for side in Side
        }
        assert told[Side.QUOTE] == []
        assert told[Side.PASSAGE] == ["x"]
        assert "".join("".join(told[Side.BOTH]).split()) == "".join(before.split())


@given(TEXT, TEXT)
def test_every_run_stands_at_its_offsets_and_none_overlap(quote: str, passage: str) -> None:
    ends = {Side.QUOTE: 0, Side.PASSAGE: 0}
    for run in diff_words(quote, passage):
        side = Side.PASSAGE if run.side is Side.PASSAGE else Side.QUOTE
        text = passage if side is Side.PASSAGE else quote
        assert text[run.start : run.end] == run.text
        assert text[: run.start].endswith(run.lead)
        assert ends[side] <= run.start < run.end
        ends[side] = run.end
