"""Which run of a suite decides: the newest, or nothing does, and why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidence.digests import sha256_hex
from evidence.models import ArtefactVersion, EvalRun
from evidence.services import evals, registry
from evidence.services.gates import CriterionReference, decide_gate, replay_gate_decision
from requirements.checks import deciding_runs
from requirements.telling import SETTLED_BY
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import World, acting, define_gate, make_world, manifest, retract
from tests.kept_scenes import kept_scene
from tests.requirements.builders import decide, make_criterion, reason_of

pytestmark = pytest.mark.django_db

CASES = Path(__file__).parent / "data" / "evals"
PARAMETERS = "{suite: {key: behaviour}, metric: grounded, planned_runs: 5}"
GOOD, BAD = [1.0] * 40, [0.0] * 40


def minutes_ago(minutes: int) -> str:
    return (timezone.now() - timedelta(minutes=minutes)).isoformat()


@pytest.fixture
@kept_scene
def gated(world: World) -> World:
    """A system whose gate asks for one metric of a suite, with the suite's versions registered."""
    register_eval_versions(world)
    make_criterion(world, check="evals.metric", parameters=PARAMETERS)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    return world


UNREGISTERED = {"label": "9", "digest": sha256_hex(b"another")}


@pytest.mark.parametrize(
    ("newest", "code"),
    [
        ({"status": "error"}, "run_not_ended"),
        ({"status": "cancelled"}, "run_not_ended"),
        ({"evaluator": {"key": "judge", **UNREGISTERED}}, "evaluator_unregistered"),
        ({"dataset": {"key": "tasks", **UNREGISTERED}}, "dataset_unregistered"),
        ({"suite": {"key": "behaviour", **UNREGISTERED}}, "suite_unregistered"),
        ({"model": {"key": "smol", "digest": "e" * 64}}, "model_differs"),
    ],
)
def test_no_older_run_stands_in_for_the_newest(gated: World, newest: dict[str, Any], code: str) -> None:
    post(gated, eval_file(GOOD))
    assert reason_of(gated)["decision"] == "pass"
    post(gated, eval_file(GOOD, run_key="run-2", **newest))
    reason = reason_of(gated)
    assert (reason["decision"], reason["code"]) == ("insufficient", code)
    assert "run-2" in reason["detail"] or code == "model_differs"
    assert [run["run_key"] for run in reason["runs"]] == ["run-2"]
    assert [(run["run_key"], run["code"]) for run in reason["passed_over"]] == [("run-1", "earlier")]
    assert reason["would_settle"] == {"more_units": None, "detail": SETTLED_BY[code]}


def test_a_newest_run_without_the_metric_is_no_pass(gated: World) -> None:
    post(gated, eval_file(GOOD))
    other = {"fluent": {"kind": "proportion", "direction": "higher", "unit": "share"}}
    post(gated, eval_file([], run_key="run-2", metrics=other))
    reason = reason_of(gated)
    assert (reason["decision"], reason["code"]) == ("insufficient", "metric_absent")
    assert "run-2" in reason["detail"]


def test_a_file_that_was_refused_after_the_newest_run_is_named(gated: World) -> None:
    post(gated, eval_file(GOOD))
    with pytest.raises(evals.EvalFileRefused):
        post(gated, eval_file(BAD, run_key="run-2", statsu="success"))
    reason = reason_of(gated)
    assert (reason["decision"], reason["code"]) == ("insufficient", "file_refused")
    assert "run-2" in reason["detail"]
    post(gated, eval_file(GOOD, run_key="run-3"))
    assert reason_of(gated)["decision"] == "pass"


def test_a_run_that_is_dated_back_hides_no_newer_one(gated: World) -> None:
    post(gated, eval_file(GOOD))
    post(gated, eval_file(BAD, run_key="run-2", observed_from=minutes_ago(300), observed_to=minutes_ago(200)))
    reason = reason_of(gated)
    assert (reason["decision"], reason["code"]) == ("insufficient", "order_unclear")
    post(gated, eval_file(BAD, run_key="run-3", observed_to=minutes_ago(30), collected_at=minutes_ago(30)))
    assert reason_of(gated)["decision"] == "fail"


