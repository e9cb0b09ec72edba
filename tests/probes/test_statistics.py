from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interpret import statistics
from interpret.errors import ProbeError


@pytest.mark.parametrize("draw", ["normal", "exponential"])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(draw: str) -> None:
    rng = np.random.default_rng(0)
    held = 0
    for i in range(400):
        values = rng.normal(1, 1, 20) if draw == "normal" else rng.exponential(1, 20)
        found = statistics.estimate_mean(values, seed=i, unit="draws", resamples=500)
        held += found.low <= 1 <= found.high
    assert held >= 0.92 * 400


def test_few_values_do_not_blow_the_interval_up() -> None:
    rng = np.random.default_rng(0)
    for i in range(200):
        found = statistics.estimate_mean(rng.normal(0, 1, 4), seed=i, unit="draws", resamples=500)
        assert found.high - found.low < 20  # in the values' spread


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [1.0, 2.0, 4.0, 8.0]
    assert statistics.estimate_mean(values, seed=5, unit="x") == statistics.estimate_mean(
        values, seed=5, unit="x"
    )


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = statistics.estimate_mean([2.0, 2.0, 2.0], seed=0, unit="prompts")
    assert (found.value, found.low, found.high, found.n) == (2, 2, 2, 3)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")]])
def test_too_few_or_broken_values_raise(values: list[float]) -> None:
    with pytest.raises(ProbeError):
        statistics.estimate_mean(values, seed=0, unit="prompts")


def test_a_permutation_p_value_is_never_zero_and_counts_ties() -> None:
    assert statistics.p_from_permutations(9, [1.0] * 99) == 0.01
    assert statistics.p_from_permutations(1, [1.0] * 99) == 1


def test_shuffled_differences_centre_on_zero_whatever_the_groups_are() -> None:
    shuffled = statistics.shuffled_differences([5.0] * 10, [1.0] * 20, seed=0, permutations=2000)
    assert abs(shuffled.mean()) < 0.1
    assert statistics.estimate_difference([5.0] * 10, [1.0] * 20, seed=0, unit="x").value == 4


def test_benjamini_hochberg_gives_the_published_example() -> None:
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]
    q = statistics.adjust_benjamini_hochberg(p)  # Benjamini and Hochberg 1995, section 3.2: four are rejected
    assert (q <= 0.05).sum() == 4
    assert q[0] == pytest.approx(0.0015)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_q_values_are_no_smaller_than_p_and_keep_their_order(p: list[float]) -> None:
    q = statistics.adjust_benjamini_hochberg(p)
    assert (q >= np.array(p) - 1e-12).all()
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= -1e-12).all()


def test_rank_correlation_knows_order_ties_and_constants() -> None:
    assert statistics.rank_correlation([1, 2, 3], [10, 40, 90]) == pytest.approx(1)
    assert statistics.rank_correlation([1, 1, 2], [3, 3, 1]) == pytest.approx(-1)
    assert statistics.rank_correlation([1, 1, 1], [1, 2, 3]) == 0


def test_units_of_both_groups_are_drawn_together() -> None:
    rng = np.random.default_rng(0)
    level = rng.normal(size=30)
    first, second = level + 1 + 0.01 * rng.normal(size=30), level
    pairs = [(i, i) for i in range(30)]
    apart = statistics.estimate_difference(first, second, seed=1, unit="documents")
    paired = statistics.estimate_difference(first, second, seed=1, unit="documents", pairs=pairs)
    assert (apart.n, paired.n) == (60, 30)
    assert apart.value == paired.value == pytest.approx(1, abs=0.01)
    assert paired.high - paired.low < 0.05 < apart.high - apart.low
    some = statistics.estimate_difference(first, second[:20], seed=1, unit="documents", pairs=pairs[:20])
    assert some.n == 30
    assert some.value == pytest.approx(first.mean() - second[:20].mean())
    assert some.low < some.value < some.high


def test_labels_of_units_in_both_groups_are_exchanged_within_them() -> None:
    first, second = np.array([10.0, 20.0, 1.0]), np.array([11.0, 21.0])
    pairs = [(0, 0), (1, 1)]
    found = statistics.shuffled_differences(first, second, seed=1, permutations=400, pairs=pairs)
    sums = {(a + b + 1) / 3 - (21 - a + 41 - b) / 2 for a in (10.0, 11.0) for b in (20.0, 21.0)}
    assert {round(float(each), 9) for each in found} == {round(each, 9) for each in sums}
