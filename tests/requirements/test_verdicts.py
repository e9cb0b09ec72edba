from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.statistics import two_sided, wilson
from requirements.checks.contracts import Measured
from requirements.verdicts import SEVERITY, Judgement, Rule, judge, worst

AT_LEAST = Rule("at_least", 0.8, "share", 10)
AT_MOST = Rule("at_most", 0.1, "share", 10)


def share(successes: int, n: int, **over: Any) -> Measured:
    estimate = wilson(successes, n, two_sided(0.95)) if n else None
    measured = Measured(
        value=estimate.value if estimate else None,
        n=n,
        successes=successes,
        low=estimate.low if estimate else None,
        high=estimate.high if estimate else None,
        bound_confidence=0.95,
        unit="share",
        direction="higher",
        observed_from=None,
        observed_to=datetime(2026, 11, 1, tzinfo=UTC),
        inputs={},
    )
    return dataclasses.replace(measured, **over)


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (share(100, 100), "met"),
        (share(50, 100), "not_met"),
        (share(9, 9), "insufficient"),  # fewer than min_n
        (share(0, 0), "insufficient"),
        (share(9, 11), "insufficient"),  # the value reaches 0.8, its lower bound does not
        (share(100, 100, obstacles=("wrong evaluator",)), "insufficient"),
        (share(100, 100, unit="ms"), "insufficient"),
        (share(100, 100, direction="lower"), "insufficient"),
        (share(100, 100, low=None, high=None), "insufficient"),
    ],
)
def test_at_least_is_judged_on_the_lower_bound(measured: Measured, verdict: str) -> None:
    assert judge(AT_LEAST, measured, None).verdict == verdict


@pytest.mark.parametrize(
    ("bad", "n", "verdict"),
    [(0, 100, "met"), (0, 12, "insufficient"), (5, 20, "not_met"), (9, 100, "insufficient")],
)
def test_at_most_is_judged_on_the_upper_bound(bad: int, n: int, verdict: str) -> None:
    assert judge(AT_MOST, share(bad, n, direction="lower"), None).verdict == verdict


def test_three_of_three_cannot_meet_ninety_five_per_cent() -> None:
    assert judge(Rule("at_least", 0.95, "share", 3), share(3, 3), None).verdict == "insufficient"


def test_old_evidence_is_stale_and_none_at_all_is_insufficient() -> None:
    assert judge(AT_LEAST, share(0, 0), share(100, 100)).verdict == "stale"
    assert judge(AT_LEAST, share(3, 3), share(100, 100)).verdict == "stale"
    assert judge(AT_LEAST, share(3, 3), share(5, 5)).verdict == "insufficient"


def test_a_criterion_without_a_minimum_still_needs_an_observation() -> None:
    assert judge(Rule("at_least", 0.0, "share", 0), share(0, 0), None).verdict == "insufficient"


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 400), st.data(), st.floats(0.01, 0.99), st.integers(0, 50))
def test_met_means_that_the_bound_and_the_value_reach_the_threshold(
    n: int, data: st.DataObject, threshold: float, min_n: int
) -> None:
    measured = share(data.draw(st.integers(0, n)), n)
    judgement = judge(Rule("at_least", threshold, "share", min_n), measured, None)
    assert measured.low is not None
    assert measured.value is not None
    reached = min(measured.low, measured.value) >= threshold
    assert (judgement.verdict == "met") == (reached and n >= min_n)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(SEVERITY), min_size=1))
def test_the_whole_is_met_only_when_every_slice_is(verdicts: list[Any]) -> None:
    judgement = worst(Judgement(verdict, "") for verdict in verdicts)
    assert (judgement.verdict == "met") == (set(verdicts) == {"met"})
