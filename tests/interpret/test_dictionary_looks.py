"""How sure a label has to be of itself falls with each look at the dictionary, and rises with what was found."""

from __future__ import annotations

import random

import pytest

from interpret.dictionaries.described import Answer
from interpret.dictionaries.looks import ALPHA, chance_of, looks


def answer(held_out: float, low: float, floor: float = 0.6) -> Answer:
    return Answer(0.9, held_out, low, min(1.0, 2 * held_out - low), 0.5, floor)


def test_at_one_in_forty_the_whole_interval_lies_above_what_it_is_held_against() -> None:
    assert answer(0.8, 0.6).chance(0.5, 12) == pytest.approx(0.025)
    assert answer(0.8, 0.61).chance(0.5, 12) < 0.025 < answer(0.8, 0.59).chance(0.5, 12)
    assert answer(0.8, 0.6).chance(0.8, 12) == pytest.approx(0.5)  # the words' own tokens tell as much


def test_where_all_words_agree_it_is_as_unsure_as_with_one_that_tells_nothing() -> None:
    sure = chance_of(1.0, 1.0, 0.6, 12)
    assert 0 < sure < 1e-4
    assert chance_of(1.0, 1.0, 0.9, 12) > 0.01
    assert chance_of(1.0, 1.0, 0.6, 24) < sure


def test_levels_fall_with_each_look_rise_with_what_was_found_and_sum_to_alpha() -> None:
    nothing = list(looks((number, 0.5) for number in range(2000)).values())
    levels = [look.level for look in nothing]
    assert levels == sorted(levels, reverse=True)
    assert 0.9 * ALPHA < sum(levels) <= ALPHA
    assert not any(look.stands_out for look in nothing)
    found = list(looks((number, 1e-9) for number in range(50)).values())
    assert all(look.stands_out for look in found)
    assert all(one.level > other.level for one, other in zip(found[1:], nothing[1:50], strict=True))


def test_the_same_again_is_no_other_look_and_keeps_what_it_was() -> None:
    once = looks([("a", 0.001), ("b", 0.5)])
    again = looks([("a", 0.001), ("a", 0.001), ("b", 0.5), ("a", 0.9)])
    assert again == once
    assert [look.number for look in again.values()] == [1, 2]


def test_of_labels_of_nothing_few_dictionaries_have_one_that_stands_out() -> None:
    draws = random.Random(0)
    dictionaries = [looks((number, draws.random()) for number in range(100)) for _ in range(1000)]
    share = sum(any(look.stands_out for look in told.values()) for told in dictionaries) / 1000
    assert 0.02 < share < 0.07
