"""Judges through the product: a run names one, people label, a criterion asks, a gate decides, a replay agrees."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest

from evidence.access import Principal, principal_of_user
from evidence.digests import sha256_hex
from evidence.evals.corrected import drawn_order
from evidence.models import ArtefactKind, EvalRun, Release
from evidence.selectors import labels as label_selectors
from evidence.services import registry
from evidence.services.gates import CriterionReference, replay_gate_decision
from evidence.services.labels import LabelDraft, record_labels
from requirements.checks import judges
from requirements.models import Assessment
from requirements.telling import SETTLED_BY
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import World, acting, define_gate, manifest
from tests.kept_scenes import kept_scene
from tests.requirements.builders import decide, make_criterion, reason_of

pytestmark = pytest.mark.django_db

FIGURES = json.loads(Path("tests/oracles/ppi_figures.json").read_text(encoding="utf-8"))
JUDGE = {"key": "llm", "label": "1", "digest": sha256_hex(b"llm")}
SUITE = "suite: {key: behaviour}, metric: grounded"
ASKED = f"{SUITE}, corrected_by_people: {{min_labels: 30}}"


@pytest.fixture(autouse=True)
@kept_scene
def versions(world: World) -> None:
    register_eval_versions(world)
    register_judge(world)


def register_judge(world: World) -> None:
    version = registry.ensure_version(
        system=world.system,
        kind=ArtefactKind.JUDGE,
        key=JUDGE["key"],
        label=JUDGE["label"],
        digest=JUDGE["digest"],
        actor="user:ci",
    )
    registry.register_version(principal=acting("user:ann"), version=version)


def gate(world: World, parameters: str, **over: Any) -> None:
    make_criterion(world, check="evals.metric", parameters=f"{{{parameters}}}", **over)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])


def judged_run(world: World, values: Sequence[float | None], **over: Any) -> EvalRun:
    return post(world, eval_file(values, judge=JUDGE, **over)).run


def drawn(run: EvalRun) -> list[str]:
    names = run.samples.values_list("sample_id", flat=True)
    return drawn_order(label_selectors.seed_of(run), names)


def label(
    run: EvalRun, by: Principal, said: Callable[[int], float | None], places: Sequence[int] | range
) -> None:
    """Have a person label the answers at these places of the order in which they are drawn."""
    order = drawn(run)
    drafts = [LabelDraft(order[k], "grounded", said(k)) for k in places]
    record_labels(principal=by, run=run, labels=drafts)


def right(_: int) -> float:
    return 1.0


def one_in_five_wrong(place: int) -> float:
    return float(place % 5 != 0)


@pytest.mark.parametrize("case", FIGURES["cases"][:2], ids=lambda case: f"{len(case['human'])} labels")
def test_the_decision_has_the_value_and_error_of_ppi_python(
    world: World, case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is drawn by the file, so it is held still here to lay the figures' scores along it."""
    for module in (judges, label_selectors):
        monkeypatch.setattr(module, "seed_of", lambda run: "held still")
    scores = [*case["judge"], *case["unlabelled"]]
    order = drawn_order("held still", map(str, range(len(scores))))
    by_name = dict(zip(order, scores, strict=True))
    gate(world, ASKED)
    run = judged_run(world, [float(by_name[str(k)]) for k in range(len(scores))])
    label(run, world.principal("reviewer"), lambda k: float(case["human"][k]), range(len(case["human"])))
    judge = reason_of(world)["measured"]["judge"]
    assert judge["decides"]
    assert judge["value"] == pytest.approx(case["value"], abs=1e-9)
    assert judge["raw"] == pytest.approx(sum(scores) / len(scores), abs=1e-9)
    estimate = Assessment.objects.get().inputs["measured"][0]["recent"]["inputs"]["estimate"]
    assert (estimate["method"], estimate["confidence"]) == ("prediction_powered", FIGURES["confidence"])
    half = NormalDist().inv_cdf(0.5 + FIGURES["confidence"] / 2) * estimate["stderr"]
    assert estimate["value"] - half == pytest.approx(case["low"], abs=1e-8)
    assert estimate["value"] + half == pytest.approx(case["high"], abs=1e-8)
    assert estimate["low"] < case["low"]


