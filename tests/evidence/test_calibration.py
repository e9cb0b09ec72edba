"""What verdicts promise, in seconds: the same code as `make calibrate-gates`, a few cases of each section."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bench.calibration import (
    comparison,
    independent,
    judged,
    judged_units,
    latency,
    looks,
    many,
    missing,
    mixed,
    page,
    unequal,
    worst,
)
from bench.calibration.__main__ import main
from bench.calibration.clustered import Design, bounds, draw, known_power, measure_case, passing
from bench.calibration.page import Rate, Row
from evidence.statistics import clopper_pearson

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "statistics.md"


@pytest.mark.parametrize(
    ("n", "threshold"), [*independent.CASES, (11, 0.8), (25, 0.9), (52, 0.95), (268, 0.99)]
)
def test_independent_shares_keep_what_they_promise(n: int, threshold: float) -> None:
    assert not independent.measure_case(n, threshold).is_broken


@pytest.mark.parametrize(
    "scores",
    [
        independent.Scores(100, 0.9, shape=2.0),
        independent.Scores(30, 0.8, shape=20.0),
        independent.Scores(30, 0.8, zeros=0.19),
    ],
    ids=str,
)
def test_means_of_scores_keep_what_they_promise(scores: independent.Scores) -> None:
    assert not independent.measure_scores_case(scores, runs=400).is_broken


@pytest.mark.parametrize(
    ("design", "threshold"),
    [
        (Design(0.3, 5, 200), 0.9),
        (Design(0.3, 5, 500), 0.95),
        (Design(0.6, 10, 200), 0.9),
        (Design(0.1, 2, 500), 0.8),
        (Design(0.3, 5, 200, unequal=True), 0.8),
        (Design(0.6, 10, 100), 0.9),
    ],
)
def test_observations_in_units_keep_what_they_promise(design: Design, threshold: float) -> None:
    assert not measure_case(design, threshold, runs=600).is_broken


@pytest.mark.parametrize(
    ("kind", "threshold"), [("geometric", 0.9), ("lognormal, spread 1", 0.9), ("lognormal, spread 1.5", 0.95)]
)
def test_units_of_very_unequal_size_keep_what_they_promise(kind: str, threshold: float) -> None:
    assert not unequal.measure_case(unequal.Sizes(kind, 0.3, 200), threshold, runs=600).is_broken


@pytest.mark.parametrize(
    ("kind", "n_units", "lean", "threshold"),
    [("geometric", 50, 1, 0.8), ("geometric", 200, 2, 0.9), ("lognormal, spread 1", 200, 1, 0.9)],
)
def test_units_that_fail_more_the_larger_they_are_keep_what_they_promise(
    kind: str, n_units: int, lean: int, threshold: float
) -> None:
    """Before, up to 16 in 100 passed wrongly."""
    assert not unequal.measure_case(unequal.Sizes(kind, 0.05, n_units, lean), threshold, runs=1000).is_broken


@pytest.mark.parametrize("seed", range(4))
def test_many_draws_at_once_are_judged_as_the_product_judges_each(seed: int) -> None:
    """Units of any sizes, from all good to all bad, with the bounds of one look and those of all looks."""
    drawn = np.random.default_rng(seed)
    sizes = drawn.integers(1, drawn.choice([2, 6, 40]) + 1, (40, 25))
    good = drawn.binomial(sizes, drawn.choice([0.05, 0.5, 0.9, 1.0], (40, 1)) ** (sizes / 6))
    found = many.bounds_of(sizes, good)
    for row in range(40):
        estimate, often = (
            many.as_the_product(sizes[row], good[row]),
            many.as_the_product(sizes[row], good[row], anytime=True),
        )
        assert (found.lows[row], found.highs[row]) == pytest.approx(
            (estimate.low, estimate.high), rel=1e-7, abs=1e-9
        )
        assert often.low is not None
        for threshold in (often.low - 1e-6, often.low + 1e-6):
            if 0 < threshold < 1:
                wins = many.worths_of(sizes[row : row + 1], good[row : row + 1]).wins(threshold)
                assert bool(wins[0]) is (threshold < often.low)


@pytest.mark.parametrize("mixture", mixed.CASES[:2], ids=str)
def test_units_of_which_a_few_always_fail_keep_what_they_promise(mixture: mixed.Mixture) -> None:
    """Before, 9 and 27 in 100 passed wrongly: those whose few that always fail were not drawn."""
    assert not mixed.measure_case(mixture, runs=600).is_broken


@pytest.mark.parametrize("judge", [judged_units.Judge.BLIND, judged_units.Judge.USELESS])
@pytest.mark.parametrize("labelling", [judged_units.CASES[0], judged_units.CASES[6]], ids=str)
def test_a_corrected_judge_of_units_of_which_a_few_always_fail_keeps_what_is_promised(
    labelling: judged_units.Labelling, judge: judged_units.Judge
) -> None:
    """Before, a judge wrong on just those units passed in 26 to 30 of 100 cases."""
    passed, failed, _ = judged_units.measure_judge(labelling, judge, runs=400)
    assert not passed.exceeds()
    assert not failed.exceeds()


def test_units_that_are_good_pass() -> None:
    assert passing(bounds(Design(0.3, 5, 1000), 0.95, runs=200, seed=5), 0.9).value > 0.9


@pytest.mark.parametrize(("n", "threshold", "share"), [(200, 0.9, 0.05), (1000, 0.95, 0.04)])
def test_missing_where_it_helps_most_does_not_help(n: int, threshold: float, share: float) -> None:
    assert not missing.measure_case(n, threshold, share, runs=300).is_broken


@pytest.mark.parametrize(("spread", "n"), [(1.0, 50), (1.0, 200), (0.5, 200)])
def test_a_mean_of_latency_does_not_pass_by_its_tail(spread: float, n: int) -> None:
    assert not latency.measure_mean(spread, n, runs=600).is_broken


@pytest.mark.parametrize(("q", "n", "size"), [(0.95, 60, 1), (0.95, 200, 1), (0.9, 200, 5)])
def test_a_percentile_of_latency_holds(q: float, n: int, size: int) -> None:
    assert not latency.measure_percentile(q, n, size, runs=300).is_broken


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(partial(looks.measure_reruns_case, 200, 0.9, 0.96), id="five runs"),
        pytest.param(partial(looks.measure_peeking_case, 50, 0.9, 0.93), id="twenty looks"),
        pytest.param(
            partial(looks.measure_clusters_case, 0.8, runs=100, clusters=200), id="looks at clusters"
        ),
        pytest.param(partial(looks.measure_conversations_case, "1 to 9", 0.8, 100, 100), id="conversations"),
        pytest.param(partial(judged.measure_case, 0.9, 50, runs=150), id="corrected judge"),
        pytest.param(partial(judged.measure_clusters_case, 0.8, 250, runs=150), id="judge of clusters"),
        pytest.param(partial(worst.measure_slices_case, 3, 50, 0.8, runs=300), id="worst of three slices"),
        pytest.param(partial(worst.measure_agreement_case, 100, 0.4, True, runs=60), id="agreement"),
        pytest.param(partial(comparison.measure_paired_case, 100, 0.1), id="same items"),
        pytest.param(partial(comparison.measure_unpaired_case, 50, 0.9), id="different items"),
        pytest.param(partial(comparison.measure_means_case, 50, 0.1, runs=150), id="means"),
        pytest.param(
            partial(comparison.measure_different_case, 20, 20, (1.0, 9.0), runs=60), id="other means"
        ),
    ],
)
def test_looks_judges_and_comparisons_keep_what_they_promise(row: Callable[[], Row]) -> None:
    measured = row()
    assert measured.promised
    assert not measured.is_broken


@pytest.mark.parametrize(
    ("row", "naive"),
    [
        (partial(looks.measure_reruns_case, 200, 0.9, 0.96), -1),
        (partial(looks.measure_peeking_case, 50, 0.9, 0.93), -1),
        (partial(judged.measure_case, 0.9, 50, runs=150), 2),
    ],
)
def test_what_others_do_stands_beside_it_and_promises_nothing(row: Callable[[], Row], naive: int) -> None:
    measured = row()
    assert measured.cells[naive].startswith("**")
    assert not measured.is_broken


def test_each_of_the_judges_has_to_keep_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The normal interval in the place of ours: one judge of six is enough to break the row."""
    worst = judged.measure_world

    def published(world: judged.World, threshold: float, labels: int, runs: int) -> judged.WorldRates:
        found = worst(world, threshold, labels, runs)
        return replace(found, passed=found.published) if (world.kind, world.harsh) == (0.2, 0.0) else found

    monkeypatch.setattr(judged, "measure_world", published)
    assert judged.measure_case(0.9, 50, runs=100).is_broken


