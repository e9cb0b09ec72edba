from __future__ import annotations

import math
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from evidence import statistics
from evidence.statistics import (
    End,
    Missing,
    Plan,
    Tally,
    Unit,
    judge_bounds,
    judging,
    more_units,
    tally,
    tally_share,
)
from evidence.statistics.numerics import nearest, outward
from evidence.statistics.sequences import estimate_share_anytime
from tests.how_many import examples

CONFIDENCES = st.sampled_from([0.8, 0.9, 0.95, 0.99])
SCORES = st.floats(0, 1).map(lambda value: round(value, 6))


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 3000))
    return draw(st.integers(0, n)), n


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    sizes = draw(st.lists(st.integers(1, 8), min_size=1, max_size=40))
    return tally(Unit(n, draw(st.integers(0, n)), draw(st.integers(0, 1))) for n in sizes)


def share_of(units: Tally, confidence: float = 0.9) -> statistics.Estimate:
    estimate = statistics.estimate_share(units, confidence)
    assert estimate is not None
    return estimate


# --- Shares ---------------------------------------------------------------------------------------------------
@settings(deadline=None, max_examples=examples(25))
@given(shares(), CONFIDENCES)
def test_clopper_pearson_agrees_with_scipy_and_statsmodels(share: tuple[int, int], confidence: float) -> None:
    k, n = share
    low, high = statistics.clopper_pearson(k, n, confidence)
    scipy = stats.binomtest(k, n).proportion_ci(confidence, method="exact")
    peer = proportion_confint(k, n, alpha=1 - confidence, method="beta")
    assert low == pytest.approx(scipy.low, abs=1e-9)
    assert high == pytest.approx(scipy.high, abs=1e-9)
    assert (low, high) == pytest.approx(tuple(map(float, np.nan_to_num(peer, nan=0.0))), abs=1e-9)


@settings(deadline=None, max_examples=examples(25))
@given(st.floats(0.01, 0.995))
def test_smallest_n_is_the_smallest(threshold: float) -> None:
    n = statistics.smallest_n_at_least(threshold)
    assert n is not None
    assert statistics.clopper_pearson(n, n)[0] >= threshold - 1e-12
    assert n == 1 or statistics.clopper_pearson(n - 1, n - 1)[0] < threshold


def test_no_number_of_successes_shows_certainty() -> None:
    assert statistics.smallest_n_at_least(1.0) is None


def test_attempts_at_one_item_are_one_unit() -> None:
    """25 items x 4 attempts, one always wrong: what 24 of 25 items say, and not what 96 of 100 would."""
    estimate = share_of(tally([Unit(4, 4)] * 24 + [Unit(4, 0)]))
    assert (estimate.n, estimate.n_units, estimate.value) == (100, 25, 0.96)
    assert estimate.method == "korn_graubard"
    assert estimate.n_effective == pytest.approx(25)
    assert estimate.low is not None
    assert estimate.low < 0.84
    alone = share_of(tally_share(96, 100))
    assert alone.low is not None
    assert alone.low > 0.9


def test_units_without_a_failure_still_leave_a_bound() -> None:
    estimate = share_of(tally([Unit(4, 4)] * 25))
    assert estimate.low == pytest.approx(0.05 ** (1 / 25))
    assert share_of(tally([Unit(100, 100)])).low == pytest.approx(0.05)


@pytest.mark.parametrize("attempts", [4, 10, 20])
@pytest.mark.parametrize("failing", [1, 2, 5, 10, 25])
def test_a_failure_makes_no_result_surer(attempts: int, failing: int) -> None:
    """490 of 500 attempts at 25 items showed 0.966 where 500 of 500 showed 0.887: failures looked like independence."""
    right = Unit(attempts, float(attempts))
    all_right = share_of(Tally({right: 25})).low
    less = share_of(Tally({right: 25 - failing, Unit(attempts, attempts - 1.0): failing})).low
    assert all_right is not None
    assert less is not None
    assert less < all_right


