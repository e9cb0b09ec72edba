"""Stored runs beside each other: by API, for whoever may read them, and refused where instruments differ."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from evidence.digests import sha256_hex
from evidence.evals.contracts import RunStatus
from evidence.models import EvalRun, Scope
from tests.evidence.eval_files import eval_file, post
from tests.factories import World, make_world, retract
from tests.kept_scenes import kept_scene

PATH = "/api/v1/eval-runs/compare"
LANGUAGES = [{"language": "en"}, {"language": "zh-Hans"}]


@pytest.fixture
@kept_scene
def runs(world: World) -> World:
    """Return a world with a baseline that is right on 60 items, and a candidate that is wrong on 12 of them."""
    post(world, eval_file([1.0] * 60, run_key="old", slices=LANGUAGES))
    post(world, eval_file([1.0] * 36 + [1.0, 0.0] * 12, run_key="new", slices=LANGUAGES))
    return world


def ask(api: APIClient, world: World, status: int = 200, **query: str) -> Any:
    asked = {"system": world.system.key, "baseline": "old", "candidate": "new", **query}
    response = api.get(PATH, asked, **world.headers(Scope.READ))
    assert response.status_code == status, response.content
    return json.loads(response.content)


def test_a_candidate_that_newly_fails_is_a_regression(runs: World, api: APIClient) -> None:
    answer = ask(api, runs, margin="0.05")
    (metric,) = answer["metrics"]
    assert (answer["baseline"]["run_key"], answer["candidate"]["run_key"]) == ("old", "new")
    assert (metric["metric"], metric["paired"], metric["n"], metric["units"]) == ("grounded", True, 60, 60)
    assert (metric["outcome"], metric["non_inferior"]) == ("regression", "refuted")
    assert metric["improvement"]["p_value"] == pytest.approx(2 / 2**12)
    assert metric["newly_failing"]["n"] == 12
    assert [each["name"] for each in metric["slices"]] == ["language=zh-Hans", "language=en"]


def test_what_says_what_depends_on_what_is_no_slice(world: World, api: APIClient) -> None:
    slices = [{"language": "en", "item": "a"}, {"language": "de", "item": "b", "conversation": "c"}]
    for key in ("old", "new"):
        post(world, eval_file([1.0] * 40, run_key=key, slices=slices))
    (metric,) = ask(api, world)["metrics"]
    assert {each["name"] for each in metric["slices"]} == {"language=de", "language=en"}


def test_the_same_two_runs_answer_the_same(runs: World, api: APIClient) -> None:
    assert ask(api, runs) == ask(api, runs)


def test_a_run_is_not_compared_with_itself(runs: World, api: APIClient) -> None:
    """It would never be worse: a CI that names the wrong baseline must hear of it."""
    found = ask(api, runs, 422, candidate="old", baseline="old")
    assert "compared with itself" in found["detail"]


def test_samples_without_the_metric_could_decide(world: World, api: APIClient) -> None:
    post(world, eval_file([1.0] * 60, run_key="old"))
    post(world, eval_file([1.0] * 50 + [None] * 10, run_key="new"))
    (metric,) = ask(api, world, margin="0.1")["metrics"]
    assert metric["non_inferior"] == "missing_could_decide"
    assert metric["only_baseline"]["n"] == 10


def test_samples_of_one_trace_are_one_unit(world: World, api: APIClient) -> None:
    for key, wrong in (("old", 0), ("new", 12)):
        document = json.loads(eval_file([1.0] * (60 - wrong) + [0.0] * wrong, run_key=key))
        for k, sample in enumerate(document["samples"]):
            sample["trace_id"] = f"{k // 6 + 1:032x}"
        post(world, json.dumps(document).encode())
    (metric,) = ask(api, world)["metrics"]
    assert metric["units"] == 10
    assert metric["outcome"] == "no_difference_shown"


@pytest.mark.parametrize("kind", ["evaluator", "dataset"])
def test_other_instruments_are_refused_by_name(world: World, api: APIClient, kind: str) -> None:
    other = {"key": "other", "label": "2", "digest": sha256_hex(b"other")}
    post(world, eval_file(run_key="old"))
    post(world, json.dumps({**json.loads(eval_file(run_key="new")), kind: other}).encode())
    problem = ask(api, world, status=409)
    assert problem["code"] == "runs_not_comparable"
    assert f"the {kind} of the baseline" in problem["detail"]


def test_a_metric_that_means_something_else_is_refused(world: World, api: APIClient) -> None:
    post(world, eval_file(run_key="old"))
    turned = {"grounded": {"kind": "proportion", "direction": "lower", "unit": "share"}}
    post(world, eval_file(run_key="new", metrics=turned))
    assert "grounded" in ask(api, world, status=409)["detail"]


def test_a_retracted_run_is_not_compared(runs: World, api: APIClient) -> None:
    retract(runs.system.eval_runs.get(run_key="old"))
    assert "old was retracted" in ask(api, runs, status=409)["detail"]


def test_a_run_that_did_not_succeed_is_not_compared(world: World, api: APIClient) -> None:
    post(world, eval_file(run_key="old"))
    post(world, eval_file(run_key="new", status=RunStatus.ERROR.value))
    assert "new ended as error" in ask(api, world, status=409)["detail"]


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ({"candidate": "other"}, 404, "other"),
        ({"metric": "groundedd"}, 422, "did you mean 'grounded'"),
        ({"margin": "0"}, 422, "above 0"),
        ({"margin": "5"}, 422, "0.05 for five percentage points"),
        ({"margin": "nan"}, 422, "valid number"),
        ({"margin": "much"}, 422, "margin"),
        ({"marginn": "0.1"}, 422, "margin"),
    ],
)
def test_what_makes_no_sense_says_what_does(
    runs: World, api: APIClient, query: dict[str, str], status: int, word: str
) -> None:
    assert word in json.dumps(ask(api, runs, status, **query), ensure_ascii=False)


def test_runs_of_another_system_are_not_found(runs: World, api: APIClient) -> None:
    other = make_world(key="other")
    ask(api, other, status=404)
    ask(api, other, status=404, system=runs.system.key)


def test_comparing_takes_the_scope_to_read(runs: World, api: APIClient) -> None:
    asked = {"system": runs.system.key, "baseline": "old", "candidate": "new"}
    assert api.get(PATH, asked, **runs.headers(Scope.PUSH_EVAL)).status_code == 403


def with_epochs(run_key: str, outcomes: dict[str, list[float]], **over: Any) -> bytes:
    """Return a file with an attempt at each item for each of its outcomes."""
    document = json.loads(eval_file([], run_key=run_key, **over))
    for item, values in outcomes.items():
        for attempt, value in enumerate(values, start=1):
            score = {"status": "scored", "value": value}
            document["samples"].append({"id": f"{item}#{attempt}", "scores": {"grounded": score}})
    return json.dumps(document).encode()


def test_attempts_at_one_item_are_one_item_and_those_that_differ_are_flaky(
    world: World, api: APIClient
) -> None:
    steady = {f"q{k}": [1.0] * 3 for k in range(38)}
    post(world, with_epochs("old", {**steady, "shaky": [1.0, 1.0, 0.0], "lost": [1.0] * 3}))
    post(world, with_epochs("new", {**steady, "shaky": [1.0, 0.0, 0.0], "lost": [0.0] * 3}))
    (metric,) = ask(api, world)["metrics"]
    assert (metric["paired"], metric["n"], metric["units"]) == (True, 40, 40)
    assert metric["flaky"] == {"n": 1, "items": ["shaky"]}
    assert metric["newly_failing"] == {"n": 1, "items": ["lost"]}
    assert metric["outcome"] == "no_difference_shown"
    assert metric["baseline"] == pytest.approx((39 + 2 / 3) / 40)


def test_runs_with_another_number_of_attempts_are_paired_by_item(world: World, api: APIClient) -> None:
    post(world, with_epochs("old", {f"q{k}": [1.0] for k in range(40)}))
    post(world, with_epochs("new", {f"q{k}": [1.0] * 4 for k in range(40)}))
    (metric,) = ask(api, world)["metrics"]
    assert (metric["paired"], metric["n"], metric["improvement"]["value"]) == (True, 40, 0)
    assert metric["only_candidate"]["n"] == metric["neither"]["n"] == 0


@pytest.mark.parametrize("other", [None, {"key": "llm", "label": "2"}])
def test_another_judge_is_refused_by_name(world: World, api: APIClient, other: Any) -> None:
    judge = {"key": "llm", "label": "1"}
    post(world, eval_file(run_key="old", judge=judge))
    post(world, eval_file(run_key="new", judge=other))
    problem = ask(api, world, status=409)
    assert problem["code"] == "runs_not_comparable"
    assert "the judge of grounded" in problem["detail"]
    post(world, eval_file(run_key="newer", judge=judge))
    assert ask(api, world, candidate="newer")["metrics"][0]["metric"] == "grounded"


def test_who_may_ask_a_gate_is_told_the_worst_samples_of_a_run_and_no_text(
    runs: World, api: APIClient
) -> None:
    run = EvalRun.objects.get(run_key="new")

    def worst(headers: Any, **query: str) -> Any:
        answer = api.get(f"/api/v1/eval-runs/{run.pk}/worst-samples", query, **headers)
        return answer.status_code, answer.json()

    asked = runs.headers(Scope.GATE)
    status, told = worst(asked, dimension="language", value="zh-Hans")
    assert status == 200
    (metric,) = told["metrics"]
    assert (metric["metric"], metric["direction"], len(metric["samples"])) == ("grounded", "higher", 10)
    assert {(each["value"], each["slice"]["language"]) for each in metric["samples"]} == {(0.0, "zh-Hans")}
    assert metric["samples"][0].keys() == {"sample_id", "value", "slice"}
    assert worst(asked, dimension="language", value="en")[1]["metrics"][0]["samples"] == []
    assert worst(asked, dimension="language")[1]["errors"][0]["path"] == "value"
    assert worst(runs.headers(Scope.INGEST))[0] == 403
    assert worst(make_world("other").headers(Scope.GATE))[0] == 404
