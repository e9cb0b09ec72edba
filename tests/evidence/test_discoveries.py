"""Batches of tests in a sequence: levels beside another implementation, and how much of what is found is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from scipy import stats

from evidence.statistics.discoveries import level_of_batch
from evidence.statistics.multiplicity import adjust_benjamini_hochberg

ALPHA = 0.05

# What online-fdr 1.0.0 (`BatchPRDS`) answers: p-values, level, what is found.
PEER = [
    ([0.001, 0.2, 0.04, 0.7], 0.02187450829, [True, False, False, False]),
    ([0.02, 0.9], 0.010823845024845846, [False, False]),
    ([2e-05, 0.0003, 0.6, 0.0009, 0.5], 0.0045261145161881785, [True, True, False, True, False]),
    ([0.011, 0.004, 0.003], 0.005554169108158195, [False, False, False]),
    ([0.5], 0.008328298772746327, [False]),
    ([0.0021, 1e-06], 0.0037326524432339577, [True, True]),
]


def find_in_batch(p_values: list[float], level: float) -> list[bool]:
    return [q <= level for q in adjust_benjamini_hochberg(p_values)]


def run_through(batches: list[list[float]]) -> list[list[bool]]:
    answers: list[list[bool]] = []
    for number, p_values in enumerate(batches, start=1):
        found = sum(map(sum, answers))
        level = level_of_batch(number, tests=len(p_values), found_before=found, alpha=ALPHA)
        answers.append(find_in_batch(p_values, level))
    return answers


def test_levels_and_finds_are_those_of_another_implementation() -> None:
    before = 0
    for number, (p_values, level, found) in enumerate(PEER, start=1):
        ours = level_of_batch(number, tests=len(p_values), found_before=before, alpha=ALPHA)
        assert ours == pytest.approx(level, rel=1e-9)
        assert find_in_batch(p_values, level) == found
        before += sum(found)


def test_each_batch_spends_and_each_find_lets_later_ones_spend_more() -> None:
    def level(number: int, found_before: int = 0, tests: int = 4) -> float:
        return level_of_batch(number, tests=tests, found_before=found_before, alpha=ALPHA)

    assert level(3) < level(2) < level(1) < ALPHA
    assert level(2) < level(2, found_before=2) < ALPHA
    assert level(2, found_before=1000, tests=1) == ALPHA
    assert (
        sum(level(number) for number in range(1, 100_000)) < ALPHA
    )  # whoever never finds anything spends no more


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_little_of_what_is_found_is_not_there(correlation: float) -> None:
    """20 batches of 1 to 8 tests, a tenth of which have something to find; noise is shared by all of a sequence."""
    rng = np.random.default_rng(int(10 * correlation))
    shares = [_wrong_share(rng, correlation) for _ in range(150)]
    error = float(np.std(shares)) / len(shares) ** 0.5
    assert np.mean(shares) <= ALPHA + 3 * error
    assert max(shares) > 0  # it could have been wrong


def _wrong_share(rng: Generator, correlation: float) -> float:
    """Return which share of what a sequence finds is not there."""
    sizes = rng.integers(1, 9, 20)
    shared, truth = rng.normal(), [rng.random(size) < 0.1 for size in sizes]
    noise = [rng.normal(size=size) for size in sizes]
    scores = [
        4 * there + correlation**0.5 * shared + (1 - correlation) ** 0.5 * own
        for there, own in zip(truth, noise, strict=True)
    ]
    answers = np.concatenate(run_through([list(stats.norm.sf(each)) for each in scores]))
    there = np.concatenate(truth)
    return float((answers & ~there).sum() / max(1, answers.sum()))


def test_whoever_asks_until_something_is_found_rarely_finds_what_is_not_there() -> None:
    rng = np.random.default_rng(1)
    found = [any(map(any, run_through(rng.random((30, 3)).tolist()))) for _ in range(200)]
    assert np.mean(found) <= ALPHA + 3 * (ALPHA / 200) ** 0.5
    at_once = [(rng.random((30, 3)) <= ALPHA / 3).any() for _ in range(200)]
    assert np.mean(at_once) > 0.6  # each at its own 5 %


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"number": 0}, "numbered from 1"),
        ({"tests": 0}, "at least one test"),
        ({"found_before": -1}, "nothing or more"),
        ({"alpha": 0.0}, "between"),
        ({"alpha": 1.0}, "between"),
    ],
)
def test_numbers_out_of_range_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        level_of_batch(**{"number": 1, "tests": 1, "found_before": 0, "alpha": ALPHA, **changed})