@settings(deadline=None, max_examples=examples(60))
@given(tallies(), CONFIDENCES)
def test_units_show_no_more_than_as_many_that_all_came_out_alike(units: Tally, confidence: float) -> None:
    """No bound is nearer that holds whatever units are like: every other unit may fail whole, as rarely as that."""
    estimate = statistics.estimate_share(units, confidence)
    if estimate is None or units.is_independent:
        return
    assert estimate.low is not None
    assert estimate.high is not None
    worst, best = units.completed(0.0), units.completed(1.0)
    kept = ((1 - confidence) / 2) ** (1 / units.n_units)
    assert estimate.low <= worst.total / worst.n * kept + 1e-9
    assert 1 - estimate.high <= (1 - best.total / best.n) * kept + 1e-9


def test_scores_of_items_that_are_rarely_worth_nothing_make_no_false_passes() -> None:
    """Ten attempts at each of 40 items score about 0.97; one item in 50 scores 0 each time. Before, 39 % passed."""
    drawn = np.random.default_rng(8)
    passed = 0
    for _ in range(200):
        scores = np.clip(0.97 + drawn.uniform(-0.03, 0.03, (40, 10)), 0, 1)
        scores[drawn.random(40) < 0.02] = 0
        low = share_of(tally(Unit(10, float(each.sum())) for each in scores)).low
        passed += low is not None and low > 0.98 * 0.97
    assert passed <= 20  # of 200 at 5 %: 10, and three standard errors more


def test_korn_and_graubard_by_hand() -> None:
    """Each step of the paper's section 2, with the degrees of freedom of the units that hold most of the failures."""
    units = [Unit(5, 5)] * 60 + [Unit(5, 4)] * 20 + [Unit(5, 2)] * 20
    p, degrees = 420 / 500, 1.5 * (20 * 1 + 20 * 3**2) ** 2 / (20 * 1 + 20 * 3**4)
    variance = 100 / 99 * sum((unit.total - p * 5) ** 2 for unit in units) / 500**2
    effective = p * (1 - p) / variance * (stats.t.ppf(0.95, 499) / stats.t.ppf(0.95, degrees)) ** 2
    estimate = share_of(tally(units))
    assert estimate.n_effective == pytest.approx(effective)
    assert estimate.low == pytest.approx(
        stats.beta.ppf(0.05, p * effective, effective - p * effective + 1), rel=1e-8
    )


def test_units_of_very_unequal_size_make_no_false_passes() -> None:
    """Sizes of a lognormal distribution: the residuals of a few large units tell how sure the share is."""
    rng, passes, draws = np.random.default_rng(11), 0, 400
    for _ in range(draws):
        sizes = np.maximum(1, np.round(rng.lognormal(1, 1.5, 100))).astype(int)
        successes = rng.binomial(sizes, rng.beta(2.1, 0.7 / 3, 100))  # 0.9, correlation 0.3
        low = share_of(tally(map(Unit, sizes.tolist(), successes.tolist()))).low
        passes += low is not None and low >= 0.9
    assert passes / draws <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / draws)


@settings(deadline=None, max_examples=examples(25))
@given(tallies())
def test_effective_n_is_never_above_n_and_bounds_enclose_the_value(units: Tally) -> None:
    estimate = share_of(units)
    assert 1 - 1e-9 <= estimate.n_effective <= units.n + units.n_missing + 1e-9
    assert estimate.low is not None
    assert estimate.high is not None
    assert 0 <= estimate.low <= estimate.value + 1e-9
    assert estimate.value - 1e-9 <= estimate.high <= 1


@settings(deadline=None, max_examples=examples(25))
@given(tallies(), st.integers(0, 20))
def test_more_that_is_missing_never_narrows_the_interval(units: Tally, more: int) -> None:
    before = share_of(units)
    counted = dict(units.items())
    counted[Unit(0, 0.0, 1)] = counted.get(Unit(0, 0.0, 1), 0) + more
    after = share_of(Tally(counted))
    assert before.worst is not None
    assert before.best is not None
    assert after.worst is not None
    assert after.best is not None
    assert after.worst <= before.worst
    assert after.best >= before.best


