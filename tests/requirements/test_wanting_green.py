"""Whoever may post runs wants a pass, and gets none by posting more, elsewhere, or under another name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.digests import sha256_hex
from evidence.models import ArtefactKind, EvalRun, Release
from evidence.services import gates, registry
from evidence.services.evals import EvalFileRefused
from evidence.services.gates import CriterionReference, replay_gate_decision
from tests.evidence.eval_files import MODEL_DIGEST, SAID, eval_file, post, pusher, register_eval_versions
from tests.factories import World, acting, define_gate, grant_waiver, manifest, second_release
from tests.kept_scenes import kept_scene
from tests.requirements.builders import decide, make_criterion, reason_of

pytestmark = pytest.mark.django_db

PARAMETERS = "{suite: {key: behaviour}, metric: grounded, planned_runs: 2}"
FEW = [1.0] * 26 + [0.0] * 4  # too few to tell whether it is 0.8


@pytest.fixture
@kept_scene
def gated(world: World) -> World:
    """A gate that asks for one metric of a suite, of which two runs are planned."""
    register_eval_versions(world)
    make_criterion(world, check="evals.metric", parameters=PARAMETERS)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    return world


def waive(world: World) -> None:
    """Have two people accept what the gate says of the criterion now."""
    decide(world)
    asked = gates.ask_waiver(
        principal=world.principal("author"), release=world.release, criterion_ref="r/c",
        reason="few, until r2", expires_at=timezone.now() + timedelta(days=7),
    )  # fmt: skip
    grant_waiver(asked, world.principal("approver"))
    assert decide(world).verdict == "pass"


# What was waived as not known.


def test_a_run_beyond_the_plan_that_fails_is_not_waived_as_few(gated: World) -> None:
    post(gated, eval_file(FEW))
    waive(gated)
    post(gated, eval_file([0.0] * 30, run_key="run-2"))
    post(gated, eval_file([0.0] * 30, run_key="run-3"))
    reason = reason_of(gated)
    assert (reason["decision"], reason["code"], reason["waiver"]) == ("insufficient", "beyond_plan", None)
    assert "does not cover this" in reason["detail"]


def test_a_run_that_lacks_the_metric_hides_no_fail_behind_a_waiver(gated: World) -> None:
    post(gated, eval_file(FEW))
    waive(gated)
    post(gated, eval_file([0.0] * 30, run_key="run-2"))
    assert decide(gated).verdict == "fail"
    other = {"fluent": {"kind": "proportion", "direction": "higher", "unit": "share"}}
    post(gated, eval_file([], run_key="run-3", metrics=other))
    assert (reason_of(gated)["decision"], reason_of(gated)["code"]) == ("insufficient", "metric_absent")


def test_missing_samples_that_were_waived_are_not_waived_once_the_rest_fails(gated: World) -> None:
    post(gated, eval_file([1.0] * 40 + [None] * 10))
    waive(gated)
    post(gated, eval_file([0.0] * 40 + [None] * 10, run_key="run-2"))
    reason = reason_of(gated)
    assert (reason["decision"], reason["code"]) == ("insufficient", "samples_missing")
    assert reason["measured"]["high"] < reason["measured"]["threshold"]


def test_a_slice_that_fails_is_told_and_not_waived_with_the_whole(world: World) -> None:
    register_eval_versions(world)
    slices = "[{language: en}, {language: zh-Hans}]"
    make_criterion(world, check="evals.metric", parameters=PARAMETERS, slices=slices)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    spoken = [*[{"language": "en"}] * 5, {"language": "zh-Hans"}]
    post(world, eval_file([1.0] * 90 + [None] * 9, slices=spoken))
    waive(world)
    chinese_fails = [0.0 if number % 6 == 5 else 1.0 for number in range(90)]
    post(world, eval_file([*chinese_fails, *[None] * 9], run_key="run-2", slices=spoken))
    reason = reason_of(world)
    assert (reason["decision"], reason["code"]) == ("insufficient", "samples_missing")
    assert reason["measured"]["where"] == {"language": "zh-Hans"}


def test_what_is_as_few_as_it_was_is_still_waived(gated: World) -> None:
    post(gated, eval_file(FEW))
    waive(gated)
    post(gated, eval_file([1.0] * 27 + [0.0] * 3, run_key="run-2"))
    assert (reason_of(gated)["decision"], reason_of(gated)["code"]) == ("pass", "too_few_to_tell")


def test_a_decision_of_before_replays_by_what_its_waiver_covered_then(gated: World) -> None:
    post(gated, eval_file(FEW))
    waive(gated)
    other = {"fluent": {"kind": "proportion", "direction": "higher", "unit": "share"}}
    post(gated, eval_file([], run_key="run-2", metrics=other))
    decision = decide(gated)
    assert decision.verdict == "insufficient"
    decision.code_version = "gate/4"
    assert replay_gate_decision(decision).replayed_verdict == "pass"


# Looks.


def release_of(world: World, *pins: registry.PinSpec, name: str) -> World:
    """Have CI freeze a release of what the first one pins and of these."""
    whole = manifest(name=name)
    made = registry.register_release(
        principal=acting("token:ci"), system=world.system, manifest=replace(whole, pins=[*whole.pins, *pins])
    )
    return replace(world, release=made)


def test_a_pin_by_another_slot_begins_no_new_count(gated: World) -> None:
    for number in (1, 2):
        post(gated, eval_file([0.0] * 30, run_key=f"run-{number}"))
    again = replace(manifest().pins[-1], slot="policy-again")
    other = release_of(gated, again, name="r2")
    post(gated, eval_file([1.0] * 30, run_key="run-3", release="r2"))
    reason = reason_of(other)
    assert (reason["decision"], reason["code"]) == ("insufficient", "beyond_plan")
    assert reason["measured"]["look"]["earlier"] == ["run-1", "run-2"]


def test_a_suite_by_another_key_begins_no_new_count(gated: World) -> None:
    for number in (1, 2):
        tried = {"key": "tried", "label": "1", "digest": sha256_hex(b"suite")}
        post(gated, eval_file([0.0] * 30, run_key=f"run-{number}", suite=tried))
    post(gated, eval_file([1.0] * 30, run_key="run-3"))
    reason = reason_of(gated)
    assert (reason["decision"], reason["code"]) == ("insufficient", "beyond_plan")
    assert reason["measured"]["look"]["earlier"] == ["run-1", "run-2"]


def test_a_release_that_pins_another_version_is_another_question(gated: World) -> None:
    post(gated, eval_file([0.0] * 30))
    tool = registry.PinSpec(slot="tool", kind="tool", key="search", label="1", digest=sha256_hex(b"tool"))
    other = release_of(gated, tool, name="r2")
    post(gated, eval_file([1.0] * 30, run_key="run-2", release="r2"))
    assert reason_of(other)["measured"]["look"]["number"] == 1


def promptfoo_file(*failing: int) -> bytes:
    """Return a file in which one suite of thirty tests was run as often as there are numbers of failures."""
    rows = [
        {
            "provider": {"id": "smol"}, "promptIdx": number, "prompt": {"label": f"try {number}"}, "testIdx": test,
            "testCase": {"description": f"case {test}"}, "vars": {"q": str(test)}, "success": test >= fails,
            "score": float(test >= fails), "response": {"output": "a"},
            "gradingResult": {
                "pass": test >= fails, "score": float(test >= fails),
                "componentResults": [
                    {"pass": test >= fails, "score": float(test >= fails), "assertion": {"type": "equals"}}
                ],
            },
        }
        for number, fails in enumerate(failing)
        for test in range(30)
    ]  # fmt: skip
    return json.dumps({"evalId": "eval-1", "results": {"version": 3, "results": rows}}).encode()


def test_each_measurement_of_a_file_is_a_look(world: World, api: APIClient) -> None:
    """Whoever runs a suite again until it passes, and posts all of it in one file, has looked as often."""
    for kind in (ArtefactKind.SUITE, ArtefactKind.EVALUATOR, ArtefactKind.DATASET):
        version = registry.ensure_version(
            system=world.system, kind=kind, key=SAID[kind.value], label="3",
            digest=sha256_hex(kind.value.encode()), actor="user:ci",
        )  # fmt: skip
        registry.register_version(principal=acting("user:ann"), version=version)
    make_criterion(world, check="evals.metric", parameters="{suite: {key: fees}, metric: success}")
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    said = {f"{role}_digest": sha256_hex(role.encode()) for role in ("suite", "evaluator", "dataset")}
    times = {name: SAID[name] for name in ("observed_from", "observed_to", "commit")}
    keys = {role: SAID[role] for role in ("suite", "evaluator", "dataset")}
    model = {"model": "smol", "model_digest": MODEL_DIGEST}
    send = pusher(world, api)
    answer = send(promptfoo_file(9, 7, 0), name="x.json", release="r1", **said, **times, **keys, **model)
    assert answer.status_code == 201, answer.content
    assert EvalRun.objects.filter(model_digest=MODEL_DIGEST).count() == 3
    reason = reason_of(world)
    assert (reason["decision"], reason["code"]) == ("insufficient", "beyond_plan")
    assert len(reason["measured"]["look"]["earlier"]) == 2


def on_candidate(world: World, candidate: Release, values: Sequence[float | None], **over: Any) -> None:
    model = {"key": "smol", "digest": sha256_hex(b"r2")}
    post(world, eval_file(values, release=candidate.name, model=model, run_key="candidate", **over))


COMPARED = "{suite: {key: behaviour}, metric: grounded, baseline: r1, max_missing_share: 1%s}"


@pytest.mark.parametrize(("planned", "code"), [("", "beyond_plan"), (", planned_runs: 3", "met")])
def test_a_baseline_that_is_measured_until_it_is_bad_is_looked_at_each_time(
    world: World, planned: str, code: str
) -> None:
    register_eval_versions(world)
    candidate = second_release(world)
    make_criterion(world, check="evals.non_inferior", parameters=COMPARED % planned, threshold=-0.2)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    for number in range(3):
        post(world, eval_file([1.0] * 100, run_key=f"baseline-{number}"))
    on_candidate(world, candidate, [1.0] * 100)
    assert reason_of(replace(world, release=candidate))["code"] == code


# What a file says of itself.

A_BILLION: dict[str, Any] = {
    "key": "tasks",
    "label": "1",
    "digest": sha256_hex(b"tasks"),
    "samples": 1_000_000_000,
}


def test_a_billion_samples_that_are_declared_are_counted_and_not_made(world: World) -> None:
    register_eval_versions(world)
    candidate = second_release(world)
    post(world, eval_file([1.0] * 60))
    on_candidate(world, candidate, [1.0] * 60, dataset=A_BILLION, judge={"key": "llm", "label": "1"})
    others = ", metric: grounded, max_missing_share: 1"
    make_criterion(world, key="a", check="evals.non_inferior", parameters=COMPARED % "", threshold=-0.1)
    make_criterion(
        world, key="b", check="evals.metric",
        parameters=f"{{suite: {{key: behaviour}}{others}, corrected_by_people: {{min_labels: 30}}}}",
    )  # fmt: skip
    references = [CriterionReference(requirement=key) for key in "ab"]
    define_gate(system=world.system, key="release", references=references)
    compared, judged = decide(replace(world, release=candidate)).reasons
    assert compared["code"] == "not_comparable"  # by another judge
    assert "fewer samples than are missing" in compared["detail"]
    assert judged["measured"]["judge"]["state"] == "uncorrectable"
    assert judged["measured"]["missing"] == {"absent": A_BILLION["samples"] - 60}


def test_seconds_are_no_proportion(world: World) -> None:
    """As one, a second that is missing would count as 1 at most."""
    seconds = {"latency": {"kind": "proportion", "direction": "lower", "unit": "s"}}
    with pytest.raises(EvalFileRefused, match='unit: must be "share"'):
        post(world, eval_file([], metrics=seconds))


def test_more_items_than_the_dataset_has_are_attempts_that_nobody_names(gated: World) -> None:
    ten = {**A_BILLION, "samples": 10}
    post(gated, eval_file([1.0] * 40, dataset=ten))
    reason = reason_of(gated)
    assert (reason["decision"], reason["code"]) == ("insufficient", "dataset_larger")
    document = json.loads(eval_file([1.0] * 40, dataset=ten, run_key="run-2"))
    for number, sample in enumerate(document["samples"]):
        sample["id"] = f"{number % 10}#{number // 10}"
    post(gated, json.dumps(document).encode())
    assert reason_of(gated)["measured"]["n_units"] == 10
    assert reason_of(gated)["code"] == "too_few_to_tell"


def test_attempts_that_say_they_are_of_several_items_are_of_one(gated: World) -> None:
    forty = {**A_BILLION, "samples": 40}
    document = json.loads(eval_file([1.0] * 40, dataset=forty))
    for number, sample in enumerate(document["samples"]):
        sample["id"], sample["slice"] = f"{number // 2}#{number % 2}", {"item": f"item-{number}"}
    post(gated, json.dumps(document).encode())
    reason = reason_of(gated)
    assert (reason["decision"], reason["measured"]["missing"]) == ("insufficient", {"absent": 20})


def test_a_limit_beyond_the_dataset_leaves_nothing_out(gated: World) -> None:
    post(gated, eval_file([1.0] * 40, dataset={**A_BILLION, "samples": 40}, planned={"limit": 1000}))
    assert decide(gated).verdict == "pass"
