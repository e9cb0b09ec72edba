from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evidence import statistics

CONFIDENCES = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 3000))
    return draw(st.integers(0, n)), n


@settings(deadline=None, max_examples=60)
@given(shares(), CONFIDENCES)
def test_wilson_agrees_with_scipy(share: tuple[int, int], confidence: float) -> None:
    k, n = share
    ours = statistics.wilson(k, n, confidence)
    theirs = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(shares(), CONFIDENCES)
def test_clopper_pearson_agrees_with_scipy(share: tuple[int, int], confidence: float) -> None:
    k, n = share
    ours = statistics.clopper_pearson(k, n, confidence)
    theirs = stats.binomtest(k, n).proportion_ci(confidence, method="exact")
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60), CONFIDENCES)
def test_mean_agrees_with_scipy(values: list[float], confidence: float) -> None:
    ours = statistics.mean_t(values, confidence)
    mean = math.fsum(values) / len(values)
    variance = math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)
    half = stats.t.ppf(0.5 + confidence / 2, len(values) - 1) * math.sqrt(variance / len(values))
    assert ours.value == pytest.approx(mean)
    assert ours.low == pytest.approx(mean - half, rel=1e-7, abs=1e-6)
    assert ours.high == pytest.approx(mean + half, rel=1e-7, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 1), st.floats(0.05, 400), st.floats(0.05, 400))
def test_incomplete_beta_agrees_with_scipy(x: float, a: float, b: float) -> None:
    assert statistics.incomplete_beta(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), abs=1e-9)


@pytest.mark.parametrize("degrees", [1, 2, 5, 29, 400])
@pytest.mark.parametrize("p", [0.005, 0.3, 0.5, 0.9, 0.975])
def test_t_quantile_agrees_with_scipy(p: float, degrees: int) -> None:
    assert statistics.t_quantile(p, degrees) == pytest.approx(stats.t.ppf(p, degrees), abs=1e-8)


def test_three_of_three_does_not_show_ninety_five_per_cent() -> None:
    low = statistics.wilson(3, 3).low
    assert low is not None
    assert low < 0.5


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=80))
def test_interval_of_bounded_scores_never_collapses(values: list[float]) -> None:
    n = len(values)
    estimate = statistics.wilson(min(math.fsum(values), n), n)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < estimate.high
    assert estimate.low <= estimate.value <= estimate.high


@settings(deadline=None, max_examples=60)
@given(st.floats(0.01, 0.995))
def test_smallest_n_is_the_smallest(threshold: float) -> None:
    n = statistics.smallest_n_at_least(threshold)
    assert n is not None
    enough = statistics.wilson(n, n).low
    assert enough is not None
    assert enough >= threshold
    if n > 1:
        one_less = statistics.wilson(n - 1, n - 1).low
        assert one_less is not None
        assert one_less < threshold


def test_no_number_of_successes_shows_certainty() -> None:
    assert statistics.smallest_n_at_least(1.0) is None


def test_one_value_has_no_interval() -> None:
    estimate = statistics.mean_t([4.0])
    assert (estimate.value, estimate.low, estimate.high, estimate.stderr) == (4.0, None, None, None)


@pytest.mark.parametrize(
    "call",
    [
        lambda: statistics.wilson(0, 0),
        lambda: statistics.wilson(4, 3),
        lambda: statistics.wilson(1, 3, 1.0),
        lambda: statistics.mean_t([]),
        lambda: statistics.mean_t([1.0, math.nan]),
    ],
)
def test_nonsense_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        call()