@settings(deadline=None, max_examples=examples(25))
@given(st.lists(SCORES, min_size=2, max_size=80))
def test_interval_of_bounded_scores_never_collapses(values: list[float]) -> None:
    estimate = share_of(tally(Unit(1, value) for value in values))
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < estimate.high


def test_missing_counts_against_both_ends() -> None:
    """925 right, 35 wrong, 40 errors: as bad as 925 of 1,000 may be, and as good as 965."""
    estimate = share_of(tally_share(925, 960, missing=40))
    assert (estimate.value, estimate.worst, estimate.best) == (nearest(925 / 960), 0.925, 0.965)
    assert estimate.low == pytest.approx(stats.binomtest(925, 1000).proportion_ci(0.9, "exact").low)
    assert estimate.high == pytest.approx(stats.binomtest(965, 1000).proportion_ci(0.9, "exact").high)


def test_nothing_observed_is_no_estimate() -> None:
    assert statistics.estimate_share(tally([], alone_missing=3)) is None
    assert statistics.estimate_mean(tally([], alone_missing=3)) is None
    assert statistics.estimate_percentile({}, 0.9, alone_missing=3) is None


# --- Means ----------------------------------------------------------------------------------------------------
@settings(deadline=None, max_examples=examples(25))
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60), CONFIDENCES)
def test_a_mean_is_at_least_as_cautious_as_students(values: list[float], confidence: float) -> None:
    estimate = statistics.estimate_mean(tally(Unit(1, value) for value in values), confidence)
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    half = (
        stats.t.ppf(0.5 + confidence / 2, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))
    )
    slack = 1e-6 * (1 + max(map(abs, values)))
    assert estimate.low <= np.mean(values) - half + slack
    assert estimate.high >= np.mean(values) + half - slack


def test_a_symmetric_mean_is_students() -> None:
    values = [float(value) for value in range(-10, 11)]
    estimate = statistics.estimate_mean(tally(Unit(1, value) for value in values))
    assert estimate is not None
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (estimate.low, estimate.high) == pytest.approx((theirs.low, theirs.high))
    assert not estimate.doubt


def test_a_long_tail_is_no_answer_and_says_what_is() -> None:
    values = np.random.default_rng(1).lognormal(6, 1, 60).tolist()
    estimate = statistics.estimate_mean(tally(Unit(1, value) for value in values))
    assert estimate is not None
    assert "ask for a percentile" in estimate.doubt


def test_a_mean_of_units_varies_by_unit() -> None:
    alone = statistics.estimate_mean(tally(Unit(1, value) for value in [1.0, 2.0, 3.0, 4.0] * 5))
    attempts = statistics.estimate_mean(tally(Unit(5, 5 * value) for value in [1.0, 2.0, 3.0, 4.0]))
    assert alone is not None
    assert attempts is not None
    assert (alone.value, alone.n, alone.n_units) == (2.5, 20, 20)
    assert (attempts.value, attempts.n, attempts.n_units) == (2.5, 20, 4)
    theirs = stats.ttest_1samp([1, 2, 3, 4], 0).confidence_interval(0.9)
    assert attempts.high == pytest.approx(theirs.high)


@pytest.mark.parametrize(
    ("units", "says"),
    [
        ([Unit(1, 4.0)], "one unit"),
        ([Unit(1, 0.1)] * 9, "all values are equal"),
        ([Unit(1, 4.0), Unit(1, 5.0), Unit(0, 0.0, 1)], "1 observations are missing"),
        ([Unit(1, 4.0), Unit(1, 5.0)], "2 units cannot show how skewed"),
        ([Unit(40, 4.0), Unit(40, 5.0), Unit(40, 4.5)], "3 units cannot show how skewed"),
    ],
)
def test_a_mean_says_why_it_promises_nothing(units: list[Unit], says: str) -> None:
    estimate = statistics.estimate_mean(tally(units))
    assert estimate is not None
    assert says in estimate.doubt


