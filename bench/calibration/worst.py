"""How often the worst of several slices, and agreement of two raters, claim what is not so: simulated."""

from __future__ import annotations

from functools import cache, partial
from typing import Final

import numpy as np
from scipy import stats

from bench.calibration.page import ALPHA, Rate, Row, section
from evidence.statistics import Estimate, clopper_pearson, estimate_share, tally_share, two_sided
from evidence.statistics.agreement import estimate_alpha
from evidence.statistics.worst import estimate_worst

CONFIDENCE: Final = two_sided(1 - ALPHA)
CATEGORIES: Final = 4


@section(
    title="The worst of several slices",
    says=(
        "Slices of n independent observations. *False pass*: one slice is exactly at the threshold and the others are "
        "better, so that the worst bound hangs on one of them (*others right*) or on any (*all at it*, where nothing "
        "should pass). *False fail*: all are exactly at it. *Every bound shared* is the power where the pass, too, "
        "paid for the number of slices, with all slices half way from the threshold to 1."
    ),
    columns=("others right", "all at it", "false fail", "power", "every bound shared", "naive fail"),
    order=65,
    one_in=4,
)
def measure_slices(runs: int) -> list[Row]:
    """Return the rates of each case."""
    cases = ((3, 50, 0.8), (3, 200, 0.9), (10, 100, 0.9), (50, 100, 0.9))
    return [measure_slices_case(*case, runs=runs) for case in cases]


def measure_slices_case(slices: int, n: int, threshold: float, runs: int) -> Row:
    """Return the rates of so many slices of n observations."""
    rng = np.random.default_rng(1)
    one = np.array([threshold] + [1.0] * (slices - 1))
    at_it, better = np.full(slices, threshold), np.full(slices, (1 + threshold) / 2)
    drawn = [rng.binomial(n, shares, (runs, slices)) for shares in (one, at_it, better)]
    passed, failed = zip(
        *(zip(*(_judge(row, n, threshold) for row in rows.tolist()), strict=True) for rows in drawn),
        strict=True,
    )
    shared = _passes_at(n, threshold, ALPHA / slices)
    naive = np.mean((drawn[1] <= _fails_at(n, threshold)).any(axis=1))
    rates = [Rate(float(np.mean(each)), runs) for each in (passed[0], passed[1], failed[1])]
    power = Rate(float(np.mean(passed[2])), runs)
    all_shared = Rate(float(np.mean((drawn[2] >= shared).all(axis=1))), runs)
    cells = (*map(str, rates), str(power), str(all_shared), Rate(float(naive), runs).marked())
    return Row(f"{slices} slices of {n}, at least {threshold:g}", cells, tuple(rates))


def _judge(successes: list[int], n: int, threshold: float) -> tuple[bool, bool]:
    found = estimate_worst(
        {str(k): partial(_slice, good, n) for k, good in enumerate(successes)}, CONFIDENCE
    ).estimate
    low, high = (found.low, found.high) if found else (None, None)
    return low is not None and low >= threshold, high is not None and high < threshold


@cache
def _slice(good: int, n: int, confidence: float) -> Estimate | None:
    return estimate_share(tally_share(good, n), confidence)


def _passes_at(n: int, threshold: float, alpha: float) -> int:
    """Return how many of n successes put the lower bound at the threshold; n + 1 where none do."""
    return next(
        (k for k in range(n + 1) if clopper_pearson(k, n, two_sided(1 - alpha))[0] >= threshold), n + 1
    )


def _fails_at(n: int, threshold: float) -> int:
    """Return the most successes that put the upper bound of one slice, at all of alpha, below the threshold."""
    return max((k for k in range(n + 1) if clopper_pearson(k, n, CONFIDENCE)[1] < threshold), default=-1)


@section(
    title="Agreement of two raters beyond chance",
    says=(
        "Two raters, four decisions, n tasks: they agree by more than chance as often as puts Krippendorff's alpha "
        "exactly at the threshold, and rate alike otherwise. *Skewed* is where nine of ten ratings are the same. "
        "*Naive* takes what chance explains for known (the share of agreement bounded by Wilson's interval), as the "
        "usual interval of kappa does. Our bounds hold at all looks together. Power is where alpha is half way from "
        "the threshold to 1."
    ),
    columns=("false pass", "false fail", "power", "naive"),
    order=125,
    one_in=8,
)
def measure_agreement(runs: int) -> list[Row]:
    """Return the rates of each case."""
    cases = ((100, 0.6, False), (400, 0.6, False), (100, 0.4, True), (400, 0.6, True), (1000, 0.6, True))
    return [measure_agreement_case(*case, runs=runs) for case in cases]


def measure_agreement_case(n: int, threshold: float, skewed: bool, runs: int) -> Row:  # noqa: FBT001  # a case
    """Return the rates of n tasks."""
    shares = np.array([0.9, 0.05, 0.03, 0.02] if skewed else [0.4, 0.3, 0.2, 0.1])
    at_it = [_rate(n, shares, threshold, threshold, seed) for seed in range(runs)]
    power_runs = max(runs // 4, 1)
    better = [_rate(n, shares, (1 + threshold) / 2, threshold, seed) for seed in range(power_runs)]
    passed, failed, naive = (Rate(float(np.mean(each)), runs) for each in zip(*at_it, strict=True))
    power = Rate(float(np.mean([each[0] for each in better])), power_runs)
    case = f"{n} tasks, at least {threshold:g}{', skewed' if skewed else ''}"
    return Row(case, (str(passed), str(failed), str(power), naive.marked()), (passed, failed))


def _rate(n: int, shares: np.ndarray, alpha: float, threshold: float, seed: int) -> tuple[bool, bool, bool]:
    """Return whether one draw passes and fails, and whether the naive bound passes it.

    Two ratings are the same draw with the chance `alpha`, and two draws otherwise: that is what alpha comes to.
    """
    rng = np.random.default_rng(seed)
    first = rng.choice(CATEGORIES, n, p=shares)
    second = np.where(rng.random(n) < alpha, first, rng.choice(CATEGORIES, n, p=shares))
    agreeing = int((first == second).sum())
    categories = {
        str(k): [tally_share(int((rating == k).sum()), n) for rating in (first, second)]
        for k in range(CATEGORIES)
    }
    found = estimate_alpha(tally_share(agreeing, n), categories, CONFIDENCE)
    if found is None or found.low is None or found.high is None:
        return False, False, False
    pooled = np.bincount(np.concatenate([first, second]), minlength=CATEGORIES) / (2 * n)
    by_chance = float(pooled @ pooled)
    z, p = float(stats.norm.isf(ALPHA)), agreeing / n
    wilson = (p + z * z / 2 / n - z * np.sqrt(p * (1 - p) / n + z * z / 4 / n / n)) / (1 + z * z / n)
    naive = (wilson - by_chance) / (1 - by_chance) >= threshold
    return found.low >= threshold, found.high < threshold, bool(naive)
