"""Two runs beside each other: tests and bounds beside other implementations, and what is claimed."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from bench.calibration.comparison import (
    MARGIN,
    measure_different_case,
    measure_means_case,
    paired_claims,
    unpaired_claims,
)
from evidence.statistics.comparison import (
    Claim,
    Comparison,
    Observation,
    Outcome,
    Scale,
    compare,
    find_mismatches,
)
from evidence.statistics.differences import mean_difference, paired_shares, unpaired_means, unpaired_shares
from evidence.statistics.multiplicity import adjust_benjamini_hochberg, adjust_holm

RUNS = Path("tests/evidence/data/runs_to_compare")
STARS = Scale(lowest=1, highest=5)
SECONDS = Scale(higher_is_better=False, lowest=0, highest=None)
TABLES = [(7, 13, 90), (0, 0, 30), (0, 6, 50), (12, 0, 100), (3, 3, 20), (40, 55, 400)]


def run_of(name: str) -> list[Observation]:
    samples = json.loads((RUNS / name).read_text(encoding="utf-8"))["samples"]
    return [Observation(each["id"], float(each["scores"]["accuracy"]["value"])) for each in samples]


def scored(values: str, *, start: int = 0, slices: tuple[str, ...] = ()) -> list[Observation]:
    """Return items from a string of 0, 1 and - for no score."""
    return [
        Observation(f"i{start + k}", None if v == "-" else float(v), None, slices)
        for k, v in enumerate(values)
    ]


def compared(old: str, new: str, margin: float | None = None) -> Comparison:
    return compare(scored(old), scored(new), margin=margin)


@pytest.mark.parametrize(
    ("old", "new", "start"),
    [
        pytest.param([0.1, 0.7, 0.3], [0.3, 0.1, 0.7], 0, id="the same items"),
        pytest.param([0.1, 0.2, 0.3], [0.3, 0.1, 0.2], 100, id="other items"),
    ],
)
def test_no_digits_are_told_of_a_difference_that_are_floating_points(
    old: list[float], new: list[float], start: int
) -> None:
    """The means are the same, and what is told of their difference is 0: not 2.8e-17."""
    baseline = [Observation(str(k), value) for k, value in enumerate(old * 10)]
    candidate = [Observation(str(start + k), value) for k, value in enumerate(new * 10)]
    found = compare(baseline, candidate)
    assert found.improvement is not None
    assert str(found.improvement.value) == "0.0"
    assert (found.paired, found.n_baseline, found.n_candidate) == (start == 0, 30, 30)


# -- the figures ------------------------------------------------------------------------------------------------------


def test_the_case_of_two_runs_that_share_ninety_items() -> None:
    """90 shared items: baseline 81 right, candidate 75; 13 worse, 7 better, exact McNemar p = 0.263."""
    comparison = compare(run_of("baseline-run.json"), run_of("candidate-run.json"), margin=0.1)
    assert (comparison.paired, comparison.n, comparison.units) == (True, 90, 90)
    assert comparison.baseline == 81 / 90
    assert comparison.candidate == 75 / 90
    assert (len(comparison.newly_failing), len(comparison.newly_passing)) == (13, 7)
    assert (len(comparison.only_baseline), len(comparison.only_candidate)) == (10, 10)
    assert comparison.improvement is not None
    assert comparison.improvement.p_value == pytest.approx(0.263, abs=5e-4)
    assert comparison.outcome is Outcome.NO_DIFFERENCE_SHOWN
    assert comparison.non_inferior is Claim.NOT_SHOWN


@pytest.mark.parametrize(("better", "worse", "n"), TABLES)
def test_mcnemar_is_that_of_statsmodels(better: int, worse: int, n: int) -> None:
    theirs = mcnemar([[n - better - worse, better], [worse, 0]], exact=True).pvalue
    assert paired_shares(better, worse, n, 0.05).p_value == pytest.approx(min(1.0, theirs))


def tango_by_search(better: int, worse: int, n: int, difference: float) -> float:
    """Return the continuity-corrected score statistic, its nuisance found by searching for the greatest likelihood."""
    same = n - better - worse

    def minus_log_likelihood(only_worse: float) -> float:
        chances = (only_worse + difference, only_worse, 1 - 2 * only_worse - difference)
        return -sum(k * math.log(p) for k, p in zip((better, worse, same), chances, strict=True) if k)

    least, most = max(0.0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12
    found = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(least, most), method="bounded", options={"xatol": 1e-12}
    )
    error = math.sqrt(n * (2 * found.x + difference - difference**2))
    return (better - worse - n * difference - 0.5) / error


@pytest.mark.parametrize(("better", "worse", "n"), [(7, 13, 90), (2, 6, 50), (12, 1, 100), (40, 55, 400)])
def test_paired_bounds_are_where_the_score_statistic_reaches_its_quantile(
    better: int, worse: int, n: int
) -> None:
    difference = paired_shares(better, worse, n, 0.05)
    assert tango_by_search(better, worse, n, difference.low or 0) == pytest.approx(1.6448536, abs=1e-4)
    assert tango_by_search(worse, better, n, -(difference.high or 0)) == pytest.approx(1.6448536, abs=1e-4)


@pytest.mark.parametrize(
    ("k", "n", "m", "of"), [(45, 50, 40, 50), (190, 200, 170, 200), (20, 20, 15, 30), (0, 40, 3, 50)]
)
def test_unpaired_bounds_hold_those_of_statsmodels_by_little(k: int, n: int, m: int, of: int) -> None:
    ours = unpaired_shares((k, n), (m, of), 0.05)
    low, high = confint_proportions_2indep(k, n, m, of, method="newcomb", alpha=0.1)
    assert low - 0.05 < (ours.low or -1) <= low + 1e-9
    assert high - 1e-9 <= (ours.high or 1) < high + 0.05
    assert ours.p_value == pytest.approx(stats.fisher_exact([[k, n - k], [m, of - m]]).pvalue)


def test_sign_flips_take_every_combination_of_few_units() -> None:
    values = [0.5, 0.25, -0.1, 0.4, 0.3, 0.2, 0.35]
    flips = [
        abs(math.fsum(s * v for s, v in zip(signs, values, strict=True)))
        for signs in itertools.product((1, -1), repeat=7)
    ]
    exact = sum(flip >= math.fsum(values) - 1e-12 for flip in flips) / len(flips)
    ours = mean_difference(np.array(values), np.arange(7), 0.05, 1.0)
    assert ours.p_value == pytest.approx(exact)
    assert ours.p_value == pytest.approx(
        stats.permutation_test((values,), np.mean, permutation_type="samples").pvalue
    )


def test_random_flips_and_shuffles_come_near_the_t_tests_and_repeat() -> None:
    rng = np.random.default_rng(2)
    values, others = rng.normal(0.1, 0.4, 100).clip(-1, 1), rng.normal(0.0, 0.3, 80).clip(-1, 1)
    paired = mean_difference(values, np.arange(100), 0.05, 1.0)
    apart = unpaired_means((values, np.arange(100)), (others, np.arange(80)), 0.05, 2.0)
    assert paired.p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01)
    assert apart.p_value == pytest.approx(stats.ttest_ind(values, others, equal_var=False).pvalue, abs=0.015)
    assert paired == mean_difference(values, np.arange(100), 0.05, 1.0)


def test_bounds_of_many_units_are_those_of_the_t_interval_or_a_little_wider() -> None:
    values = np.random.default_rng(4).normal(0.02, 0.2, 2_000).clip(-1, 1)
    ours = mean_difference(values, np.arange(2_000), 0.05, 1.0)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (theirs.high - theirs.low) < (ours.high or 0) - (ours.low or 0) < 1.2 * (theirs.high - theirs.low)


def test_repeating_each_item_in_its_cluster_narrows_nothing() -> None:
    values = np.random.default_rng(5).normal(0, 0.3, 60).clip(-1, 1)
    once = mean_difference(values, np.arange(60), 0.05, 1.0)
    thrice = mean_difference(values.repeat(3), np.arange(60).repeat(3), 0.05, 1.0)
    assert thrice.low == pytest.approx(once.low)
    assert thrice.p_value == pytest.approx(once.p_value)


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03, 0.005], [0.5], [], [0.2, 0.2, 1.0, 0.0]])
def test_corrections_are_those_of_statsmodels(p_values: list[float]) -> None:
    if p_values:
        assert adjust_holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
        assert adjust_benjamini_hochberg(p_values) == pytest.approx(
            multipletests(p_values, method="fdr_bh")[1]
        )
    else:
        assert adjust_holm([]) == adjust_benjamini_hochberg([]) == []


@pytest.mark.parametrize("adjust", [adjust_holm, adjust_benjamini_hochberg])
def test_what_is_no_p_value_is_refused(adjust: object) -> None:
    with pytest.raises(ValueError, match="outside"):
        adjust([0.5, 1.5])  # type: ignore[operator]


# -- what may be claimed wrongly --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "differing"), [(50, 0.1), (100, 0.2), (200, 0.06)])
def test_paired_claims_keep_alpha_exactly(n: int, differing: float) -> None:
    not_worse, _ = paired_claims(n, (differing - MARGIN) / 2, (differing + MARGIN) / 2)
    _, regression = paired_claims(n, differing / 2, differing / 2)
    assert not_worse.value <= 0.05
    assert regression.value <= 0.025


def test_the_detectable_difference_is_detected_four_times_in_five() -> None:
    detectable = paired_shares(20, 20, 200, 0.05).detectable or 0
    _, regression = paired_claims(200, (0.2 - detectable) / 2, (0.2 + detectable) / 2)
    assert regression.value == pytest.approx(0.8, abs=0.05)


def test_unpaired_claims_keep_alpha_exactly() -> None:
    assert unpaired_claims(40, 0.9 - MARGIN, 0.9)[0].value <= 0.05
    assert unpaired_claims(40, 0.9, 0.9)[1].value <= 0.05


def test_bounds_of_means_keep_alpha_where_few_clusters_differ_by_much() -> None:
    assert not measure_means_case(100, 0.03, runs=300).is_broken


def test_means_of_different_items_keep_alpha() -> None:
    assert not measure_different_case(20, 40, (9.0, 1.0), runs=60).is_broken


# -- what is said -----------------------------------------------------------------------------------------------------


def test_many_newly_failing_items_are_a_regression() -> None:
    comparison = compared("1" * 100, "1" * 88 + "0" * 12, margin=0.05)
    assert comparison.outcome is Outcome.REGRESSION
    assert len(comparison.newly_failing) == 12


def test_better_in_both_directions() -> None:
    old, new = "0" * 20 + "1" * 80, "1" * 100
    assert compared(old, new).outcome is Outcome.IMPROVEMENT
    lower = compare(scored(old), scored(new), Scale(higher_is_better=False))
    assert lower.outcome is Outcome.REGRESSION
    assert len(lower.newly_failing) == 20
    assert lower.improvement is not None
    assert lower.improvement.value == -0.2


def test_worse_by_more_than_the_margin_refutes_the_claim() -> None:
    assert compared("1" * 100, "1" * 70 + "0" * 30, margin=0.05).non_inferior is Claim.REFUTED


def test_no_item_that_differs_shows_what_so_many_items_can() -> None:
    assert compared("1" * 100, "1" * 100, margin=0.05).equivalent is Claim.SHOWN
    assert compared("1" * 20, "1" * 20, margin=0.05).equivalent is Claim.NOT_SHOWN


def test_missing_scores_could_decide() -> None:
    """The candidate has no score where it may have failed: not worse by what was scored, unknown by the rest."""
    old, new = "1" * 200, "1" * 185 + "-" * 15
    assert compared(old, "1" * 200, margin=0.05).non_inferior is Claim.SHOWN
    assert compared(old, new, margin=0.05).non_inferior is Claim.MISSING_COULD_DECIDE
    assert (
        compared(old, "1" * 185, margin=0.05).non_inferior is Claim.MISSING_COULD_DECIDE
    )  # absent is missing, too
    assert compared(old, new, margin=0.15).non_inferior is Claim.SHOWN


def test_items_that_neither_run_scored_are_missing_too() -> None:
    comparison = compared("1" * 185 + "-" * 15, "1" * 185 + "-" * 15, margin=0.05)
    assert comparison.non_inferior is Claim.MISSING_COULD_DECIDE
    assert len(comparison.neither) == 15


def test_attempts_without_a_score_are_missing_too() -> None:
    """Each item failed or crashed: three attempts of four have no score, and the fourth is right."""
    old = [Observation(f"i{k}", 1.0) for k in range(200) for _ in range(4)]
    new = [Observation(f"i{k}", 1.0 if attempt == 0 else None) for k in range(200) for attempt in range(4)]
    assert compare(old, old, margin=0.1).non_inferior is Claim.SHOWN
    assert compare(old, new, margin=0.1).non_inferior is Claim.MISSING_COULD_DECIDE


def test_attempts_in_several_clusters_make_the_item_a_unit() -> None:
    old = [
        Observation(f"i{k}", 1.0, cluster=f"trace-{k}-{attempt}") for k in range(40) for attempt in range(2)
    ]
    comparison = compare(old, old[::-1])
    assert comparison.units == 40


def test_attempts_that_differ_are_flaky_and_newly_nothing() -> None:
    old = [Observation("a", 1.0), Observation("a", 1.0), Observation("b", 1.0), Observation("b", 1.0)]
    new = [Observation("a", 1.0), Observation("a", 0.0), Observation("b", 0.0), Observation("b", 0.0)]
    comparison = compare(old, new)
    assert comparison.flaky == ("a",)
    assert comparison.newly_failing == ("b",)
    assert comparison.candidate == 0.25
    assert comparison.n == 2


def test_epochs_are_no_further_units() -> None:
    old = [Observation(f"i{k}", 1.0) for k in range(25) for _ in range(4)]
    new = [Observation(f"i{k}", float(k > 1)) for k in range(25) for _ in range(4)]
    comparison = compare(old, new)
    assert (comparison.n, comparison.units) == (25, 25)
    assert comparison.outcome is Outcome.NO_DIFFERENCE_SHOWN


@pytest.mark.parametrize(("of_old", "of_new"), [(10, 10), (10, None), (None, 10)])
def test_clusters_count_once_whichever_run_names_them(of_old: int | None, of_new: int | None) -> None:
    old = [Observation(f"i{k}", 1.0, cluster=of_old and k // of_old) for k in range(100)]
    new = [Observation(f"i{k}", float(k >= 20), cluster=of_new and k // of_new) for k in range(100)]
    comparison = compare(old, new)
    assert comparison.units == 10
    assert (
        comparison.outcome is Outcome.NO_DIFFERENCE_SHOWN
    )  # two clusters of ten; as 100 items, it were p < 0.001


def test_different_items_are_compared_as_groups() -> None:
    comparison = compare(scored("1" * 95 + "0" * 5), scored("1" * 70 + "0" * 30, start=1_000))
    assert not comparison.paired
    assert comparison.outcome is Outcome.REGRESSION
    assert comparison.improvement is not None
    assert comparison.improvement.test == "fisher_exact"


def test_a_scale_without_ends_has_a_test_and_no_claims() -> None:
    rng = random.Random(8)  # reproducible, not secret
    old = [Observation(f"i{k}", rng.lognormvariate(0, 1)) for k in range(60)]
    new = [Observation(each.item, (each.value or 0) * 1.5) for each in old]
    comparison = compare(old, new, SECONDS, margin=10.0)
    assert comparison.outcome is Outcome.REGRESSION
    assert comparison.non_inferior is Claim.NOT_SHOWN


def test_stars_are_compared_on_their_scale() -> None:
    old = [Observation(f"i{k}", float(1 + k % 5)) for k in range(200)]
    comparison = compare(old, old, STARS, margin=0.2)
    assert comparison.equivalent is Claim.SHOWN


def test_slices_stand_worst_first_and_are_corrected_for_their_number() -> None:
    old = (
        scored("1" * 40, slices=("en",))
        + scored("1" * 40, start=40, slices=("zh",))
        + scored("1", start=80, slices=("fr",))
    )
    new = (
        scored("1" * 40, slices=("en",))
        + scored("1" * 32 + "0" * 8, start=40, slices=("zh",))
        + scored("-", start=80, slices=("fr",))
    )
    slices = compare(old, new).slices
    assert [each.name for each in slices] == ["fr", "zh", "en"]
    assert (slices[0].n, slices[0].improvement) == (0, None)
    worst = slices[1]
    assert worst.improvement is not None
    assert worst.improvement.p_value == pytest.approx(2 / 2**8)
    assert worst.p_holm == worst.q == pytest.approx(4 / 2**8)


def test_one_large_unit_does_not_turn_the_verdict_of_all_others() -> None:
    """100 items of one document are better, those of 19 others worse: the mean over items rises, units say it fell."""
    old = [Observation(f"old-{k}", 0.5 + 0.01 * (k % 3)) for k in range(20)]
    new = [Observation(f"big-{k}", 1.0, "one document") for k in range(100)]
    new += [Observation(f"new-{k}", 0.01 * (k % 3)) for k in range(19)]
    comparison = compare(old, new)
    assert not comparison.paired
    assert comparison.improvement is not None
    assert comparison.improvement.value > 0
    assert comparison.outcome is Outcome.NO_DIFFERENCE_SHOWN


def test_what_cannot_be_shown_has_no_detectable_difference() -> None:
    assert paired_shares(1, 1, 2, 0.05).detectable is None
    assert unpaired_shares((1, 2), (1, 2), 0.05).detectable is None


def test_nothing_in_common_with_nothing_says_nothing() -> None:
    comparison = compare([], scored("11"), margin=0.1)
    assert (comparison.improvement, comparison.outcome, comparison.non_inferior) == (
        None,
        None,
        Claim.NOT_SHOWN,
    )


def test_order_of_observations_makes_no_difference() -> None:
    old = [Observation(f"i{k}", (k % 7) / 7, cluster=k % 30) for k in range(120)]
    new = [Observation(f"i{k}", (k % 5) / 5, cluster=k % 30) for k in range(120)]
    assert compare(old, new, margin=0.1) == compare(old[::-1], new[::-1], margin=0.1)


@pytest.mark.parametrize("kind", ["evaluator", "judge", "dataset"])
def test_other_versions_are_named(kind: str) -> None:
    versions = {"evaluator": "a", "judge": "b", "dataset": "c", "prompt": "d"}
    assert find_mismatches(versions, {**versions, "prompt": "e"}) == ()
    (mismatch,) = find_mismatches(versions, {**versions, kind: "x"})
    assert (mismatch.kind, mismatch.candidate) == (kind, "x")


def test_versions_that_nobody_stated_do_not_agree() -> None:
    assert [each.kind for each in find_mismatches({}, {})] == ["evaluator", "dataset"]


@pytest.mark.parametrize(
    ("value", "margin", "alpha"),
    [(1.5, None, 0.05), (math.nan, None, 0.05), (1.0, 0.0, 0.05), (1.0, 1.0, 0.05), (1.0, 0.1, 0.5)],
)
def test_what_makes_no_sense_is_refused(value: float, margin: float | None, alpha: float) -> None:
    with pytest.raises(ValueError, match=r"within|margin|alpha"):
        compare([Observation("a", value)], [Observation("a", 1.0)], margin=margin, alpha=alpha)