@pytest.mark.parametrize("n", [2, 4, 12])
def test_a_mean_of_few_skewed_values_makes_no_false_passes(n: int) -> None:
    """Two values are never skewed, and Cochran's rule let 18 to 48 % of them pass."""
    rng, passes, draws = np.random.default_rng(2), 0, 1000
    for _ in range(draws):
        estimate = statistics.estimate_mean(
            tally(Unit(1, value) for value in rng.lognormal(0, 1.5, n).tolist())
        )
        assert estimate is not None
        assert estimate.high is not None
        passes += not estimate.doubt and estimate.high <= math.exp(1.5**2 / 2)
    assert passes / draws <= 0.05


# --- Percentiles ----------------------------------------------------------------------------------------------
@settings(deadline=None, max_examples=examples(25))
@given(st.integers(2, 300), st.sampled_from([0.5, 0.9, 0.95]), st.integers(0, 5))
def test_percentile_bounds_are_the_order_statistics(n: int, q: float, missing: int) -> None:
    """Against the binomial itself: the r-th of all values is a bound at 0.95 if P(B < r) is, with missing beyond."""
    values = {str(index): [float(index)] for index in range(1, n + 1)}
    estimate = statistics.estimate_percentile(values, q, alone_missing=missing)
    assert estimate is not None
    everything = n + missing
    above = next(
        (r for r in range(1, everything + 1) if stats.binom.cdf(r - 1, everything, q) >= 0.95), everything + 1
    )
    below = max(
        (r for r in range(1, everything + 1) if stats.binom.sf(r - 1, everything, q) >= 0.95), default=0
    )
    assert estimate.high == (float(above) if above <= n else None)
    assert estimate.low == (float(below - missing) if below > missing else None)


def test_attempts_are_no_further_values_of_a_percentile() -> None:
    ones = {str(index): [float(index)] for index in range(60)}
    fours = {unit: values * 4 for unit, values in ones.items()}
    alone, attempts = (statistics.estimate_percentile(values, 0.9) for values in (ones, fours))
    assert alone is not None
    assert attempts is not None
    assert (attempts.n, attempts.n_units) == (240, 60)
    assert attempts.high is not None
    assert alone.high is not None
    assert attempts.high >= alone.high


# --- What is missing, and the three ends ----------------------------------------------------------------------
def test_a_limit_makes_no_dataset_smaller() -> None:
    assert Plan(samples=1000, limit=25).absent([1] * 25) == 975
    assert Plan(samples=8, epochs=2).absent([2] * 7) == 2
    assert Plan(limit=6).absent([1] * 4) == 2
    assert Plan(samples=6, limit=1000).absent([1] * 6) == 0
    assert Plan().absent([]) == 0
    assert Plan(limit=6).is_open
    assert Missing(errored=1, absent=2).as_dict() == {"errored": 1, "absent": 2}


def test_a_further_attempt_at_one_item_stands_for_none_at_another() -> None:
    assert Plan(samples=100).absent([2] * 50) == 50
    assert Plan(samples=25, epochs=4).absent([5] * 20) == 20
    assert Plan(epochs=4).absent([4, 1]) == 3  # of items that nobody counted, the attempts still are


def test_missing_attempts_of_nobody_knows_which_item_fill_whole_items() -> None:
    """One item of 25 whose 40 attempts were rejected is one failure of 25, and not 40 independent ones of 1,000."""
    rejected = tally([Unit(40, 40.0)] * 24, alone_missing=40)
    scored = tally([Unit(40, 40.0)] * 24 + [Unit(40, 0.0)])
    assert share_of(rejected).low == share_of(scored).low
    assert share_of(rejected).n_units == 25
    assert tally([Unit(1, 1.0)], alone_missing=3).n_units == 4


def test_missing_attempts_of_unknown_items_make_no_false_passes() -> None:
    """Each item is wholly right, or wrong in one of twenty and then all of its attempts are rejected."""
    rng, passes = random.Random(3), 0  # a simulation
    for _ in range(400):
        failed = sum(rng.random() < 0.05 for _ in range(100))
        low = share_of(tally([Unit(5, 5.0)] * (100 - failed), alone_missing=5 * failed)).low
        passes += low is not None and low >= 0.95
    assert passes / 400 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_missing_values_of_a_percentile_belong_to_their_unit() -> None:
    fours: dict[str, list[float | None]] = {str(k): [1.0, 1.0, None, None] for k in range(25)}
    estimate = statistics.estimate_percentile(fours, 0.4)
    assert estimate is not None
    assert (estimate.n, estimate.n_units) == (50, 25)
    unknown = statistics.estimate_percentile({str(k): [1.0] * 4 for k in range(20)}, 0.4, alone_missing=20)
    assert unknown is not None
    assert unknown.n_units == 25


