"""What verdicts promise, in seconds: the same code as `make calibrate-gates`, a few cases of each section."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.calibration import independent, latency, missing, page
from bench.calibration.clustered import Design, estimates, measure_case, share_that
from bench.calibration.page import Rate, Row
from evidence.statistics import End

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "statistics.md"


@pytest.mark.parametrize(
    ("n", "threshold"), [*independent.CASES, (11, 0.8), (25, 0.9), (52, 0.95), (268, 0.99)]
)
def test_independent_shares_keep_what_they_promise(n: int, threshold: float) -> None:
    assert not independent.measure_case(n, threshold).is_broken


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


def test_units_that_are_good_pass() -> None:
    better = estimates(Design(0.3, 5, 1000), 0.95, runs=200, seed=5)
    assert share_that(better, 0.9, End.PASS).value > 0.9


@pytest.mark.parametrize(("n", "threshold", "share"), [(200, 0.9, 0.05), (1000, 0.95, 0.04)])
def test_missing_where_it_helps_most_does_not_help(n: int, threshold: float, share: float) -> None:
    assert not missing.measure_case(n, threshold, share, runs=300).is_broken


@pytest.mark.parametrize(("spread", "n"), [(1.0, 50), (1.0, 200), (0.5, 200)])
def test_a_mean_of_latency_does_not_pass_by_its_tail(spread: float, n: int) -> None:
    assert not latency.measure_mean(spread, n, runs=600).is_broken


@pytest.mark.parametrize(("q", "n", "size"), [(0.95, 60, 1), (0.95, 200, 1), (0.9, 200, 5)])
def test_a_percentile_of_latency_holds(q: float, n: int, size: int) -> None:
    assert not latency.measure_percentile(q, n, size, runs=300).is_broken


def test_a_broken_promise_is_seen() -> None:
    assert Row("", (), (Rate(0.07, 4000),)).is_broken
    assert Row("", (), (Rate(0.0501),)).is_broken
    assert not Row("", (), (Rate(0.055, 4000),)).is_broken


def test_the_page_holds_every_section() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page.sections()
    for each in page.sections():
        assert f"## {each.title}\n\n{each.says}\n" in text