def test_a_metric_that_no_judge_gave_is_told_of_as_before(world: World) -> None:
    gate(world, SUITE)
    post(world, eval_file([1.0] * 40))
    reason = reason_of(world)
    assert reason["decision"] == "pass"
    assert "judge" not in reason["measured"]


def test_a_judge_without_labels_is_named_uncalibrated_where_nobody_asks(world: World) -> None:
    gate(world, SUITE)
    judged_run(world, [1.0] * 40)
    reason = reason_of(world)
    judge = reason["measured"]["judge"]
    assert (reason["decision"], judge["state"], judge["decides"]) == ("pass", "uncalibrated", False)
    assert (judge["raw"], judge["value"], judge["n_labels"]) == (1.0, None, 0)


def test_a_judge_whom_people_contradict_is_shown_beside_the_raw_value_and_decides_only_where_asked(
    world: World,
) -> None:
    gate(world, SUITE)
    run = judged_run(world, [1.0] * 200)
    label(run, world.principal("reviewer"), one_in_five_wrong, range(100))
    reason = reason_of(world)
    judge = reason["measured"]["judge"]
    assert (reason["decision"], reason["measured"]["value"], judge["decides"]) == ("pass", 1.0, False)
    assert judge["value"] == pytest.approx(0.8)
    assert (judge["n_labels"], judge["n_people"], judge["agreeing"]) == (100, 1, 0.8)


def test_a_judge_whom_people_contradict_fails_where_people_are_asked(world: World) -> None:
    gate(world, ASKED, threshold=0.9)
    run = judged_run(world, [1.0] * 200)
    label(run, world.principal("reviewer"), one_in_five_wrong, range(150))
    reason = reason_of(world)
    assert (reason["decision"], reason["code"]) == ("fail", "not_met")
    measured = reason["measured"]
    assert measured["value"] == pytest.approx(0.8)
    assert (measured["n_units"], measured["n_observations"]) == (150, 200)
    assert (measured["value"], measured["low"]) == (measured["judge"]["value"], measured["judge"]["low"])
    assert measured["judge"]["raw"] == 1.0


@pytest.mark.parametrize(("labels", "code"), [(0, "judge_uncalibrated"), (29, "too_few_labels"), (30, "met")])
def test_labels_are_asked_for_in_units(world: World, labels: int, code: str) -> None:
    gate(world, ASKED)
    run = judged_run(world, [1.0] * 200)
    if labels:
        label(run, world.principal("reviewer"), right, range(labels))
    reason = reason_of(world)
    assert reason["code"] == code
    assert (reason["decision"] == "pass") is (code == "met")
    if code != "met":
        assert reason["would_settle"]["detail"] == SETTLED_BY[code]


def test_thirty_attempts_at_six_items_are_six_labels(world: World) -> None:
    gate(world, ASKED)
    raw = json.loads(eval_file([1.0] * 200, judge=JUDGE))
    for k, sample in enumerate(raw["samples"]):
        sample["id"] = f"q{k % 20}#{k // 20}"
    run = post(world, json.dumps(raw).encode()).run
    label(run, world.principal("reviewer"), right, range(200))
    reason = reason_of(world)
    assert reason["code"] == "too_few_labels"
    assert reason["measured"]["judge"]["n_units"] == 20


def test_labels_of_picked_answers_do_not_count(world: World) -> None:
    gate(world, ASKED)
    run = judged_run(world, [1.0] * 200)
    label(run, world.principal("reviewer"), right, range(1, 100))
    reason = reason_of(world)
    assert (reason["decision"], reason["code"]) == ("insufficient", "judge_uncalibrated")
    assert "99 more are labelled ahead of their turn" in reason["detail"]