def test_an_old_file_that_comes_late_is_no_pass(gated: World) -> None:
    post(gated, eval_file(BAD))
    post(
        gated, eval_file(GOOD, run_key="run-0", observed_from=minutes_ago(300), observed_to=minutes_ago(200))
    )
    assert reason_of(gated)["code"] == "order_unclear"


def test_a_retraction_that_waits_and_one_that_was_confirmed_are_shown(gated: World) -> None:
    post(gated, eval_file(GOOD))
    bad = post(gated, eval_file(BAD, run_key="run-2")).run
    before = decide(gated)
    evals.ask_retraction(principal=acting("user:ana"), run=bad, reason="wrong labels")
    reason = reason_of(gated)
    assert reason["decision"] == "fail"
    assert reason["runs"][0]["retractions"] == [
        {"requested_by": "user:ana", "reason": "wrong labels", "confirmed_by": None}
    ]
    retract(bad, asker="user:ana")
    reason = reason_of(gated)
    assert (reason["decision"], reason["passed_over"][0]["code"]) == ("pass", "retracted")
    assert reason["passed_over"][0]["retractions"][0]["confirmed_by"] == "user:gina"
    assert replay_gate_decision(before).agrees


@pytest.mark.parametrize(
    ("values", "over", "code"),
    [
        (None, {}, "no_run"),
        ([], {}, "run_empty"),
        ([9.0] * 12, {}, "all_rejected"),
        ([None] * 12, {}, "nothing_scored"),
        ([1.0] * 3, {}, "too_few_observations"),
    ],
)
def test_nothing_observed_says_why(gated: World, values: Any, over: dict[str, Any], code: str) -> None:
    if values is not None:
        post(gated, eval_file(values, **over))
    reason = reason_of(gated)
    assert (reason["decision"], reason["code"]) == ("insufficient", code)


def test_each_run_retracted_is_not_no_run(gated: World) -> None:
    retract(post(gated, eval_file(BAD)).run)
    assert reason_of(gated)["code"] == "all_retracted"


