from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.evals.contracts import EvalFileError, RunStatus
from tests.evidence.eval_readers import Read, case, counted, read, read_one, sniffed

TWO = "promptfoo/two-providers.json"


def by_key(raw: bytes, name: str = "") -> dict[str, Read]:
    assert sniffed("promptfoo", raw, name)
    return {one.measurement.key: one for one in read("promptfoo", raw, name)}


def row(**over: Any) -> dict[str, Any]:
    """Return a row as v3 writes it: one assertion, which passed."""
    part = {"pass": True, "score": 1, "reason": "Assertion passed", "assertion": {"type": "equals"}}
    return {
        "promptIdx": 0,
        "testIdx": 0,
        "provider": {"id": "openai:gpt-4o", "label": ""},
        "prompt": {"raw": "Say hi", "label": "Say {{q}}"},
        "vars": {"q": "hi"},
        "testCase": {"description": "greets", "vars": {"q": "hi"}, "assert": [{"type": "equals"}]},
        "response": {"output": "hi"},
        "gradingResult": {
            "pass": True,
            "score": 1,
            "reason": "All assertions passed",
            "componentResults": [part],
        },
        "namedScores": {},
        "failureReason": 0,
        "success": True,
        "score": 1,
        **over,
    }


def file_of(*rows: Any, **head: Any) -> bytes:
    return json.dumps({"evalId": "eval-1", "results": {"version": 3, "results": rows, **head}}).encode()


@pytest.mark.parametrize("name", ["two-providers.json", "two-providers.jsonl"])
def test_two_providers_are_two_measurements(name: str) -> None:
    runs = by_key(case(f"promptfoo/{name}"), name)
    assert list(runs) == ["sim-a", "sim-b"]
    a, b = runs["sim-a"], runs["sim-b"]
    assert a.counts("success") == counted(0.333333, 3, unscored=1)
    assert a.counts("score") == counted(0.75, 3, unscored=1)
    assert a.counts("Grounded") == counted(0.833333, 3)
    assert a.counts("Short") == counted(0.0, 1)
    assert b.counts("success") == counted(0.0, 2, unscored=1, error=1)
    assert b.counts("score") == counted(0.625, 2, unscored=1, error=1)
    assert b.counts("Grounded") == counted(0.75, 2, error=1)
    assert b.counts("Short") == counted(0.0, 1)
    for run in (a, b):
        assert run.n_items == 4
        assert run.ids == ["fee exact", "fee statement", "cash limit", "nothing asserted"]
        assert run.slices("language") == ["en", "zh-Hans"]
        assert run.slices("topic") == ["fees", "cards"]
        assert [one.sample_id for one in run.samples if "verifies:REQ-12" in one.slice] == [
            "fee exact",
            "fee statement",
        ]
        assert run.codes_of("nothing asserted") == {"not_asserted"}
        assert run.said.commit is None
        assert run.said.dataset is None


def test_what_the_file_says_of_the_run_and_of_its_totals() -> None:
    runs = by_key(case(TWO))
    said = runs["sim-b"].said
    assert said.run_key == "eval-Hmr-2026-11-25T22:46:31"
    assert said.status is RunStatus.SUCCESS
    assert said.model is not None
    assert said.model.key == "sim-b"
    assert said.observed_from is not None
    assert said.observed_from.isoformat() == "2026-11-25T22:46:31.950000+00:00"
    assert said.observed_to is not None
    assert (said.observed_to - said.observed_from).total_seconds() == 0.708
    assert runs["sim-a"].total("testPassCount") == 2  # with the row of which nothing was asserted
    assert runs["sim-b"].total("namedScores / namedScoreWeights", "Grounded") == 0.8
    assert [one.is_mean for one in runs["sim-b"].measurement.totals if one.metric == "Grounded"] == [False]


def test_json_lines_say_nothing_of_the_run() -> None:
    for run in read("promptfoo", case("promptfoo/two-providers.jsonl")):
        assert (run.said.run_key, run.said.status, run.said.observed_from, run.said.evaluator) == (None,) * 4


