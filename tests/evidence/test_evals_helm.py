from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.evals.contracts import Direction, EvalFileError, RunStatus
from tests.evidence.eval_readers import Read, case, counted, folder, read, read_one, sniffed


def stat(name: str, value: Any, **named: Any) -> dict[str, Any]:
    return {"name": {"name": name, "split": "test", **named}, "count": 1, "sum": value, "mean": value}


def entry(instance: str, *stats: dict[str, Any], trial: int = 0, **over: Any) -> dict[str, Any]:
    return {"instance_id": instance, "train_trial_index": trial, "stats": stats, **over}


def run_of(*entries: Any, adapter: dict[str, Any] | None = None, **files: Any) -> bytes:
    spec = {
        "name": "fees:model=a",
        "adapter_spec": {"model": "bank/a", "max_eval_instances": 100, **(adapter or {})},
    }
    given = {"per_instance_stats": entries, "run_spec": spec, **files}
    return folder({f"runs/fees/{name}.json": json.dumps(content).encode() for name, content in given.items()})


def helm(raw: bytes) -> dict[str, Read]:
    assert sniffed("helm", raw)
    return {one.measurement.key: one for one in read("helm", raw)}


def test_trials_of_an_instance_are_attempts_at_it() -> None:
    run = helm(case("helm/fees_two_trials"))[""]
    assert run.counts("quasi_exact_match") == counted(0.75, 12)
    assert run.counts("f1_score") == counted(0.783333, 12)
    assert list(run.measurement.metrics) == ["quasi_exact_match", "f1_score"]
    assert run.n_items == 6
    assert run.ids[:1] == ["id0#1"]
    assert {one.rpartition("#")[2] for one in run.ids} == {"1", "2"}
    plan = run.said.plan
    assert plan is not None
    assert (plan.epochs, plan.limit, plan.samples) == (2, 6, None)  # as many as it was told to stop after
    assert run.said.model is not None
    assert run.said.suite is not None
    assert (run.said.model.key, run.said.suite.key) == ("bank/copilot-1", "bank_fees")
    assert run.said.status is RunStatus.SUCCESS
    totals = {one.metric: one for one in run.measurement.totals}
    assert (totals["f1_score"].n, round(totals["f1_score"].value or 0, 6), totals["f1_score"].is_mean) == (
        2,
        0.783333,
        True,
    )
    assert "num_prompt_tokens" in run.details("unread")[0]


def test_the_entries_of_several_metrics_for_one_instance_are_joined() -> None:
    first, second = (
        entry("id0", stat("exact_match", 1)),
        entry("id0", stat("f1_score", 0.5), stat("exact_match", 1)),
    )
    run = helm(run_of(first, entry("id1", stat("exact_match", 0)), second))[""]
    assert run.ids == ["id0", "id1"]
    assert (run.values("exact_match"), run.values("f1_score")) == ([1.0, 0.0], [0.5])


def test_perturbed_instances_and_other_splits_are_measured_apart() -> None:
    typos = {"name": "typos", "computed_on": "perturbed"}
    runs = helm(
        run_of(
            entry("id0", stat("exact_match", 1)),
            entry("id0", stat("exact_match", 0, perturbation=typos), perturbation=typos),
            entry("id9", stat("exact_match", 1, split="valid")),
        )
    )
    assert {key: run.values("exact_match") for key, run in runs.items()} == {
        "test": [1.0],
        "test typos": [0.0],
        "valid": [1.0],
    }


def test_questions_and_answers_come_from_the_state_of_the_scenario() -> None:
    reference = {"output": {"text": "1 percent"}, "tags": ["correct"]}
    state = {
        "instance": {
            "id": "id0",
            "input": {"text": "What fee?"},
            "references": [{"output": {"text": "2"}}, reference],
        },
        "train_trial_index": 0,
        "result": {"completions": [{"text": "one"}]},
    }
    raw = run_of(
        entry("id0", stat("exact_match", 1)),
        scenario_state={"adapter_spec": {}, "request_states": [state, 7]},
    )
    sample = helm(raw)[""].samples[0]
    assert (sample.input, sample.output, sample.target) == ("What fee?", "one", "1 percent")


def test_which_way_is_better_is_known_or_said_to_be_assumed() -> None:
    run = helm(run_of(entry("id0", stat("perplexity", 3.5), stat("my_score", 7), stat("exact_match@5", 1))))[
        ""
    ]
    metrics = run.measurement.metrics
    assert metrics["perplexity"].direction is Direction.LOWER
    assert (metrics["my_score"].direction, metrics["my_score"].is_bounded) == (Direction.HIGHER, False)
    assert metrics["exact_match@5"].is_bounded
    assert run.details("direction_assumed") == ["my_score: the files do not say which way is better"]


def test_a_statistic_over_nothing_is_unscored_and_one_that_is_not_there_is_missing() -> None:
    nothing = {**stat("f1_score", 0), "count": 0, "mean": None}
    run = helm(
        run_of(entry("id0", nothing), entry("id1", stat("f1_score", 1)), entry("id2", stat("exact_match", 1)))
    )[""]
    assert run.counts("f1_score") == counted(1.0, 1, unscored=1)
    assert run.measurement.metrics["f1_score"].applies_everywhere  # so that id2 lacks it


def test_a_total_over_trials_is_no_mean_of_instances_where_some_are_missing() -> None:
    stats = [{"name": {"name": "exact_match", "split": "test"}, "count": 2, "mean": 0.5}]
    raw = run_of(entry("id0", stat("exact_match", 1)), adapter={"num_train_trials": 2}, stats=stats)
    assert [one.is_mean for one in helm(raw)[""].measurement.totals] == [False]


def test_entries_that_cannot_be_read_are_refused_alone() -> None:
    run = helm(run_of(7, {"stats": []}, entry("id0", stat("exact_match", 1))))[""]
    assert [one.detail for one in run.rejects] == [
        "entry 0 is not a JSON object",
        "entry 1 says no instance_id or no train_trial_index",
    ]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (json.dumps([entry("id0")]).encode(), "one file of HELM is not enough: post the folder"),
        (
            folder({"a/per_instance_stats.json": b"[]", "b/per_instance_stats.json": b"[]"}),
            "2 per_instance_stats.json",
        ),
        (folder({"per_instance_stats.json": b"[]"}), "holds no statistics"),
        (
            folder({"per_instance_stats.json": b'[{"instance_id'}),
            "per_instance_stats.json: not JSON at character",
        ),
    ],
)
def test_what_cannot_be_read_says_what_to_send(raw: bytes, says: str) -> None:
    assert sniffed("helm", raw)
    with pytest.raises(EvalFileError, match=says):
        read_one("helm", raw)
