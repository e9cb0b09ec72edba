"""The demo's words for a verdict, on assessments as the API shows them."""

from __future__ import annotations

from typing import Any

import pytest

from evidence import clock
from evidence.statistics import estimate_successes, two_sided
from examples.demo.grounds import say_why
from requirements.api.assessments import AssessmentOut
from requirements.services.assessment import assess
from tests.factories import World
from tests.requirements.builders import make_criterion, make_traces

CONFIDENCE = 0.95
THRESHOLDS = {"a/versions": 0.8, "b/limits": 0.8, "c/prohibited": 0.2}


def share(criterion: str, verdict: str, successes: int, n: int, direction: str = "higher") -> dict[str, Any]:
    interval = estimate_successes(successes, n, two_sided(CONFIDENCE))
    assert interval is not None
    return {
        "criterion": criterion,
        "verdict": verdict,
        "value": interval.value,
        "n": n,
        "low": interval.low,
        "high": interval.high,
        "direction": direction,
        "unit": "share",
        "bound_confidence": CONFIDENCE,
        "detail": "as measured",
    }


def nothing(criterion: str) -> dict[str, Any]:
    unmeasured = share(criterion, "insufficient", 0, 1)
    return {**unmeasured, "value": None, "n": 0, "low": None, "high": None, "detail": "0 observations"}


def why(*rows: dict[str, Any]) -> str:
    return say_why(rows, {row["criterion"]: row for row in rows}, THRESHOLDS)


def test_a_pass_shows_the_bound_that_is_nearest_to_its_threshold() -> None:
    said = why(share("a/versions", "met", 29, 30), share("b/limits", "met", 30, 30))
    assert said == (
        "Each of the 2 criteria is met: the bound of its interval reaches the threshold. The tightest, a/versions:"
        " 29 of 30, which shows at least 0.851 with 95% confidence, and at least 0.8 is asked."
    )


def test_where_lower_is_better_the_upper_bound_is_shown() -> None:
    said = why(share("c/prohibited", "met", 1, 31, "lower"), share("a/versions", "met", 60, 60))
    assert "c/prohibited: 1 of 31, which shows at most 0.144" in said
    assert "and at most 0.2 is asked." in said


def test_too_few_answers_are_said_to_be_too_few() -> None:
    said = why(share("a/versions", "insufficient", 14, 15), share("b/limits", "met", 20, 20))
    assert said.startswith("1 of 2 criteria lack evidence, none is known to fail.")
    assert said.endswith(
        "14 of 15, which shows at least 0.721 with 95% confidence, and at least 0.8 is asked:"
        " too few to tell."
    )


def test_what_was_never_observed_is_said_in_the_products_words() -> None:
    assert why(nothing("a/versions")).endswith("a/versions: 0 observations.")


@pytest.mark.parametrize(("others", "left"), [((), ""), ((nothing("b/limits"),), ", and 1 lack evidence")])
def test_a_failure_names_what_is_known_not_to_be_met(others: tuple[dict[str, Any], ...], left: str) -> None:
    said = why(share("a/versions", "not_met", 3, 20), *others)
    assert said == f"1 of {1 + len(others)} criteria are known not to be met{left}: a/versions."


@pytest.mark.django_db
@pytest.mark.parametrize(("n_traces", "verdict", "told"), [
    (3, "insufficient", "1 of 1 criteria lack evidence"), (14, "met", "Each of the 1 criteria is met"),
])  # fmt: skip
def test_the_grounds_are_told_from_an_assessment_as_the_api_shows_it(
    world: World, n_traces: int, verdict: str, told: str
) -> None:
    criterion = make_criterion(world)
    make_traces(world, n_traces)
    stored = assess(criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci")
    assert stored.verdict == verdict
    name = str(criterion)
    why = say_why(
        [{"criterion": name, "verdict": verdict}],
        {name: AssessmentOut(stored).data},
        {name: criterion.threshold},
    )
    assert why.startswith(told)
    assert "with 95% confidence" in why
