from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from evidence import clock
from evidence.digests import sha256_hex
from evidence.models import ArtefactKind
from evidence.services import registry
from requirements.models import AcceptanceCriterion, Assessment
from requirements.services.assessment import assess, replay_assessment
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import World, retract
from tests.requirements.builders import make_criterion

SUITE = "suite: {key: behaviour}, metric: grounded"
PARAMETERS = f"{{{SUITE}}}"


@pytest.fixture
def criterion(world: World) -> AcceptanceCriterion:
    return make_criterion(world, check="evals.metric", parameters=PARAMETERS)


def assessed(world: World, criterion: AcceptanceCriterion) -> Assessment:
    return assess(criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci")


def test_a_good_run_of_registered_versions_meets_the_criterion(
    world: World, criterion: AcceptanceCriterion
) -> None:
    register_eval_versions(world)
    post(world, eval_file([1.0] * 29 + [0.0]))
    assessment = assessed(world, criterion)
    assert (assessment.verdict, assessment.n) == ("met", 30)
    assert assessment.inputs["measured"][0]["recent"]["inputs"]["eval_run"]["evaluator"] == sha256_hex(
        b"judge"
    )
    assert replay_assessment(assessment).agrees


def test_versions_nobody_registered_are_never_a_pass(world: World, criterion: AcceptanceCriterion) -> None:
    post(world, eval_file())
    assessment = assessed(world, criterion)
    assert assessment.verdict == "insufficient"
    assert "nobody registered the evaluator" in assessment.detail


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({"model": {"key": "smol", "digest": "e" * 64}}, "the release pins"),
        ({"model": {"key": "smol", "label": "1"}}, "no digest"),
    ],
)
def test_a_run_on_another_model_is_never_a_pass(
    world: World, criterion: AcceptanceCriterion, over: dict[str, Any], says: str
) -> None:
    register_eval_versions(world)
    post(world, eval_file(**over))
    assessment = assessed(world, criterion)
    assert assessment.verdict == "insufficient"
    assert says in assessment.detail


@pytest.mark.parametrize("role", ["suite", "evaluator", "dataset"])
def test_a_run_with_another_version_than_the_criterion_names_is_never_a_pass(world: World, role: str) -> None:
    register_eval_versions(world)
    keys = {"suite": "behaviour", "evaluator": "judge", "dataset": "tasks"}
    named = f"{role}: {{key: {keys[role]}, label: '2'}}"
    parameters = f"{{{named}, metric: grounded}}" if role == "suite" else f"{{{SUITE}, {named}}}"
    criterion = make_criterion(world, check="evals.metric", parameters=parameters)
    post(world, eval_file())
    assessment = assessed(world, criterion)
    assert assessment.verdict == "insufficient"
    assert f"its {role} is" in assessment.detail


def test_a_retracted_run_no_longer_counts_and_the_old_verdict_still_replays(
    world: World, criterion: AcceptanceCriterion
) -> None:
    register_eval_versions(world)
    run = post(world, eval_file()).run
    before = assessed(world, criterion)
    retract(run)
    assert assessed(world, criterion).verdict == "insufficient"
    assert replay_assessment(before).agrees


@pytest.mark.parametrize("status", ["error", "cancelled"])
def test_a_run_that_did_not_succeed_does_not_count(
    world: World, criterion: AcceptanceCriterion, status: str
) -> None:
    register_eval_versions(world)
    post(world, eval_file(status=status))
    assert assessed(world, criterion).verdict == "insufficient"


def test_unscored_and_rejected_samples_cannot_be_left_out_to_pass(
    world: World, criterion: AcceptanceCriterion
) -> None:
    register_eval_versions(world)
    post(world, eval_file([1.0] * 20 + [None] * 10))
    assert "10 of 30 samples" in assessed(world, criterion).detail
    post(world, eval_file([1.0] * 20 + [9.0] * 10, run_key="run-2"))
    assessment = assessed(world, criterion)
    assert assessment.verdict == "insufficient"
    assert "10 of 30 samples" in assessment.detail


def test_a_metric_for_which_lower_is_better_is_judged_on_the_upper_bound(world: World) -> None:
    register_eval_versions(world)
    lower = {"grounded": {"kind": "proportion", "direction": "lower", "unit": "share"}}
    at_most = make_criterion(
        world, key="a", check="evals.metric", parameters=PARAMETERS, comparator="at_most", threshold=0.1
    )
    at_least = make_criterion(world, key="b", check="evals.metric", parameters=PARAMETERS)
    post(world, eval_file([0.0] * 30, metrics=lower))
    assert assessed(world, at_most).verdict == "met"
    wrong_way = assessed(world, at_least)
    assert wrong_way.verdict == "insufficient"
    assert "lower is better" in wrong_way.detail


def test_slices_of_a_run_each_have_to_hold(world: World) -> None:
    register_eval_versions(world)
    criterion = make_criterion(
        world,
        check="evals.metric",
        parameters=PARAMETERS,
        slices="[{language: en}, {language: zh-Hans}]",
    )
    values = [1.0 if index % 2 == 0 else 0.2 for index in range(60)]
    post(world, eval_file(values, slices=[{"language": "en"}, {"language": "zh-Hans"}]))
    assessment = assessed(world, criterion)
    assert assessment.verdict == "not_met"
    assert [part["verdict"] for part in assessment.slices] == ["met", "not_met"]


def test_an_old_run_is_stale(world: World) -> None:
    register_eval_versions(world)
    criterion = make_criterion(world, check="evals.metric", parameters=PARAMETERS, max_age_days=30)
    old = timezone.now() - timedelta(days=40)
    times: dict[str, Any] = dict.fromkeys(("observed_from", "observed_to", "collected_at"), old.isoformat())
    post(world, eval_file(**times))
    assert assessed(world, criterion).verdict == "stale"


def test_a_mean_in_its_own_unit_is_judged_in_that_unit(world: World) -> None:
    register_eval_versions(world)
    metrics = {"grounded": {"kind": "mean", "direction": "lower", "unit": "ms"}}
    arguments: dict[str, Any] = {
        "check": "evals.metric",
        "parameters": PARAMETERS,
        "comparator": "at_most",
    }
    fast = make_criterion(world, key="fast", threshold="100\n        unit: ms", **arguments)
    share = make_criterion(world, key="share", threshold=0.9, **arguments)
    post(world, eval_file([40.0 + index for index in range(20)], metrics=metrics))
    assert assessed(world, fast).verdict == "met"
    assert "'ms'" in assessed(world, share).detail


def test_equal_values_without_a_bound_leave_nothing_to_judge_by(world: World) -> None:
    register_eval_versions(world)
    metrics = {"grounded": {"kind": "mean", "direction": "lower", "unit": "ms"}}
    criterion = make_criterion(
        world, check="evals.metric", parameters=PARAMETERS, comparator="at_most", threshold="100\n        unit: ms"
    )  # fmt: skip
    post(world, eval_file([5.0] * 20, metrics=metrics))
    assert assessed(world, criterion).verdict == "insufficient"


def test_a_registration_after_the_assessment_does_not_reach_back(
    world: World, criterion: AcceptanceCriterion
) -> None:
    post(world, eval_file())
    before = assessed(world, criterion)
    register_eval_versions(world)
    assert assessed(world, criterion).verdict == "met"
    assert replay_assessment(before).agrees
    assert registry.ensure_version(
        system=world.system,
        kind=ArtefactKind.SUITE,
        key="behaviour",
        label="1",
        digest=sha256_hex(b"suite"),
        actor="user:ci",
    ).registration
