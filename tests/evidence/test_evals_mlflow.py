from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.evals.contracts import EvalFileError, RunStatus
from tests.evidence.eval_readers import DATA, Read, counted, folder, read, read_one, sniffed

MLFLOW = DATA / "mlflow"


def file(name: str) -> bytes:
    return (MLFLOW / name).read_bytes()


def assessment(name: str = "exact", value: Any = True, source: str = "CODE", **over: Any) -> dict[str, Any]:
    return {
        "assessment_name": name,
        "source": {"source_type": source, "source_id": "s"},
        "feedback": {"value": value},
        **over,
    }


def trace(question: str, *assessments: dict[str, Any], **info: Any) -> dict[str, Any]:
    metadata = {"mlflow.traceInputs": json.dumps({"q": question}), "mlflow.traceOutputs": '"a"'}
    return {
        "info": {"trace_id": f"tr-{'1' * 32}", "trace_metadata": metadata, "assessments": assessments, **info}
    }


def of(*traces: Any) -> Read:
    return read_one("mlflow", json.dumps(traces).encode())


@pytest.mark.parametrize("name", ["traces.json", "result_df.json"])
def test_an_evaluation_as_mlflow_wrote_it(name: str) -> None:
    """As mlflow 3.17.2 wrote it: a truth, a number, a "yes", and a scorer that broke once."""
    assert sniffed("mlflow", file(name))
    run = read_one("mlflow", file(name))
    assert run.counts("exact") == counted(0.5, 2)
    assert run.counts("length") == counted(7.5, 2)
    assert run.counts("label") == counted(1.0, 2)
    assert run.counts("boom") == counted(0.5, 1, error=1)
    assert run.n_items == 2
    assert {one.input for one in run.samples} == {'{"q": "fee?"}', '{"q": "days?"}'}
    assert {one.trace_id for one in run.samples} == {
        "94f3a82100638c61e03ed795f53ceb3d",
        "f28ad49d1b3eaa1fe1cccfa05bfacce6",
    }
    assert run.slices("language") == ["en"]
    assert run.said.run_key is None


def test_both_ways_of_writing_it_name_the_rows_alike() -> None:
    assert set(read_one("mlflow", file("traces.json")).ids) == set(
        read_one("mlflow", file("result_df.json")).ids
    )


def test_the_run_beside_its_rows_says_which_run_it_is_and_what_it_counted() -> None:
    raw = folder({"e/run.json": file("run.json"), "e/traces.json": file("traces.json")})
    assert sniffed("mlflow", raw)
    run = read_one("mlflow", raw)
    said = run.said
    assert (said.run_key, said.status) == ("0546589add044c0bb476857e16c0b525", RunStatus.SUCCESS)
    assert said.evaluator is not None
    assert said.evaluator.digest == "5ad9c62167c7c07b0de80391cc999d7039f1f935f612bc0a8b1e5eac526791a5"
    assert said.dataset is None  # nobody named it
    assert said.observed_from is not None
    assert said.observed_to is not None
    assert said.observed_from < said.observed_to
    totals = {one.metric: (one.value, one.is_mean) for one in run.measurement.totals}
    assert totals == {"exact": (0.5, True), "length": (7.5, True), "label": (1.0, True), "boom": (0.5, True)}


def test_the_server_writes_pairs_and_the_state_of_the_run() -> None:
    data = {
        "metrics": [{"key": "exact/v1/mean", "value": 0.25}],
        "tags": [{"key": "mlflow.source.git.commit", "value": "abc"}],
    }
    run = {"run": {"info": {"run_id": "r", "status": "FAILED"}, "data": data}}
    raw = folder(
        {"run.json": json.dumps(run).encode(), "traces.json": json.dumps([trace("q", assessment())]).encode()}
    )
    read_run = read_one("mlflow", raw)
    assert (read_run.said.status, read_run.said.commit) == (RunStatus.ERROR, "abc")
    assert read_run.total("exact/v1/mean", "exact") == 0.25


def test_the_table_of_the_older_evaluation() -> None:
    columns = [
        "inputs",
        "outputs",
        "targets",
        "toxicity/v1/score",
        "toxicity/v1/justification",
        "token_count",
    ]
    raw = json.dumps(
        {"columns": columns, "data": [["q", "a", "b", 0.1, "mild", 4], ["r", "a", "b", None, None, 4], ["s"]]}
    ).encode()
    assert sniffed("mlflow", raw, "eval_results_table.json")
    run = read_one("mlflow", raw)
    assert run.counts("toxicity") == counted(0.1, 1, unscored=1)
    sample = run.samples[0]
    assert (sample.input, sample.output, sample.target, sample.scores[0].explanation) == (
        "q",
        "a",
        "b",
        "mild",
    )
    assert [one.detail for one in run.rejects] == ["row 2 is no list of 6 values"]


def test_people_and_judges_are_told_apart_and_what_was_overridden_does_not_count() -> None:
    run = of(
        trace("a", assessment(source="LLM_JUDGE"), assessment(value=False, source="HUMAN")),
        trace("b", assessment(value=False, source="LLM_JUDGE", valid=False), assessment(source="LLM_JUDGE")),
    )
    assert (run.values("exact"), run.values("exact (people)")) == ([1.0, 1.0], [0.0])
    judge = run.measurement.metrics["exact"].judge
    assert judge is not None
    assert judge.key == "s"
    assert run.measurement.metrics["exact (people)"].judge is None
    assert run.details("edited") == ["exact: was overridden; what overrides it stands"]


def test_what_is_no_number_is_told_and_an_expectation_is_no_score() -> None:
    expectation = {"assessment_name": "expected", "expectation": {"value": 1}, "source": {}}
    run = of(trace("a", assessment("tone", "warm"), assessment("parts", {"x": 1}), expectation, assessment()))
    assert list(run.measurement.metrics) == ["exact"]
    assert len(run.details("unread")) == 2


def test_the_same_inputs_again_are_another_attempt() -> None:
    run = of(trace("a", assessment()), trace("a", assessment(value=False)))
    assert run.n_items == 1
    assert [one.rpartition("#")[2] for one in run.ids] == ["1", "2"]


def test_a_trace_that_ended_in_an_error_is_flagged_and_one_without_scores_refused() -> None:
    run = of(trace("a", assessment(), state="ERROR"), trace("b"), 7)
    assert run.codes_of(run.ids[0]) == {"errored"}
    assert [one.detail for one in run.rejects] == ["row 1 has no score", "row 2 is not a JSON object"]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (file("run.json"), "no traces and no rows in it: post the traces"),
        (
            folder({"traces.json": file("traces.json"), "result_df.json": file("result_df.json")}),
            "would count twice: post one",
        ),
        (b'[{"assessment_name": ', "not JSON at character .*cut short"),
    ],
)
def test_what_cannot_be_read_says_what_to_send(raw: bytes, says: str) -> None:
    assert sniffed("mlflow", raw)
    with pytest.raises(EvalFileError, match=says):
        read("mlflow", raw)
