"""Judges corrected by people: beside ppi-python's recorded figures, statsmodels, and where labels are few."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from bench.calibration.judged import World, measure_world
from evidence.statistics.judged import Calibration, Judged, agreement_of, correct_judge
from evidence.statistics.shares import clopper_pearson

FIGURES = json.loads(Path("tests/oracles/ppi_figures.json").read_text(encoding="utf-8"))


def items_of(case: dict[str, Any]) -> list[Judged]:
    labelled = [Judged(judge, human) for human, judge in zip(case["human"], case["judge"], strict=True)]
    return labelled + [Judged(judge) for judge in case["unlabelled"]]


def drawn(labels: int, others: int, *, share: float = 0.9, seed: int = 1) -> list[Judged]:
    human, judge = World(share, kind=0.5, harsh=0.02).draw(np.random.default_rng(seed), labels + others)
    return [Judged(float(judge[k]), float(human[k]) if k < labels else None) for k in range(labels + others)]


@pytest.mark.parametrize("case", FIGURES["cases"], ids=lambda case: f"{len(case['human'])} labels")
def test_value_tuning_and_error_are_those_of_ppi_python(case: dict[str, Any]) -> None:
    ours = correct_judge(items_of(case), FIGURES["confidence"])
    assert ours.estimate is not None
    half = NormalDist().inv_cdf(0.5 + FIGURES["confidence"] / 2)
    assert ours.estimate.value == pytest.approx(case["value"], abs=1e-9)
    assert ours.tuning == pytest.approx(case["tuning"], abs=1e-9)
    assert ours.estimate.value - half * (ours.estimate.stderr or 0) == pytest.approx(case["low"], abs=1e-9)
    assert ours.estimate.value + half * (ours.estimate.stderr or 0) == pytest.approx(case["high"], abs=1e-9)


@pytest.mark.parametrize("case", FIGURES["cases"], ids=lambda case: f"{len(case['human'])} labels")
def test_the_interval_is_wider_than_the_normal_one_and_approaches_it(case: dict[str, Any]) -> None:
    estimate = correct_judge(items_of(case), FIGURES["confidence"]).estimate
    assert estimate is not None
    ratio = ((estimate.high or 0) - (estimate.low or 0)) / (case["high"] - case["low"])
    assert 1 < ratio < 1 + 4 / math.sqrt(len(case["human"]))


@pytest.mark.parametrize(("threshold", "labels"), [(0.9, 30), (0.9, 50), (0.8, 100)])
def test_false_passes_keep_alpha_where_the_normal_interval_does_not(threshold: float, labels: int) -> None:
    rates = measure_world(World(threshold, 0.2, 0.0), threshold, labels, runs=600)
    assert not rates.passed.exceeds()
    assert rates.published.value > 0.1


def test_false_passes_keep_alpha_where_items_come_in_clusters() -> None:
    rates = measure_world(World(0.8, 0.5, 0.02, correlation=0.3), 0.8, 250, runs=500)
    assert not rates.passed.exceeds()
    assert min(rates.published.value, rates.alone.value) > 0.1


def test_a_good_judge_narrows_what_the_labels_say() -> None:
    estimate = correct_judge(drawn(200, 2_000), 0.9).estimate
    labels = [item.human for item in drawn(200, 2_000) if item.human is not None]
    alone = clopper_pearson(int(sum(labels)), len(labels), 0.9)
    assert estimate is not None
    assert (estimate.high or 0) - (estimate.low or 0) < 0.9 * (alone[1] - alone[0])


def test_a_judge_who_always_says_the_same_adds_nothing() -> None:
    items = [Judged(1.0, float(k % 10 != 0)) for k in range(100)] + [Judged(1.0)] * 900
    correction, alone = correct_judge(items, 0.9), clopper_pearson(90, 100, 0.9)
    assert correction.tuning == 0
    assert correction.estimate is not None
    assert correction.estimate.value == 0.9
    assert correction.estimate.low == pytest.approx(alone[0], abs=0.002)
    assert (correction.estimate.low or 0) <= alone[0]
    assert (correction.estimate.high or 0) >= alone[1]


def test_a_judge_never_seen_wrong_is_not_taken_to_be_right() -> None:
    """Thirty labels, all as the judge said: as many as one in ten of its scores may still be wrong."""
    items = [Judged(float(k % 10 != 0), float(k % 10 != 0)) for k in range(30)]
    items += [Judged(float(k % 10 != 0)) for k in range(2_000)]
    estimate = correct_judge(items, 0.9).estimate
    assert estimate is not None
    assert estimate.value == pytest.approx(0.9)
    assert (estimate.low or 1) < 0.82


def test_duplicated_items_of_a_cluster_say_no_more_than_one() -> None:
    once = drawn(60, 600)
    thrice = [Judged(item.judge, item.human, cluster=k) for k, item in enumerate(once) for _ in range(3)]
    one, three = correct_judge(once).estimate, correct_judge(thrice).estimate
    assert one is not None
    assert three is not None
    assert three.n == one.n == 60
    assert three.value == pytest.approx(one.value, abs=1e-3)
    assert (one.low or 0) - 0.02 < (three.low or 0) <= (one.low or 0)


def test_clusters_without_a_failure_are_worth_one_label_each() -> None:
    labelled = [Judged(1.0, 1.0, cluster=k // 5) for k in range(150)]
    estimate = correct_judge([*labelled, *(Judged(1.0, cluster=30 + k) for k in range(1_000))], 0.9).estimate
    assert estimate is not None
    assert estimate.low == pytest.approx(clopper_pearson(30, 30, 0.9)[0], abs=0.005)


def test_labelled_clusters_show_no_more_than_as_many_that_all_come_out_alike() -> None:
    """Forty items tried twenty times, wrong now and then, and a judge who says what people say of 2,000 others.

    One item in 14 may never be right, and none of those be among the forty, as may be among those the judge was not
    checked on.
    """
    labelled = [Judged(float(k % 19 != 0), float(k % 19 != 0), cluster=k // 20) for k in range(800)]
    others = [Judged(float(k % 19 != 0), cluster=40 + k // 20) for k in range(40_000)]
    estimate = correct_judge([*labelled, *others], 0.9).estimate
    assert estimate is not None
    assert estimate.low == pytest.approx(estimate.value * 0.05 ** (1 / 40))


def test_a_judge_without_labels_is_uncalibrated() -> None:
    correction = correct_judge([Judged(1.0)] * 500)
    assert correction.calibration is Calibration.UNCALIBRATED
    assert correction.estimate is None
    assert correction.judge_mean == 1.0


def test_too_few_labelled_units_are_refused() -> None:
    assert correct_judge(drawn(29, 500)).calibration is Calibration.TOO_FEW_LABELS
    assert correct_judge(drawn(30, 500)).calibration is Calibration.CALIBRATED
    clustered = [Judged(item.judge, item.human, cluster=k // 5) for k, item in enumerate(drawn(100, 500))]
    assert correct_judge(clustered).calibration is Calibration.TOO_FEW_LABELS


def test_limits_rescale_value_and_interval() -> None:
    plain, stars = (
        drawn(80, 500),
        [Judged(1 + 4 * i.judge, None if i.human is None else 1 + 4 * i.human) for i in drawn(80, 500)],
    )
    shares, of_five = correct_judge(plain).estimate, correct_judge(stars, lowest=1, highest=5).estimate
    assert shares is not None
    assert of_five is not None
    for share, scaled in (
        (shares.value, of_five.value),
        (shares.low, of_five.low),
        (shares.high, of_five.high),
    ):
        assert scaled == pytest.approx(1 + 4 * (share or 0))


@pytest.mark.parametrize("item", [Judged(1.5), Judged(0.5, -0.1), Judged(math.nan), Judged(0.5, math.nan)])
def test_scores_outside_the_limits_are_refused(item: Judged) -> None:
    with pytest.raises(ValueError, match="outside"):
        correct_judge([*drawn(50, 50), item])


def test_kappa_is_that_of_statsmodels() -> None:
    pairs = [(1.0, 1.0)] * 60 + [(1.0, 0.0)] * 9 + [(0.0, 1.0)] * 5 + [(0.0, 0.0)] * 26
    agreement = agreement_of(pairs)
    theirs = cohens_kappa([[26, 5], [9, 60]])
    assert agreement is not None
    assert agreement.kappa == pytest.approx(theirs.kappa)
    assert agreement.share.value == 0.86
    assert agreement.confusion == ((0.0, 0.0, 26), (0.0, 1.0, 5), (1.0, 0.0, 9), (1.0, 1.0, 60))
    assert agreement.kappa_low == pytest.approx(theirs.kappa_low, abs=0.05)
    assert agreement.kappa_high == pytest.approx(theirs.kappa_upp, abs=0.05)


def test_full_agreement_still_has_an_interval() -> None:
    agreement = agreement_of([(1.0, 1.0)] * 27 + [(0.0, 0.0)] * 3)
    assert agreement is not None
    assert agreement.kappa == 1
    assert (agreement.kappa_low or 1) < 0.6


def test_agreement_that_chance_explains_has_no_kappa() -> None:
    agreement = agreement_of([(1.0, 1.0)] * 30)
    assert agreement is not None
    assert (agreement.share.value, agreement.kappa, agreement.kappa_low) == (1.0, None, None)
    assert agreement_of([]) is None


def test_no_bound_of_kappa_is_below_what_kappa_can_be() -> None:
    found = agreement_of([(1.0, 1.0)] * 8 + [(1.0, 0.0), (0.0, 1.0)])
    assert found is not None
    assert found.kappa_low == -1.0