def test_a_reason_carries_its_numbers(gated: World) -> None:
    post(gated, eval_file([1.0] * 26 + [0.0] * 4))
    reason = reason_of(gated)
    measured = reason["measured"]
    assert reason["code"] == "too_few_to_tell"
    assert (measured["n_observations"], measured["threshold"], measured["comparator"]) == (
        30,
        0.8,
        "at_least",
    )
    assert measured["bound"] == measured["low"] < 0.8 < measured["value"] < measured["high"]
    more = reason["would_settle"]["more_units"]
    for key, n, decision in (("run-2", 30 + more // 5, "insufficient"), ("run-3", 30 + 2 * more, "pass")):
        good = round(n * 26 / 30)
        post(gated, eval_file([1.0] * good + [0.0] * (n - good), run_key=key))
        assert reason_of(gated)["decision"] == decision


def test_a_decision_is_bound_to_what_ci_pushed(gated: World) -> None:
    post(gated, eval_file(GOOD, commit="4b1d46ee0000"))
    assert decide(gated, runs=["run-1"], commit="4b1d46ee").verdict == "pass"
    other = decide(gated, runs=["run-1"], commit="ffffffff")
    assert (other.verdict, other.reasons[-1]["code"]) == ("insufficient", "commit_differs")
    unknown = decide(gated, runs=["run-2"])
    assert (unknown.verdict, unknown.reasons[-1]["code"]) == ("insufficient", "run_unknown")
    post(gated, eval_file(GOOD, run_key="run-2"))
    passed = decide(gated, runs=["run-1"])
    assert (passed.verdict, passed.reasons[-1]["code"]) == ("insufficient", "run_passed_over")
    assert "run-2 was received later" in passed.reasons[-1]["detail"]
    assert decide(gated).verdict == "pass"


def test_a_run_of_a_suite_that_nobody_asks_for_binds_nothing(gated: World) -> None:
    post(gated, eval_file(GOOD))
    assert decide(gated, runs=["run-2"]).reasons[-1]["code"] == "run_unknown"
    post(gated, eval_file(GOOD, run_key="run-2", suite={"key": "other", "label": "1"}))
    assert decide(gated, runs=["run-2"]).reasons[-1]["code"] == "run_not_asked_for"


def test_a_run_of_no_release_gates_none(gated: World) -> None:
    """It is neither a pass of a release that has no run, nor the newest run of one that has."""
    post(gated, eval_file(GOOD, run_key="loose-1", release=None))
    assert (decide(gated).verdict, reason_of(gated)["code"]) == ("insufficient", "no_run")
    bound = decide(gated, runs=["loose-1"]).reasons[-1]
    assert bound["code"] == "run_of_other_release"
    assert "run loose-1 is of no release" in bound["detail"]
    post(gated, eval_file(BAD))
    post(gated, eval_file(GOOD, run_key="loose-2", release=None))
    reason = reason_of(gated)
    assert (reason["decision"], [run["run_key"] for run in reason["runs"]]) == ("fail", ["run-1"])


def test_a_run_older_than_those_that_are_listed_is_passed_over(
    gated: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its suite is asked for, so nobody is told that it is not."""
    monkeypatch.setattr(deciding_runs, "_LISTED", 1)
    for key in ("run-1", "run-2"):
        post(gated, eval_file(GOOD, run_key=key))
    reason = decide(gated, runs=["run-1"]).reasons[-1]
    assert reason["code"] == "run_passed_over"
    assert "run-2 was received later" in reason["detail"]


@pytest.mark.parametrize(
    ("demanded", "poster", "code"),
    [
        ("poster", "user:olga", "posted_by_builder"),
        ("poster", "token:ci", "met"),
        ("dataset", "token:ci", "met"),
        ("poster, dataset", "token:ci", "met"),
    ],
)
def test_a_criterion_may_demand_that_others_than_the_builders_measured(
    world: World, demanded: str, poster: str, code: str
) -> None:
    """`user:olga` put the release on record, `user:ann` registered the dataset."""
    register_eval_versions(world)
    parameters = PARAMETERS.replace("}, metric", "}, independent: [%s], metric" % demanded)  # noqa: UP031  # braces
    make_criterion(world, check="evals.metric", parameters=parameters)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    post(world, eval_file(GOOD), principal=acting(poster))
    assert reason_of(world)["code"] == code


def test_a_dataset_that_a_builder_registered_is_not_independent(world: World) -> None:
    versions = register_eval_versions(world)
    registered_by = versions["dataset"].registration.registered_by
    pin = registry.PinSpec(slot="model", kind="model", key="smol", label="1", digest=sha256_hex(b"model"))
    release = registry.register_release(
        principal=acting(registered_by), system=world.system, manifest=registry.ReleaseManifest("r2", [pin])
    )
    parameters = PARAMETERS.replace("}, metric", "}, independent: [dataset], metric")
    make_criterion(world, check="evals.metric", parameters=parameters)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    post(world, eval_file(GOOD, release="r2"))
    decision = decide_gate(principal=acting("token:ci"), system=world.system, gate="release", release=release)
    assert (decision.verdict, decision.reasons[0]["code"]) == ("insufficient", "dataset_by_builder")


@pytest.mark.parametrize("key", ["tasks", "my-tasks"])
def test_a_dataset_that_a_builder_had_run_before_is_not_unseen(world: World, key: str) -> None:
    register_eval_versions(world)
    dataset = {"key": key, "label": "1", "digest": sha256_hex(b"tasks")}
    post(world, eval_file(BAD, dataset=dataset), principal=acting("user:olga"))
    pin = registry.PinSpec(slot="model", kind="model", key="smol", label="1", digest=sha256_hex(b"model"))
    release = registry.register_release(
        principal=acting("user:olga"), system=world.system, manifest=registry.ReleaseManifest("r2", [pin])
    )
    parameters = PARAMETERS.replace("}, metric", "}, independent: [dataset], metric")
    make_criterion(world, check="evals.metric", parameters=parameters)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    post(world, eval_file(GOOD, run_key="run-2", release="r2"))
    decision = decide_gate(principal=acting("token:ci"), system=world.system, gate="release", release=release)
    assert (decision.verdict, decision.reasons[0]["code"]) == ("insufficient", "dataset_by_builder")
    assert "used before the release was made by user:olga" in decision.reasons[0]["detail"]


# The same suite on the same release, run again and again: files of ../data/evals.


@pytest.fixture
@kept_scene
def bank(db: None) -> World:
    del db
    world = make_world("bank-ci")
    make_criterion(
        world, check="evals.metric", parameters="{suite: {key: behaviour}, metric: accuracy}", threshold=0.9
    )
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    return world


def post_case(world: World, name: str) -> EvalRun:
    raw = (CASES / f"{name}.json").read_bytes()
    run = post(world, raw).run
    for version in ArtefactVersion.objects.filter(
        pk__in=[run.suite_id, run.evaluator_id, run.dataset_id], registration=None
    ):
        registry.register_version(principal=acting("user:ann"), version=version)
    assert run.run_key == json.loads(raw)["run_key"]
    return run


def test_a_run_that_did_not_end_is_named_after_three_that_did(bank: World) -> None:
    for number in (1, 2, 3):
        post_case(bank, f"rerun-{number}")
    third = reason_of(bank)
    assert [run["run_key"] for run in third["passed_over"]] == ["behaviour-rerun-2", "behaviour-rerun-1"]
    post_case(bank, "rerun-4-error")
    fourth = reason_of(bank)
    assert (fourth["decision"], fourth["code"]) == ("insufficient", "run_not_ended")
    assert "behaviour-rerun-4" in fourth["detail"]
    assert len(fourth["passed_over"]) == 3


def test_nine_outcomes_of_a_scorer_are_no_pass(bank: World) -> None:
    post_case(bank, "outcomes")
    assert reason_of(bank)["decision"] == "insufficient"


# A suite that is run again until it passes. `bank` plans one run, as a criterion does that says nothing.


def look_of(reason: dict[str, Any]) -> tuple[int, int]:
    look = reason["measured"]["look"]
    return look["number"], look["planned"]


def test_running_a_suite_again_until_it_is_green_passes_nothing(bank: World) -> None:
    post_case(bank, "rerun-1")
    assert reason_of(bank)["code"] == "too_few_to_tell"
    for number in (2, 3):
        post_case(bank, f"rerun-{number}")
        again = reason_of(bank)
        assert (again["decision"], again["code"]) == ("insufficient", "beyond_plan")
    assert again["measured"]["look"]["earlier"] == ["behaviour-rerun-1", "behaviour-rerun-2"]
    assert "earlier looks: behaviour-rerun-1, behaviour-rerun-2" in again["detail"]
    assert again["would_settle"]["detail"] == SETTLED_BY["beyond_plan"]


@pytest.mark.parametrize(("planned", "low"), [(1, 0.9109), (3, 0.8951), (5.0, 0.8883)])
def test_planned_runs_share_what_a_wrong_pass_may_cost(world: World, planned: float, low: float) -> None:
    """96 of 100: exact bounds at 0.95, 0.9833 and 0.99, one-sided."""
    register_eval_versions(world)
    parameters = PARAMETERS.replace("5", str(planned))
    make_criterion(world, check="evals.metric", parameters=parameters, threshold=0.9)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    post(world, eval_file([1.0] * 96 + [0.0] * 4))
    reason = reason_of(world)
    assert reason["measured"]["low"] == pytest.approx(low, abs=1e-4)
    assert reason["measured"]["look"]["alpha"] == pytest.approx(0.05 / planned)
    assert reason["decision"] == ("pass" if planned == 1 else "insufficient")
    assert world.release.assessments.get().bound_confidence == pytest.approx(1 - 0.05 / planned)


def test_the_last_planned_run_says_that_a_further_one_needs_a_plan(bank: World) -> None:
    post_case(bank, "rerun-1")
    settled = reason_of(bank)["would_settle"]
    assert settled["more_units"] is not None
    assert settled["detail"].endswith(f"for a run more than planned, first {SETTLED_BY['beyond_plan']}")


def test_a_new_plan_counts_the_runs_so_far(gated: World) -> None:
    for number in range(1, 7):
        post(gated, eval_file([*GOOD, float(number % 2)], run_key=f"run-{number}"))
    assert reason_of(gated)["code"] == "beyond_plan"
    make_criterion(gated, check="evals.metric", parameters=PARAMETERS.replace("5", "6"))
    reason = reason_of(gated)
    assert (reason["decision"], look_of(reason)) == ("pass", (6, 6))


def test_another_name_for_the_release_begins_no_new_count(gated: World) -> None:
    post(gated, eval_file(BAD))
    renamed = registry.register_release(
        principal=acting("user:olga"), system=gated.system, manifest=manifest(name="r2")
    )
    post(gated, eval_file(GOOD, run_key="run-2", release="r2"))
    reason = reason_of(replace(gated, release=renamed))
    assert (look_of(reason), reason["measured"]["look"]["earlier"]) == ((2, 5), ["run-1"])


def test_a_run_is_a_look_where_somebody_saw_how_it_came_out(gated: World) -> None:
    """Retracted or ended early, too; not where it has no score of the metric, nor on other versions."""
    retract(post(gated, eval_file(BAD)).run)
    post(gated, eval_file(GOOD, run_key="cancelled", status="cancelled"))
    post(gated, eval_file([None] * 40, run_key="no-score", status="error"))
    post(gated, eval_file([], run_key="empty", status="error"))
    post(gated, eval_file(GOOD, run_key="other-data", dataset={"key": "tasks", **UNREGISTERED}))
    post(gated, eval_file(GOOD, run_key="other-model", model={"key": "smol", "digest": "e" * 64}))
    raw = eval_file(GOOD, run_key="last")
    assert post(gated, raw).run == post(gated, raw).run
    reason = reason_of(gated)
    assert look_of(reason) == (3, 5)
    assert reason["measured"]["look"]["earlier"] == ["run-1", "cancelled"]


def test_what_comes_later_changes_no_look_of_before(gated: World) -> None:
    post(gated, eval_file(GOOD))
    before = decide(gated)
    post(gated, eval_file(GOOD, run_key="run-2"))
    assert look_of(reason_of(gated)) == (2, 5)
    assert replay_gate_decision(before).agrees


def test_what_slices_have_in_common_is_looked_up_once(world: World) -> None:
    register_eval_versions(world)
    tiers = ("low", "high", "medium", "critical")
    slices = ", ".join(f"{{risk_tier: {tier}}}" for tier in tiers)
    sliced: dict[str, Any] = {"slices": f"[{slices}]", "max_age_days": 30}
    for key, asked in (("whole", {}), ("sliced", sliced)):
        make_criterion(world, key=key, check="evals.metric", parameters=PARAMETERS, **asked)
        define_gate(system=world.system, key=key, references=[CriterionReference(requirement=key)])
    post(world, eval_file(GOOD, slices=[{"risk_tier": tier} for tier in tiers]))
    statements = {}
    for key in ("whole", "sliced"):
        with CaptureQueriesContext(connection) as captured:
            decide_gate(principal=acting("token:ci"), system=world.system, gate=key, release=world.release)
        statements[key] = len(captured)
    measured = 2 * (1 + len(tiers))  # the whole and each slice, of any age and of the last 30 days
    assert statements["sliced"] - statements["whole"] <= 6 * (measured - 1)
