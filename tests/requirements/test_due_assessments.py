"""New facts are assessed unasked: what they touch and nothing else, by one worker, however much is stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence import clock
from evidence.digests import sha256_hex
from evidence.services import evals
from evidence.time_budget import TimeBudget
from requirements.models import Assessment, AssessmentWatch
from requirements.services import due_assessments
from requirements.services.assessment import assess, replay_assessment
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import World, second_release
from tests.requirements.builders import make_criterion, make_trace, make_traces

pytestmark = pytest.mark.django_db
NOW = timedelta(seconds=5)  # so that it was sealed, by the builder two seconds later, before it is looked for


@pytest.fixture(autouse=True)
def _looked_at_without_rest(settings: Any) -> None:
    settings.ASSESS_EVERY = 0


def assess_due(limit: int = 10) -> int:
    return due_assessments.assess_due(TimeBudget.of(60), limit=limit)


def test_a_trace_is_assessed_unasked_and_the_same_facts_store_nothing(world: World) -> None:
    make_criterion(world)
    assert assess_due() == 0, "a release that nobody used has nothing to assess"
    make_trace(world, age=NOW)
    assert assess_due() >= 1
    (first,) = Assessment.objects.all()
    assert (first.verdict, first.n) == ("insufficient", 1)
    assert replay_assessment(first).agrees
    AssessmentWatch.objects.update(looked_at=first.as_of - timedelta(minutes=1))
    assert assess_due() >= 1
    assert Assessment.objects.count() == 1
    make_trace(world, age=-NOW)
    AssessmentWatch.objects.update(looked_at=first.as_of - timedelta(minutes=1))
    assert assess_due() >= 1


def test_a_run_touches_what_reads_runs_and_nothing_else(world: World) -> None:
    register_eval_versions(world)
    of_traces = make_criterion(world, key="a")
    of_runs = make_criterion(
        world, key="b", check="evals.metric", parameters="{suite: {key: behaviour}, metric: grounded}"
    )
    post(world, eval_file())
    assess_due()
    assert {each.criterion_id for each in Assessment.objects.all()} == {of_runs.pk}
    assert of_traces.pk not in AssessmentWatch.objects.values_list("criterion_id", flat=True)


def test_what_a_gate_would_say_otherwise_is_assessed_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of the release that this one is compared with, and a file about this one that could not be read."""
    monkeypatch.setattr(due_assessments, "OVERLAP", timedelta())
    register_eval_versions(world)
    release = second_release(world)
    compared = "{suite: {key: behaviour}, metric: grounded, baseline: r1}"
    make_criterion(world, check="evals.non_inferior", parameters=compared, threshold=-0.1)
    of_release = Assessment.objects.filter(release=release).order_by("-pk")
    of_r2: dict[str, Any] = {"release": "r2", "model": {"key": "smol", "digest": sha256_hex(b"r2")}}
    post(world, eval_file([1.0] * 60, run_key="of-r2", **of_r2))
    assess_due()
    assert assess_due() == 0
    post(world, eval_file([1.0] * 60, run_key="of-r1"))
    assess_due()
    assert "of-r1" in str(of_release[0].inputs)
    with pytest.raises(evals.EvalFileRefused):
        post(world, eval_file([0.0] * 60, run_key="bad", statsu="success", **of_r2))
    assess_due()
    assert "the file of run bad was posted last and refused" in of_release[0].detail


def test_only_what_is_approved_is_watched(world: World) -> None:
    make_criterion(world, approved=False)
    make_trace(world, age=NOW)
    assert assess_due() == 0
    assert not AssessmentWatch.objects.exists()


def test_what_is_rested_or_in_another_hand_is_left(world: World, settings: Any) -> None:
    make_criterion(world)
    make_trace(world, age=NOW)
    assess_due()
    settings.ASSESS_EVERY = 300
    assert assess_due() == 0, "looked at a moment ago"
    settings.ASSESS_EVERY = 0
    AssessmentWatch.objects.update(
        looked_at=None, worker="another", lease_until=clock.now() + timedelta(minutes=1)
    )
    assert assess_due() == 0, "another has it in hand"
    AssessmentWatch.objects.update(lease_until=clock.now() - timedelta(minutes=1))
    assert assess_due() >= 1, "whoever had it has died"


def test_one_that_cannot_be_assessed_does_not_hold_up_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (make_criterion(world, key=key) for key in ("a", "b"))
    make_trace(world, age=NOW)

    def fail(**given: Any) -> Any:
        if given["criterion"].pk == bad.pk:
            raise RuntimeError("a check of somebody else's")
        return assess(**given)

    monkeypatch.setattr(due_assessments, "assess", fail)
    assess_due()
    assert {each.criterion_id for each in Assessment.objects.all()} == {good.pk}
    held = AssessmentWatch.objects.get(criterion=bad)
    assert held.lease_until is not None, "tried again when the lease is over"


def test_finding_what_is_due_asks_as_often_however_much_is_stored(world: World) -> None:
    make_criterion(world)

    def questions() -> int:
        AssessmentWatch.objects.update(looked_at=None, lease_until=None)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assess_due()
        return len(asked)

    make_trace(world, age=NOW)
    few = questions()
    make_traces(world, 20, age=NOW)
    assert questions() <= few + 2