def test_a_corrected_label_replaces_the_one_before_and_the_old_decision_replays(world: World) -> None:
    gate(world, f"{ASKED}, planned_runs: 2", threshold=0.7)
    run = judged_run(world, [1.0] * 200)
    reviewer = world.principal("reviewer")
    label(run, reviewer, right, range(100))
    before = decide(world)
    label(run, reviewer, lambda _: 0.0, range(50))
    after = decide(world)
    assert (before.verdict, after.verdict) == ("pass", "fail")
    assert before.reasons[0]["measured"]["judge"]["labels"] != after.reasons[0]["measured"]["judge"]["labels"]
    assert before.inputs_digest != after.inputs_digest
    assert replay_gate_decision(before).agrees


def test_two_people_who_label_the_same_answers_are_both_heard(world: World) -> None:
    gate(world, f"{ASKED}, planned_runs: 2")
    run = judged_run(world, [1.0] * 200)
    label(run, world.principal("reviewer"), right, range(100))
    second = principal_of_user(world.join("second", "reviewer"))
    label(run, second, one_in_five_wrong, range(100))
    judge = reason_of(world)["measured"]["judge"]
    assert judge["value"] == pytest.approx(0.9)
    assert (judge["n_people"], judge["n_labels"]) == (2, 100)


def test_labelling_on_until_it_passes_is_looking_again(world: World) -> None:
    gate(world, ASKED)
    run = judged_run(world, [1.0] * 300)
    reviewer = world.principal("reviewer")
    label(run, reviewer, one_in_five_wrong, range(20))
    label(run, reviewer, one_in_five_wrong, range(20, 50))
    first = reason_of(world)
    assert (first["code"], first["measured"]["look"]["number"]) == ("too_few_to_tell", 1)
    assert "more labels or a run more than planned" in first["would_settle"]["detail"]
    label(run, reviewer, right, range(50, 300))
    reason = reason_of(world)
    assert (reason["decision"], reason["code"]) == ("insufficient", "beyond_plan")
    assert reason["measured"]["look"]["earlier"] == ["run-1 with labels 1"]


def test_a_label_changed_and_changed_back_is_the_look_it_was(world: World) -> None:
    gate(world, f"{ASKED}, planned_runs: 2")
    run = judged_run(world, [1.0] * 300)
    reviewer = world.principal("reviewer")
    label(run, reviewer, right, range(50))
    first = reason_of(world)["measured"]
    label(run, reviewer, lambda _: 0.0, [3])
    assert reason_of(world)["measured"]["look"]["number"] == 2
    label(run, reviewer, right, [3])
    again = reason_of(world)["measured"]
    assert (again["look"]["number"], again["judge"]["labels"]) == (1, first["judge"]["labels"])


def test_planned_looks_share_alpha(world: World) -> None:
    gate(world, f"{ASKED}, planned_runs: 2")
    run = judged_run(world, [1.0] * 300)
    label(run, world.principal("reviewer"), right, range(50))
    label(run, world.principal("reviewer"), right, range(50, 100))
    measured = reason_of(world)["measured"]
    assert (measured["look"]["number"], measured["look"]["alpha"]) == (2, 0.025)
    assert measured["bound_confidence"] == 0.975


def test_labels_that_do_not_count_yet_are_no_look(world: World) -> None:
    gate(world, ASKED)
    run = judged_run(world, [1.0] * 300)
    label(run, world.principal("reviewer"), right, range(50))
    label(run, world.principal("reviewer"), right, range(100, 150))
    reason = reason_of(world)
    assert (reason["decision"], reason["measured"]["look"]["number"]) == ("pass", 1)
    assert reason["measured"]["judge"]["n_out_of_order"] == 50


