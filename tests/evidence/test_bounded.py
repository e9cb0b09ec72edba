"""Bounds for means of scores in [0, 1]: those of Clopper and Pearson for zeros and ones, and narrower for the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.statistics import Unit, clopper_pearson, estimate_share, judge_bounds, more_units, tally
from evidence.statistics.bounded import chance_below, gaffke
from evidence.statistics.judging import End


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 1), (3, 5), (59, 59), (190, 200), (99_000, 100_000)])
@pytest.mark.parametrize("confidence", [0.9, 0.98])
def test_of_zeros_and_ones_they_are_clopper_and_pearsons(k: int, n: int, confidence: float) -> None:
    scores = {value: count for value, count in ((1.0, k), (0.0, n - k)) if count}
    assert gaffke(scores, confidence) == pytest.approx(clopper_pearson(k, n, confidence), rel=1e-12)


@pytest.mark.parametrize(("n", "shape"), [(3, 2.0), (12, 0.5), (40, 8.0), (150, 2.0)])
def test_they_are_the_quantiles_that_the_source_draws(n: int, shape: float) -> None:
    """Learned-Miller and Thomas, algorithm 1: uniform spacings weight the scores and a 0, or a 1 for the other end."""
    random = np.random.default_rng(n)
    scores = random.beta(0.8 * shape, 0.2 * shape, n)
    spacings = random.dirichlet(np.ones(n + 1), 40_000)
    low, high = gaffke({float(score): 1 for score in scores})
    drawn = spacings[:, 1:] @ scores
    assert low == pytest.approx(np.quantile(drawn, 0.05), abs=0.006)
    assert high == pytest.approx(np.quantile(drawn + spacings[:, 0], 0.95), abs=0.006)


SCORES = st.dictionaries(st.floats(0, 1, allow_subnormal=False), st.integers(1, 40), min_size=1, max_size=12)


@settings(deadline=None, max_examples=30)
@given(SCORES)
def test_the_mean_lies_between_them_and_the_ends_are_each_others_mirror(scores: dict[float, int]) -> None:
    low, high = gaffke(scores)
    n = sum(scores.values())
    mean = sum(score * count for score, count in scores.items()) / n
    assert 0 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= 1
    mirrored: dict[float, int] = {}
    for score, count in scores.items():
        mirrored[1 - score] = mirrored.get(1 - score, 0) + count
    assert gaffke(mirrored) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_the_bound_is_where_the_chance_is_the_tail() -> None:
    scores = {0.4: 3, 0.9: 20, 1.0: 12}
    low, _ = gaffke(scores, 0.9)
    values, counts = (np.array(each, dtype=float) for each in (list(scores), list(scores.values())))
    assert chance_below(low, values, counts) == pytest.approx(0.05)


@pytest.mark.parametrize("scores", [{}, {1.2: 1}, {-0.1: 1}])
def test_what_is_no_score_is_refused(scores: dict[float, int]) -> None:
    with pytest.raises(ValueError, match="each in"):
        gaffke(scores)


def test_scores_pass_where_successes_of_the_same_sum_are_too_few_to_tell() -> None:
    random = np.random.default_rng(4)
    scores = random.beta(9.2, 0.8, 60).tolist()
    estimate = estimate_share(tally(Unit(1, score) for score in scores))
    assert estimate
    assert estimate.method == "gaffke"
    assert judge_bounds(estimate.low, estimate.high, 0.85, higher_is_better=True) is End.PASS
    as_successes = clopper_pearson(sum(scores), 60)[0]
    assert as_successes < 0.85 < (estimate.low or 0)
    assert estimate.stderr == pytest.approx(float(np.std(scores)) / 60**0.5)
    assert more_units(estimate, estimate.value - 0.001)


def test_scores_that_are_missing_count_as_the_worst() -> None:
    scores = [Unit(1, 0.9)] * 30 + [Unit(0, 0.0, 1)] * 3
    estimate = estimate_share(tally(scores))
    assert estimate
    assert estimate.low == pytest.approx(gaffke({0.9: 30, 0.0: 3})[0])
    assert estimate.high == pytest.approx(gaffke({0.9: 30, 1.0: 3})[1])
