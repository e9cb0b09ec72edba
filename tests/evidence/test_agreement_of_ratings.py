"""Alpha of any number of ratings beside the `krippendorff` package, and what its bounds promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from evidence.statistics.ratings import FEWEST_UNITS, Rated, agreement_of_ratings
from tests.how_many import examples

CATEGORIES = ("a", "b", "c", "d", "e")
# Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), C: four observers, values missing.
PUBLISHED = (
    "aa.a", "bbcb", "cccc", "cccc", "bbbb", "abcd", "dddd", "aaba", "bbbb", ".eee", "..aa", ".c..",
)  # fmt: skip


def rate(things: Sequence[str], units: Sequence[int] | None = None) -> list[Rated]:
    """Return things of which each text holds a letter a rater; a dot is no rating."""
    places = units or range(len(things))
    return [Rated(Counter(each.replace(".", "")), unit) for each, unit in zip(things, places, strict=True)]


@example(list(PUBLISHED))  # alpha is 0.743 of it once
@given(st.lists(st.text(alphabet="abcd.", min_size=4, max_size=4), min_size=1, max_size=25))
@settings(max_examples=examples(40), deadline=None)
def test_alpha_is_that_of_the_package(things: list[str]) -> None:
    counts = np.array([[each.count(name) for name in CATEGORIES] for each in things])
    assume((counts.sum(axis=1) > 1).any())
    found = agreement_of_ratings(rate(things * FEWEST_UNITS), CATEGORIES)
    assert found is not None
    counts = np.repeat(counts, FEWEST_UNITS, axis=0)
    pairable = counts[counts.sum(axis=1) > 1].sum(axis=0)
    if (pairable > 0).sum() < 2:
        assert found.alpha is None
        return
    peer = krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
    assert found.alpha is not None
    assert found.alpha.value == pytest.approx(max(-1.0, peer), abs=1e-9)


def test_agreement_seen_on_a_few_is_never_certain_and_gets_surer_with_more() -> None:
    few, many = (agreement_of_ratings(rate(["aa", "bb"] * n), CATEGORIES) for n in (10, 100))
    assert few is not None
    assert many is not None
    assert few.alpha is not None
    assert many.alpha is not None
    assert few.alpha.value == many.alpha.value == few.share.value == 1.0
    assert few.alpha.low is not None
    assert many.alpha.low is not None
    assert few.alpha.low < many.alpha.low < 1


def test_fewer_units_than_were_measured_get_no_alpha() -> None:
    few = agreement_of_ratings(rate(["aa", "bb"] * 20, [k // 4 for k in range(40)]), CATEGORIES)
    assert few is not None
    assert (few.n, few.share.n_units, few.alpha) == (40, 10, None)


def test_bounds_of_skewed_ratings_hold() -> None:
    """The usual bootstrap's lower bound misses in a third of these; ten in a hundred come by chance in 3 of 1,000."""
    generator = np.random.default_rng(7)
    shares, truth, missed = [0.9, 0.04, 0.03, 0.02, 0.01], 0.9, 0
    for _ in range(100):
        one, other = generator.choice(list(CATEGORIES), (2, 50), p=shares)
        other = np.where(generator.random(50) < truth, one, other)
        found = agreement_of_ratings(rate([a + b for a, b in zip(one, other, strict=True)]), CATEGORIES)
        assert found is not None
        missed += found.alpha is not None and (found.alpha.low or 0) > truth
    assert missed <= 10


def test_what_was_rated_once_or_not_at_all_says_nothing() -> None:
    assert agreement_of_ratings(rate(["a...", "...."]), CATEGORIES) is None
    with pytest.raises(ValueError, match="in one of the categories"):
        agreement_of_ratings(rate(["ax"]), CATEGORIES)
