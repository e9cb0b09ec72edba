"""Why a gate of the demo decided as it did, told from what the API shows."""

from __future__ import annotations

import pytest
from django.utils import timezone

from examples.demo.grounds import say_why
from requirements.api.assessments import AssessmentOut
from requirements.services.assessment import assess
from tests.factories import World
from tests.requirements.builders import make_criterion, make_trace


@pytest.mark.django_db
@pytest.mark.parametrize(("n_traces", "verdict", "told"), [
    (3, "insufficient", "1 of 1 criteria lack evidence"), (12, "met", "Each of the 1 criteria is met"),
])  # fmt: skip
def test_the_grounds_are_told_from_an_assessment_as_the_api_shows_it(
    world: World, n_traces: int, verdict: str, told: str
) -> None:
    criterion = make_criterion(world)
    for _ in range(n_traces):
        make_trace(world)
    stored = assess(criterion=criterion, release=world.release, as_of=timezone.now(), actor="user:ci")
    assert stored.verdict == verdict
    name = str(criterion)
    why = say_why(
        [{"criterion": name, "verdict": verdict}],
        {name: AssessmentOut(stored).data},
        {name: criterion.threshold},
    )
    assert why.startswith(told)
    assert "with 95% confidence" in why