def test_its_csv_is_refused_by_name() -> None:
    raw = case("promptfoo/two-providers.csv")
    assert sniffed("promptfoo", raw, "two-providers.csv")
    with pytest.raises(EvalFileError, match=r"promptfoo's CSV .* `--output results.json`"):
        read("promptfoo", raw, "two-providers.csv")


def test_a_run_with_repeats_of_two_prompts() -> None:
    """As promptfoo 0.121.20 wrote it: `--repeat 2`, an assertion set, a derived metric, a rubric that broke."""
    runs = by_key(case("promptfoo/repeats-and-two-prompts.json"))
    assert list(runs) == ["echo | Say {{q}}", "echo | Tell {{q}}"]
    for run in runs.values():
        assert run.said.plan is not None
        assert run.said.plan.epochs == 2
        assert run.n_items == 5
        assert {"pass#1", "pass#2", "none#1", "none#2"} < set(run.ids)
        assert run.counts("success") == counted(0.333333, 6, unscored=2, error=2)
        assert run.counts("Has") == counted(0.333333, 6)
        assert run.counts("Judge") == counted(None, 0, error=2)
        assert run.total("namedScores (sum)", "Twice") == 4
        assert run.total("namedScores / namedScoreWeights", "Has") == 0.25
        assert run.codes == {"not_asserted"}
        assert set(run.samples[0].slice) == {"language", "topic", "verifies:REQ-1", "verifies:REQ-2"}


def test_a_grader_that_broke_is_an_error_and_no_failure() -> None:
    broke = {
        "pass": False,
        "score": 0,
        "metadata": {"graderError": True},
        "assertion": {"type": "llm-rubric", "metric": "Judge"},
    }
    failed = {"pass": False, "score": 0, "assertion": {"type": "equals", "metric": "Exact"}}

    def of(*parts: Any) -> Read:
        grading = {"pass": False, "score": 0, "reason": "no", "componentResults": parts}
        named = {"Judge": 0, "Exact": 0}
        given = row(success=False, score=0, failureReason=1, gradingResult=grading, namedScores=named)
        return read_one("promptfoo", file_of(given))

    assert of(broke).counts("success") == counted(None, 0, error=1)
    both = of(broke, failed)
    assert both.counts("success") == counted(0.0, 1)
    assert both.counts("score") == counted(None, 0, error=1)
    assert both.counts("Judge") == counted(None, 0, error=1)
    assert both.counts("Exact") == counted(0.0, 1)


def test_a_grade_by_hand_is_an_edit() -> None:
    part = {"pass": True, "score": 1, "assertion": {"type": "human"}}
    run = read_one(
        "promptfoo", file_of(row(gradingResult={"pass": True, "comment": "fine", "componentResults": [part]}))
    )
    assert run.codes_of("greets") == {"edited"}
    assert run.values("success") == [1.0]


def test_totals_that_the_rows_do_not_come_to_are_flagged() -> None:
    prompts = [
        {
            "provider": "openai:gpt-4o",
            "label": "Say {{q}}",
            "metrics": {"testPassCount": 7, "testErrorCount": 0},
        }
    ]
    run = read_one("promptfoo", file_of(row(), prompts=prompts))
    assert run.details("total_differs") == ["testPassCount: the file says 7, its samples come to 1"]
    assert run.measurement.key == ""


def test_a_column_without_rows_is_a_measurement_without_samples() -> None:
    prompts = [{"provider": "a", "label": "p"}, {"provider": "b", "label": "p"}]
    runs = by_key(file_of(row(provider={"id": "a"}), prompts=prompts))
    assert {key: len(run.samples) for key, run in runs.items()} == {"a": 1, "b": 0}


def test_tests_of_one_description_are_told_apart_by_their_variables_and_repeats_by_their_order() -> None:
    again, other = row(testIdx=1), row(testIdx=2, vars={"q": "ho"})
    run = read_one("promptfoo", file_of(row(), again, other))
    assert run.n_items == 2
    assert run.codes == {"ambiguous"}
    assert [one.rpartition("#")[2] for one in run.ids[:2]] == ["1", "2"]
    unnamed = read_one("promptfoo", file_of(row(testCase={}, vars={"q": 1}), row(testCase={}, vars={"q": 2})))
    assert len(set(unnamed.ids)) == unnamed.n_items == 2


