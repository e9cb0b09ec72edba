from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.evals.contracts import Direction, EvalFileError, RunStatus
from tests.evidence.eval_readers import Read, case, counted, read, read_one, sniffed


def test_run(name: str) -> Read:
    raw = case(f"deepeval/{name}.json")
    assert sniffed("deepeval", raw)
    return read_one("deepeval", raw)


test_run.__test__ = False  # type: ignore[attr-defined]


def part(**over: Any) -> dict[str, Any]:
    return {"name": "Exact", "threshold": 0.5, "success": True, "score": 1.0, **over}


def of(*cases: dict[str, Any], **head: Any) -> Read:
    given = [{"name": f"case {number}", "input": str(number), "success": True, "metricsData": [part()], **one}
             for number, one in enumerate(cases)]  # fmt: skip
    return read_one("deepeval", json.dumps({"testCases": given, **head}).encode())


def test_errors_and_nan_are_no_measured_failures() -> None:
    run = test_run("test_run_20261125_224840")
    assert run.counts("Contains percent") == counted(0.5, 3, error=1)
    assert run.counts("Contains percent/success")["value"] == 0.333333
    assert run.counts("Contains euro") == counted(0.5, 3, unscored=1)
    assert run.counts("Contains euro/success")["value"] == 1.0
    assert run.counts("case_success") == counted(0.333333, 3, error=1)
    assert "NaN" in run.explanations("Contains euro")["fee-4"]
    assert "judge timeout" in run.explanations("case_success")["fee-3"]
    assert (run.total("testPassed"), run.total("testFailed")) == (1, 3)
    assert run.total("fails", "Contains euro") == 1  # which counts the NaN
    assert run.n_items == 4
    assert run.ids == ["fee-1", "fee-2", "fee-3", "fee-4"]
    assert run.samples[3].input == "换卡需要几天？"
    said = run.said
    assert (said.run_key, said.status, said.commit, said.observed_from) == (
        "credit-2026-11",
        RunStatus.SUCCESS,
        None,
        None,
    )
    assert said.model is not None
    assert said.model.key == "copilot-sim"


def test_two_cases_of_one_name_are_two_and_a_flaky_metric_decides_none() -> None:
    run = test_run("test_run_20261125_225152")
    assert run.counts("Contains percent") == counted(0.75, 3)
    assert run.counts("Contains percent/success")["value"] == 0.666667
    assert run.counts("Contains zzz") == counted(0.25, 3)
    assert run.counts("Contains zzz/success")["value"] == 0.0
    assert run.counts("case_success") == counted(0.666667, 3)
    assert (run.total("testPassed"), run.total("testFailed")) == (2, 1)
    assert run.n_items == len(set(run.ids)) == 3
    assert [one.input for one in run.samples] == ["q1", "q2", "q3"]
    assert run.codes == {"flaky", "ambiguous"}
    assert "Contains zzz" in run.details("flaky")[0]


def test_a_metric_that_stands_twice_in_a_case_is_two() -> None:
    """As deepeval 4.3.1 wrote it: one metric with two thresholds, an error, a NaN, a judge's name."""
    run = test_run("test_run_metric_twice")
    assert run.counts("Has hello") == run.counts("Has hello (2)") == counted(1.0, 2, unscored=1, error=1)
    assert run.counts("case_success") == counted(1.0, 2, unscored=1, error=1)
    judge = run.measurement.metrics["Has hello (2)"].judge
    assert judge is not None
    assert judge.key == "judge-1"
    assert run.samples[0].slice == {"language": "en", "tag:x": "yes"}


def test_a_conversation() -> None:
    run = test_run("test_run_conversation")
    assert run.values("Conv") == [0.7]
    assert (run.samples[0].input, run.samples[0].output, run.samples[0].target) == (
        "greets",
        "user: hi\nassistant: yo",
        "ok",
    )


def test_the_same_case_again_is_another_attempt() -> None:
    run = of({"name": "a", "input": "q"}, {"name": "b"}, {"name": "a", "input": "q"})
    assert run.ids == ["a#1", "b", "a#2"]
    assert run.said.plan is not None
    assert run.said.plan.epochs == 1  # nothing says that b was to run twice


def test_a_metric_whose_success_lies_below_its_threshold_is_better_when_lower() -> None:
    below, above = part(score=0.1), part(score=0.9, success=False)
    directions = {
        name: of(*[{"metricsData": [one]} for one in parts]).measurement.metrics["Exact"].direction
        for name, parts in {
            "as documented": [part(score=0.9), part(score=0.1, success=False)],
            "below": [below, above],
            "never succeeds": [above],
            "both": [below, part(score=0.9)],
        }.items()
    }
    assert directions == {
        "as documented": Direction.HIGHER,
        "below": Direction.LOWER,
        "never succeeds": Direction.HIGHER,
        "both": Direction.HIGHER,
    }
    assert of({"metricsData": [below]}, {"metricsData": [part(score=0.9)]}).codes == {"direction_assumed"}


def test_a_case_without_metrics_says_nothing() -> None:
    run = of({"metricsData": []}, {})
    assert run.counts("case_success") == counted(1.0, 1, unscored=1)
    assert run.codes_of("case 0") == {"not_asserted"}


def test_what_is_wrapped_in_the_cache_is_read_too_and_so_is_the_older_shape() -> None:
    old = {"metric": "Exact", "threshold": 0.5, "success": True, "score": 0.5}
    cases = [{"name": "a", "input": "q", "success": True, "metricsMetadata": [old]}]
    raw = json.dumps(
        {"testRunData": {"testCases": cases, "datasetAlias": "fees", "datasetVersion": "3"}}
    ).encode()
    run = read_one("deepeval", raw)
    assert run.values("Exact") == [0.5]
    assert run.said.dataset is not None
    assert (run.said.dataset.key, run.said.dataset.label) == ("fees", "3")


def test_a_case_that_cannot_be_read_is_refused_alone() -> None:
    raw = b'{"testCases": [7, {"name": "a", "name": "b", "input": "q"}, {"name": "c", "metricsData": []}]}'
    run = read_one("deepeval", raw)
    assert [one.detail for one in run.rejects] == [
        "test case 0 is not a JSON object",
        "test case 1 has a key twice: one of its two values would be lost",
    ]
    assert run.ids == ["c"]


def test_totals_that_do_not_fit_are_flagged() -> None:
    assert of({}, testPassed=5).details("total_differs") == [
        "testPassed: the file says 5, its samples come to 1"
    ]


def test_no_test_run_is_refused() -> None:
    with pytest.raises(EvalFileError, match=r"post the test_run_\*\.json"):
        read("deepeval", b'{"metricsScores": []}')


def test_names_that_are_one_when_they_are_cut_are_two_metrics() -> None:
    parts = [
        part(),
        part(name="Exact (2)"),
        part(),
        part(name="x" * 300),
        part(name="x" * 299 + "y"),
        part(name=""),
    ]
    run = of({"metricsData": parts})
    assert len(run.measurement.metrics) == 1 + 2 * len(parts)
    assert len(run.samples[0].scores) == 1 + 2 * len(parts)