@pytest.mark.parametrize("involved", ["poster", "builder", "nobody"])
def test_labels_of_whoever_built_or_posted_do_not_count_where_others_are_asked(
    world: World, involved: str
) -> None:
    gate(world, f"{ASKED}, independent: [labels]")
    reviewer = world.join("ruth", "reviewer")
    release = release_vouched_for_by("user:ruth" if involved == "builder" else "user:olga", world)
    raw = eval_file([1.0] * 100, judge=JUDGE, release="r2")
    run = post(world, raw, principal=acting("user:ruth" if involved == "poster" else "token:ci")).run
    label(run, principal_of_user(reviewer), right, range(100))
    told = reason_of(replace(world, release=release))
    if involved == "nobody":
        assert told["code"] == "met"
        return
    assert told["code"] == "judge_uncalibrated"
    label(run, world.principal("reviewer"), right, range(100))
    told = reason_of(replace(world, release=release))
    assert (told["decision"], told["measured"]["judge"]["n_people"]) == ("pass", 1)


def release_vouched_for_by(actor: str, world: World) -> Release:
    """Freeze a release of whose pins this person vouches for one."""
    tool = registry.PinSpec(slot="tool:t", kind="tool", key="t", label="1", digest=sha256_hex(b"tool"))
    pins = registry.ReleaseManifest("r2", [*manifest().pins, tool])
    release = registry.register_release(principal=acting(), system=world.system, manifest=pins)
    registry.register_version(principal=acting(actor), version=release.pins.get(slot="tool:t").version)
    return release


def test_agreement_is_asked_for_by_its_lower_bound(world: World) -> None:
    gate(world, f"{SUITE}, corrected_by_people: {{min_labels: 30, min_kappa: 0.6}}", threshold=0.1)
    values = [float(k % 2) for k in range(200)]
    run = judged_run(world, values)
    order = drawn(run)
    by_judge = [values[int(name)] for name in order]
    label(run, world.principal("reviewer"), lambda k: by_judge[k] if k % 4 else 1 - by_judge[k], range(100))
    reason = reason_of(world)
    assert (reason["decision"], reason["code"]) == ("insufficient", "agreement_too_low")
    judge = reason["measured"]["judge"]
    assert judge["kappa_low"] < judge["kappa"] < judge["kappa_high"]
    assert judge["kappa"] == pytest.approx(0.5, abs=0.05)


def test_a_judge_nobody_registered_is_no_pass(world: World) -> None:
    gate(world, SUITE)
    post(world, eval_file([1.0] * 40, judge={"key": "llm", "label": "2"}))
    reason = reason_of(world)
    assert (reason["decision"], reason["code"]) == ("insufficient", "judge_unregistered")


def test_another_judge_than_the_criterion_names_is_no_pass(world: World) -> None:
    gate(world, f"{SUITE}, judge: {{key: llm, label: '2'}}")
    judged_run(world, [1.0] * 40)
    assert reason_of(world)["code"] == "judge_differs"


@pytest.mark.parametrize("asked", ["judge: {key: llm}", "corrected_by_people: {min_labels: 30}"])
def test_a_run_that_does_not_say_its_judge_is_no_pass_where_one_is_asked_for(
    world: World, asked: str
) -> None:
    gate(world, f"{SUITE}, {asked}")
    post(world, eval_file([1.0] * 40))
    assert reason_of(world)["code"] == "judge_absent"


def test_only_a_mean_of_shares_is_corrected(world: World) -> None:
    gate(world, ASKED, threshold="0.5\n        unit: points")
    metrics = {"grounded": {"kind": "mean", "direction": "higher", "unit": "points"}}
    judged_run(world, [3.0 + k % 2 for k in range(100)], metrics=metrics)
    assert reason_of(world)["code"] == "judge_uncorrectable"


def test_answers_without_a_score_count_against_a_corrected_judge(world: World) -> None:
    gate(world, f"{ASKED}, max_missing_share: 0.2", threshold=0.85)
    run = judged_run(world, [1.0] * 170 + [None] * 30)
    label(run, world.principal("reviewer"), right, range(200))
    reason = reason_of(world)
    assert (reason["decision"], reason["measured"]["value"]) == ("insufficient", 1.0)
    assert reason["measured"]["low"] < 0.85