def test_a_score_outside_of_the_share_makes_a_plain_mean_of_it() -> None:
    spec = read_one("promptfoo", file_of(row(score=3))).measurement.metrics["score"]
    assert (spec.unit, spec.is_bounded) == ("score", False)
    assert read_one("promptfoo", file_of(row())).measurement.metrics["score"].is_bounded


def test_the_table_of_version_2() -> None:
    cell = {"pass": True, "score": 1, "text": "hi", "prompt": "Say hi", "namedScores": {"Tone": 0.5},
            "failureReason": 0,
            "gradingResult": {"pass": True, "componentResults": [{"pass": True, "score": 1}]}}  # fmt: skip
    error = {"pass": False, "score": 0, "text": "", "error": "timeout", "namedScores": {}}
    table = {
        "head": {
            "prompts": [{"provider": "a", "label": "p"}, {"provider": "b", "label": "p"}],
            "vars": ["q", "lang"],
        },
        "body": [{"outputs": [cell, error], "vars": ["hi", "en"], "test": {"description": "greets"}}],
    }
    runs = by_key(json.dumps({"results": {"version": 2, "timestamp": "x", "results": [], "table": table, "stats": {}},
                              "evalId": None, "namedScores": 0}).encode())  # fmt: skip
    assert runs["a"].measurement.format == "promptfoo/2"
    assert runs["a"].values("Tone") == [0.5]
    assert runs["a"].samples[0].slice == {"lang": "en"}
    assert runs["b"].counts("success") == counted(None, 0, error=1)


def test_the_summary_alone_is_read_as_the_api_returns_it() -> None:
    raw = json.dumps({"version": 3, "timestamp": "2026-11-20T10:00:00Z", "results": [row()]}).encode()
    assert read_one("promptfoo", raw).values("success") == [1.0]


def test_rows_that_cannot_be_read_count_against_each_column() -> None:
    lines = [
        json.dumps(row()),
        "",
        json.dumps(row(promptIdx=1, provider={"id": "b"})),
        '{"promptIdx": 0, "suc',
        "[1]",
    ]
    runs = by_key("\n".join(lines).encode(), "out.jsonl")
    assert list(runs) == ["openai:gpt-4o", "b"]
    for run in runs.values():
        assert [one.detail.split(":")[0] for one in run.rejects] == [
            "line 4 is not JSON at its character 17",
            "line 5 is not a JSON object",
        ]


@pytest.mark.parametrize(
    ("score", "told"),
    [("1e999", "no finite"), ("null", "no value"), ('"7"', "no finite"), ("9" * 500, "no finite")],
)
def test_a_score_that_is_no_number_is_unscored_and_says_so(score: str, told: str) -> None:
    raw = file_of(row(score="@")).replace(b'"@"', score.encode())
    run = read_one("promptfoo", raw)
    assert run.counts("score") == counted(None, 0, unscored=1)
    assert told in run.explanations("score")["greets"]


def test_what_no_column_holds_is_escaped() -> None:
    run = read_one("promptfoo", file_of(row(response={"output": "a\x00b\ud800"})))
    assert run.samples[0].output == "a\\u0000b\\ud800"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (case(TWO)[:5_000], "not JSON at character .*cut short"),
        (b'{"evalId": 1, "results": {"results": []}}', "no results: post what"),
        (b'{"evalId": 1} {}', "the file: not JSON at character 14"),
        (b'\xff{"evalId": 1}', "the file: is not UTF-8"),
        (b'{"evalId":' + b"[" * 100_000, "the file: is nested too deeply"),
    ],
)
def test_what_cannot_be_read_says_where_and_what_to_do(raw: bytes, says: str) -> None:
    with pytest.raises(EvalFileError, match=says):
        read("promptfoo", raw)


def test_utf_16_is_read_as_a_shell_writes_it() -> None:
    assert len(read("promptfoo", case(TWO).decode().encode("utf-16"))) == 2
