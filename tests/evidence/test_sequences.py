"""Confidence sequences beside slow direct versions, published formulas and exact chances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.calibration.looks import (
    anytime_bound,
    chance_of_ever_passing,
    exact_bound,
    fewest_at_looks,
    fewest_to_pass,
)
from bench.calibration.naive import wilson_low
from bench.calibration.page import ALPHA
from evidence.statistics import (
    End,
    Estimate,
    Tally,
    Unit,
    estimate_share,
    judge_bounds,
    more_units,
    tally,
    tally_share,
    two_sided,
)
from evidence.statistics.sequences import (
    Wager,
    anytime_mean,
    anytime_share,
    estimate_share_anytime,
    fewest_to_show,
)

SHARES_STAKED = [Fraction(k, 21) for k in range(20, 0, -1)] + [Fraction(1, 21 * 2**k) for k in range(1, 7)]


def wealth_against(mean: Fraction, values: Sequence[Fraction]) -> Fraction:
    """Return the mean wealth of grid-Kelly gamblers, as the paper writes it: product after product, exactly."""
    held = []
    for stake in SHARES_STAKED:
        wealth = Fraction(1)
        for value in values:
            wealth *= 1 + stake / mean * (value - mean)
        held.append(wealth)
    return sum(held, Fraction(0)) / len(held)


def howard_half_width(n: int, alpha: float) -> float:
    """Return the half-width of the stitched bound for [0, 1].

    Source: Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences",
    Annals of Statistics 49 (2021), equation (2), with variance process n / 4 (Hoeffding).
    """
    variance = n / 4
    return 1.7 * math.sqrt(variance * (math.log(math.log(2 * variance)) + 0.72 * math.log(5.2 / alpha))) / n


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 10), min_size=3, max_size=40), st.sampled_from([0.8, 0.9, 0.98]))
def test_bounds_are_where_the_exact_wealth_reaches_its_goal(tenths: list[int], confidence: float) -> None:
    values = [Fraction(each, 10) for each in tenths]
    goal = 2 / (1 - Fraction(confidence))
    estimate = anytime_mean([float(each) for each in values], confidence)
    assert estimate.value == pytest.approx(float(sum(values) / len(values)))
    for bound, seen in ((estimate.low, values), (1 - (estimate.high or 0), [1 - each for each in values])):
        assert bound is not None
        if bound > 1e-6:
            assert wealth_against(Fraction(bound) - Fraction(1, 10**8), seen) >= goal
        assert wealth_against(Fraction(bound) + Fraction(1, 10**8), seen) < goal


@pytest.mark.parametrize(("threshold", "every"), [(0.9, 10), (0.9, 50), (0.95, 50), (0.5, 50)])
def test_looking_again_and_again_keeps_alpha_exactly(threshold: float, every: int) -> None:
    looks = range(every, 1001, every)
    ever = fewest_at_looks(looks, threshold)
    for n, fewest in ever.items():  # as the product says at each look
        assert fewest > n or anytime_bound(fewest, n) >= threshold
        assert fewest == 0 or anytime_bound(fewest - 1, n) < threshold
    naive = {n: fewest_to_pass(wilson_low, n, threshold) for n in looks}
    assert chance_of_ever_passing(threshold, ever) <= ALPHA
    assert chance_of_ever_passing(threshold, naive) > 3 * ALPHA


def test_looking_at_many_observations_still_passes_what_is_good_enough() -> None:
    looks = fewest_at_looks(range(50, 1001, 50), 0.9)
    assert chance_of_ever_passing(0.94, looks) > 0.85


@pytest.mark.parametrize("n", [100, 1_000, 10_000])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_bounds_lie_between_the_one_look_bound_and_the_published_one(n: int, share: float) -> None:
    successes = round(share * n)
    bound = anytime_bound(successes, n)
    assert share - howard_half_width(n, ALPHA) < bound < exact_bound(successes, n)


def test_bounds_of_a_mean_hold_at_all_looks_where_values_are_not_binary() -> None:
    """Against the mean of a beta distribution, a look after each of 400 values, 500 times over."""
    rng = np.random.default_rng(7)
    wins = 0
    for values in rng.beta(4, 1, (500, 40, 10)):
        wager = Wager(0.8)
        for ten in values:
            wager = wager.after(list(ten))
            if wager.is_won(ALPHA):
                wins += 1
                break
    assert wins / 500 <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 500)


def test_order_makes_no_difference_to_the_last_bit() -> None:
    values = list(np.random.default_rng(3).beta(9, 1, 5_000))
    assert anytime_mean(values) == anytime_mean(values[::-1]) == anytime_mean(sorted(values))


def test_a_share_is_the_mean_of_zeros_and_ones() -> None:
    assert anytime_share(93, 100, 0.9) == anytime_mean([1.0] * 93 + [0.0] * 7, 0.9)


def test_limits_rescale_the_interval() -> None:
    plain, stars = anytime_mean([0.5, 0.75, 1.0] * 9), anytime_mean([3, 4, 5] * 9, lowest=1, highest=5)
    assert stars.low == pytest.approx(1 + 4 * (plain.low or 0))
    assert stars.high == pytest.approx(1 + 4 * (plain.high or 0))
    assert stars.stderr == pytest.approx(4 * (plain.stderr or 0))


@pytest.mark.parametrize(
    ("successes", "n"), [(0, 1), (1, 1), (0, 50), (50, 50), (100_000, 100_000), (1, 10**6)]
)
def test_extremes_have_bounds(successes: int, n: int) -> None:
    estimate = anytime_share(successes, n)
    assert 0 <= (estimate.low or 0) <= successes / n <= (estimate.high or 0) <= 1
    assert (estimate.high == 1) == (successes == n)
    assert (estimate.low == 0) or successes == n


def test_bounds_keep_narrowing_to_a_million() -> None:
    gaps = [0.9 - anytime_bound(9 * n // 10, n) for n in (10**4, 10**5, 10**6)]
    assert gaps[0] / gaps[1] > 2.7
    assert gaps[1] / gaps[2] > 2.7


def test_a_hundred_thousand_values_are_a_matter_of_moments() -> None:
    values = np.random.default_rng(5).beta(9, 1, 100_000)
    estimate = anytime_mean(list(values), two_sided(0.95))
    assert 0.898 < (estimate.low or 0) < 0.9 < (estimate.high or 0) < 0.902


def test_a_wager_goes_on_from_where_it_stood() -> None:
    values = [1.0, 0.0, 1.0, 0.5] * 50
    whole, halves = Wager(0.5).after(values), Wager(0.5).after(values[:70]).after(values[70:])
    assert halves.log_wealths == pytest.approx(whole.log_wealths)
    assert Wager(0.5).after([]) == Wager(0.5)


def test_a_wager_is_won_where_the_bound_is_above_its_mean() -> None:
    values = [1.0] * 95 + [0.0] * 5
    low = anytime_mean(values, two_sided(0.95)).low or 0
    assert Wager(low - 1e-6).after(values).is_won(ALPHA)
    assert not Wager(low + 1e-6).after(values).is_won(ALPHA)


def test_a_bound_is_given_up_when_later_observations_speak_against_it() -> None:
    early, later = anytime_share(100, 100), anytime_share(100, 200)
    assert (later.low or 0) < 0.6 < (early.low or 0)


@pytest.mark.parametrize("values", [[], [0.5, 1.01], [-0.1], [math.nan]])
def test_values_outside_the_limits_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="needs"):
        anytime_mean(values)


@pytest.mark.parametrize("confidence", [0, 1, -1])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        anytime_share(1, 2, confidence)


def test_limits_that_enclose_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing lies between"):
        anytime_mean([1.0], lowest=1, highest=1)


def test_nobody_bets_against_a_certainty() -> None:
    with pytest.raises(ValueError, match="nobody can bet"):
        Wager(1.0).after([1.0])


def streams(share: float, *, n_streams: int, looks: Sequence[int]) -> list[list[Tally]]:
    """Return what each look at each stream of traces sees: four claims a trace, correlated at 0.3."""
    random, spread = np.random.default_rng(20_261_127), 0.7 / 0.3
    chances = random.beta(share * spread, (1 - share) * spread, size=(n_streams, max(looks)))
    found = random.binomial(4, chances)
    return [[tally(Unit(4, float(k)) for k in stream[:n]) for n in looks] for stream in found]


def low_of(estimate: Estimate | None) -> float:
    return estimate.low or 0.0 if estimate else 0.0


def test_a_gate_asked_while_traces_arrive_keeps_its_alpha() -> None:
    """Fifteen looks at each of 120 streams whose true share is the threshold."""
    often, once = 0, 0
    for looks in streams(0.9, n_streams=120, looks=range(20, 301, 20)):
        often += any(low_of(estimate_share_anytime(units, 0.9)) >= 0.9 for units in looks)
        once += any(low_of(estimate_share(units, 0.9)) >= 0.9 for units in looks)
    assert often / 120 <= 0.05
    assert once / 120 > 0.10


def test_what_is_missing_counts_against_either_end_at_any_look() -> None:
    estimate = estimate_share_anytime(tally([Unit(2, 2.0)] * 40 + [Unit(0, 0.0, 1)] * 3), 0.9)
    assert estimate is not None
    assert (estimate.value, estimate.n, estimate.n_units) == (1.0, 80, 43)
    assert estimate.worst == pytest.approx(80 / 83)
    failed = estimate_share_anytime(tally([Unit(2, 2.0)] * 40 + [Unit(1, 0.0)] * 3), 0.9)
    assert failed is not None
    assert estimate.low == failed.low
    assert failed.low is not None
    assert failed.low < 80 / 83
    assert estimate.high == 1
    assert estimate_share_anytime(tally([], alone_missing=3), 0.9) is None


@pytest.mark.parametrize("threshold", [0.8, 0.9, 0.99])
def test_the_fewest_units_that_show_a_share_at_any_look(threshold: float) -> None:
    fewest = fewest_to_show(threshold, 0.9)
    assert fewest is not None
    assert (anytime_share(fewest - 1, fewest - 1, 0.9).low or 0) < threshold
    assert (anytime_share(fewest, fewest, 0.9).low or 0) >= threshold
    assert fewest_to_show(1.0, 0.9) is None


@pytest.mark.parametrize(("good", "n"), [(60, 62), (300, 320), (45, 45)])
def test_about_how_many_more_settle_a_share_at_all_looks(good: int, n: int) -> None:
    """As many more like these do settle it, and half as many do not."""
    estimate = estimate_share_anytime(tally_share(good, n), 0.9)
    assert estimate is not None
    more = more_units(estimate, 0.92)
    assert more is not None
    for further, settles in ((more, True), (more // 3, False)):
        later = anytime_share(round(good / n * (n + further)), n + further, 0.9)
        end = judge_bounds(later.low, later.high, 0.92, higher_is_better=True)
        assert (end is not End.INSUFFICIENT) is settles