def test_a_broken_promise_is_seen() -> None:
    assert Row("", (), (Rate(0.07, 4000),)).is_broken
    assert Row("", (), (Rate(0.0501),)).is_broken
    assert not Row("", (), (Rate(0.055, 4000),)).is_broken


def test_the_page_holds_every_section() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page.sections()
    for each in page.sections():
        assert f"## {each.title}\n\n{each.says}\n" in text


# Any bound takes 146 units of the first that does not take for granted that no unit always fails.
TAKE_MORE = {
    "correlation 0.1, units of 5, at least 0.95, truth 0.975": 1.38,
    "correlation 0.3, units of 5, at least 0.95, truth 0.975": 1.21,
}


def test_no_method_needs_a_fifth_more_units_than_whoever_knew_the_correlation() -> None:
    """But for two cases, which the page and decision 0044 name."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Units needed\n")[2].partition("\n## ")[0]
    rows = [row.strip("| ").split(" | ") for row in section.splitlines() if row.startswith("| correlation")]
    ratios = {case: float(ratio) for case, *_, ratio in rows}
    assert len(ratios) == 18
    assert {case: ratio for case, ratio in ratios.items() if ratio > 1.2} == TAKE_MORE


def test_what_is_known_of_units_is_what_is_drawn_of_them() -> None:
    """The oracle's exact power, against the share of draws that pass by its rule."""
    design = Design(0.3, 5, 500)
    effective = design.n / design.inflation
    passed = [
        clopper_pearson(good.sum() / 500 * effective, effective)[0] >= 0.9
        for _, drawn in draw(design, 0.94, 2000, seed=7)
        for good in drawn
    ]
    assert known_power(design, 0.9, 0.94) == pytest.approx(sum(passed) / len(passed), abs=0.03)


def test_a_section_is_measured_anew_and_the_others_stay(tmp_path: Path) -> None:
    text, written = PAGE.read_text(encoding="utf-8"), tmp_path / "page.md"
    written.write_text(text, encoding="utf-8")
    title = "Missing where it helps"
    assert main(["--only", title, "--runs", "200", "--write", str(written)]) == 0
    before, after = (each.split("\n## ") for each in (text, written.read_text(encoding="utf-8")))
    (changed,) = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed.startswith(f"{title}\n")
    assert "Runs for each simulated rate: 200." in changed


def test_a_section_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "Vibes"])
    assert "Independent observations" in capsys.readouterr().err