@pytest.mark.parametrize(("q", "rank"), [(0.55, 55), (0.56, 56), (0.07, 7), (0.95, 95), (0.551, 56)])
def test_the_value_of_a_percentile_is_that_of_its_rank(q: float, rank: int) -> None:
    """0.55 x 100 is 55.00000000000001 in floating point."""
    values = {str(k): [float(k)] for k in range(1, 101)}
    estimate = statistics.estimate_percentile(values, q)
    assert estimate is not None
    assert estimate.value == rank


@pytest.mark.parametrize(
    ("low", "high", "at_least", "at_most"),
    [
        (0.91, 0.99, End.PASS, End.FAIL),
        (0.9, 0.9, End.PASS, End.PASS),
        (0.82, 0.924, End.INSUFFICIENT, End.INSUFFICIENT),  # 88 of 100: not known to miss 0.9
        (0.7, 0.89, End.FAIL, End.PASS),
        (None, 0.89, End.FAIL, End.PASS),
        (0.91, None, End.PASS, End.FAIL),
        (None, None, End.INSUFFICIENT, End.INSUFFICIENT),
    ],
)
def test_an_end_is_known_by_the_bound_of_its_side(
    low: float | None, high: float | None, at_least: End, at_most: End
) -> None:
    assert judge_bounds(low, high, 0.9, higher_is_better=True) is at_least
    assert judge_bounds(low, high, 0.9, higher_is_better=False) is at_most


@pytest.mark.parametrize(("k", "n"), [(92, 100), (20, 20), (85, 100), (8, 10), (460, 500)])
def test_as_many_more_as_are_told_settle_it(k: int, n: int) -> None:
    """Were the truth what was observed, the smaller n leaves less than 80 % power, and n and what was told leave it."""
    more = more_units(share_of(tally_share(k, n)), 0.9)
    assert more is not None
    above = k / n > 0.9
    p, threshold = (k / n, 0.9) if above else (1 - k / n, 0.1)
    critical = stats.binom.isf(0.05, n + more, threshold) + 1
    assert stats.binom.sf(critical - 1, n + more, p) >= 0.8 or more == 1


def test_what_more_units_cannot_settle_is_not_promised() -> None:
    at_the_threshold = share_of(tally_share(90, 100))
    assert more_units(at_the_threshold, 0.9) is None
    could_be_either = share_of(tally_share(38, 40, missing=36))
    assert more_units(could_be_either, 0.85) is None


def test_units_are_worth_what_they_say() -> None:
    """Four attempts each at items that do not vary within are worth an item: as many more as of single attempts."""
    single = more_units(share_of(tally([Unit(1, 1)] * 24 + [Unit(1, 0)])), 0.9)
    several = more_units(share_of(tally([Unit(4, 4)] * 24 + [Unit(4, 0)])), 0.9)
    assert single == several


# Units, and a threshold that they do not show: few that fail whole, noise that makes attempts look independent, both,
# sizes that differ, and a fail that is not shown.
BY_CHANCE = {Unit(20, 20): 8, Unit(20, 19): 7, Unit(20, 18): 4, Unit(20, 17): 1}
NOT_SHOWN = {
    "noise": (BY_CHANCE, 0.9),
    "few that fail": ({Unit(20, 20): 37, Unit(20, 0): 3}, 0.85),
    "both": ({Unit(10, 10): 30, Unit(10, 9): 28, Unit(10, 0): 2}, 0.9),
    "all good": ({Unit(4, 4): 20}, 0.9),
    "of any size": ({Unit(2, 2): 25, Unit(9, 8): 12, Unit(30, 29): 4}, 0.9),
    "a fail": ({Unit(5, 4): 24, Unit(5, 3): 16}, 0.82),
}


