"""Batches of tests in a sequence: levels beside another implementation, and how much of what is found is not there."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import Generator
from scipy import stats

from evidence.statistics.discoveries import Batch, alpha_of_next, find_in_batch

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


def run_through(batches: list[list[float]]) -> list[list[bool]]:
    before: list[Batch] = []
    answers = []
    for p_values in batches:
        level = alpha_of_next(before, len(p_values), alpha=ALPHA)
        answers.append(find_in_batch(p_values, level))
        before.append(Batch(len(p_values), sum(answers[-1])))
    return answers


def test_levels_and_finds_are_those_of_another_implementation() -> None:
    before: list[Batch] = []
    for p_values, level, found in PEER:
        assert alpha_of_next(before, len(p_values), alpha=ALPHA) == pytest.approx(level, rel=1e-9)
        assert find_in_batch(p_values, level) == found
        before.append(Batch(len(p_values), sum(found)))


def test_what_finds_nothing_or_broke_off_spends_its_alpha() -> None:
    first = alpha_of_next([], 4, alpha=ALPHA)
    after_nothing = alpha_of_next([Batch(4, 0)], 4, alpha=ALPHA)
    assert after_nothing == alpha_of_next([Batch(0, 0)], 4, alpha=ALPHA) < first
    assert after_nothing < alpha_of_next([Batch(4, 2)], 4, alpha=ALPHA) <= ALPHA
    assert alpha_of_next([Batch(1000, 1000)], 1, alpha=ALPHA) == ALPHA


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
    ("tests", "alpha", "said"), [(0, ALPHA, "at least one test"), (1, 0.0, "between"), (1, 1.0, "between")]
)
def test_numbers_out_of_range_are_refused(tests: int, alpha: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        alpha_of_next([], tests, alpha=alpha)
    with pytest.raises(ValueError, match="outside"):
        find_in_batch([1.1], ALPHA)