@pytest.mark.parametrize("anytime", [False, True], ids=["one look", "at all looks"])
@pytest.mark.parametrize("name", NOT_SHOWN)
def test_as_many_more_units_as_are_told_settle_it(name: str, anytime: bool) -> None:
    """Drawn from what was observed: so many more settle it in most draws, and a third of them in fewer than that."""
    counted, threshold = NOT_SHOWN[name]
    estimate_of = estimate_share_anytime if anytime else statistics.estimate_share
    estimate = estimate_of(Tally(counted), 0.9)
    assert estimate is not None
    more = more_units(estimate, threshold)
    assert more is not None
    units, weights = list(counted), np.array(list(counted.values())) / sum(counted.values())
    random = np.random.default_rng(7)

    def settled(n_units: int) -> float:
        ends = []
        for drawn in random.multinomial(n_units, weights, size=60):
            found = estimate_of(Tally(dict(zip(units, map(int, drawn), strict=True))), 0.9)
            assert found is not None
            ends.append(judge_bounds(found.low, found.high, threshold, higher_is_better=True))
        return sum(end is not End.INSUFFICIENT for end in ends) / len(ends)

    n_units = sum(counted.values())
    assert settled(n_units + more) > 0.5
    assert more < 4 or settled(n_units + more // 3) < 0.75


def test_more_units_are_told_by_the_rule_where_units_show_no_more_than_units_alike() -> None:
    """By a straight line from what 40 items show it took more than 500."""

    def items(times: int) -> Tally:
        """Twenty items so many times, whose attempts fail by chance."""
        return Tally({unit: count * times for unit, count in BY_CHANCE.items()})

    by_hand = next(20 * k for k in range(2, 100) if (share_of(items(k)).low or 0) >= 0.94)
    more = more_units(share_of(items(2)), 0.94)
    assert more is not None
    assert by_hand <= 40 + more <= 1.3 * by_hand


def test_what_is_asked_again_is_not_worked_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    of_units = Tally({Unit(7, 6): 31, Unit(7, 5): 8})
    first = more_units(share_of(of_units), 0.8)
    monkeypatch.setattr(judging, "worth_of", None)
    assert more_units(share_of(Tally(dict(of_units.items()))), 0.8) == first


# --- Numbers as they are held ---------------------------------------------------------------------------------
@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_rounding_makes_no_interval_narrower(one: float, other: float) -> None:
    low, high = sorted((one, other))
    rounded = outward(low, high)
    assert rounded[0] <= low or math.isclose(rounded[0], low, rel_tol=1e-15)
    assert rounded[1] >= high or math.isclose(rounded[1], high, rel_tol=1e-15)
    assert outward(*rounded) == rounded


def test_a_number_of_few_digits_stays_it() -> None:
    assert outward(0.9, 0.9) == (0.9, 0.9)
    assert outward(1 - 0.1, 0.1 + 0.2) == (0.9, 0.3)


def test_nobody_imports_scipy_before_a_number_is_asked_for() -> None:
    """A web process serves pages long before it judges anything."""
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup()\n"
        "import config.urls, evidence.statistics\n"
        "from evidence.tasks import *\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'scipy', 'numpy', 'statsmodels'}))\n"
        "evidence.statistics.estimate_successes(1, 2); print('scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-3:-1] == ["[]", "True"], done.stdout


@pytest.mark.parametrize(
    "call",
    [
        lambda: statistics.clopper_pearson(0, 0),
        lambda: statistics.clopper_pearson(4, 3),
        lambda: statistics.clopper_pearson(1, 3, 1.0),
        lambda: tally_share(4, 3),
        lambda: statistics.estimate_share(tally([Unit(1, 1.5)])),
        lambda: statistics.estimate_mean(tally([Unit(1, 1.0), Unit(1, math.nan)])),
        lambda: statistics.estimate_percentile({"a": [1.0]}, 1.0),
        lambda: statistics.estimate_percentile(defaultdict(list, a=[math.inf]), 0.5),
    ],
)
def test_nonsense_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        call()
