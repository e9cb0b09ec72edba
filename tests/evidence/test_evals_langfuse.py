from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.evals.contracts import EvalFileError
from tests.evidence.eval_readers import Read, counted, read, read_one, sniffed

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def score(name: str = "helpful", value: Any = 0.5, **over: Any) -> dict[str, Any]:
    return {
        "id": "s1",
        "traceId": TRACE,
        "observationId": None,
        "name": name,
        "value": value,
        "dataType": "NUMERIC",
        "source": "EVAL",
        "comment": "because",
        "timestamp": "2026-11-20T10:00:00.000Z",
        "environment": "ci",
        **over,
    }


def of(*scores: Any, **meta: Any) -> Read:
    raw = json.dumps({"data": scores, "meta": meta}).encode()
    return read_one("langfuse", raw)


def test_scores_of_one_answer_are_one_sample() -> None:
    raw = json.dumps(
        {"data": [score(), score("correct", 1, dataType="BOOLEAN"), score(value=1, traceId="t2")]}
    ).encode()
    assert sniffed("langfuse", raw)
    run = read_one("langfuse", raw)
    assert run.ids == [TRACE, "t2"]
    assert run.counts("helpful") == counted(0.75, 2)
    assert run.counts("correct") == counted(1.0, 1)
    assert [one.trace_id for one in run.samples] == [TRACE, None]
    assert run.slices("environment") == ["ci"]
    assert run.explanations("helpful")[TRACE] == "because"
    assert run.said.observed_from is not None
    assert {spec.kind for spec in run.measurement.metrics.values()} == {"mean", "proportion"}
    assert run.codes == {"direction_assumed"}


def test_what_people_say_is_never_averaged_with_what_a_judge_says() -> None:
    run = of(score(value=0.0), score(value=1.0, source="ANNOTATION"))
    assert (run.values("helpful"), run.values("helpful (people)")) == ([0.0], [1.0])


def test_a_category_is_no_number() -> None:
    run = of(
        score(),
        score("tone", 2, dataType="CATEGORICAL", stringValue="warm"),
        score("note", "x", dataType="TEXT"),
    )
    assert list(run.measurement.metrics) == ["helpful"]
    assert run.details("unread") == [
        "tone: is of the type CATEGORICAL, which is no number",
        "note: is of the type TEXT, which is no number",
    ]


def test_the_same_metric_again_is_another_attempt_at_the_answer() -> None:
    run = of(score(value=0.0), score(value=1.0), score("other"))
    assert run.ids == [f"{TRACE}#1", f"{TRACE}#2"]
    assert run.n_items == 1


def test_a_score_of_an_experiment_is_a_total() -> None:
    run = of(score(), score(value=0.9, traceId=None, datasetRunId="r1"))
    assert len(run.samples) == 1
    assert run.total("of the experiment") == 0.9


def test_the_third_api_names_what_was_scored() -> None:
    given = [
        score(traceId=None, subject={"kind": "observation", "id": "o1", "traceId": TRACE}),
        score(traceId=None, subject={"kind": "experiment", "id": "e1"}),
    ]
    run = of(*given)
    assert (run.ids, run.samples[0].trace_id) == (["o1"], TRACE)
    assert run.total("of the experiment") == 0.5


def test_one_page_of_several_is_limited_and_a_change_is_an_edit() -> None:
    run = of(
        score(createdAt="2026-11-20T10:00:00Z", updatedAt="2026-11-21T10:00:00Z"),
        totalItems=120,
        totalPages=3,
    )
    assert run.details("limited") == ["1 of 120 scores: ask for each page, and post them as one list"]
    assert run.codes_of(TRACE) == {"edited"}
    assert of(score(), totalItems=1, totalPages=1).codes == {"direction_assumed"}


def test_a_table_and_lines_say_the_same_as_the_list() -> None:
    columns = "id,Trace ID,Name,Value,Data Type,Source,Comment"
    rows = [f's1,{TRACE},helpful,0.5,NUMERIC,EVAL,"a, b"', f"s2,{TRACE},ok,True,BOOLEAN,API,", "s3,x"]
    table = "\n".join([columns, *rows, ""])
    assert sniffed("langfuse", table.encode(), "scores.csv")
    run = read_one("langfuse", table.encode())
    assert (run.values("helpful"), run.values("ok")) == ([0.5], [1.0])
    assert [one.detail for one in run.rejects] == ["score 2 row 4 has 2 fields, and there are 7 columns"]
    lines = "\n".join(json.dumps(score(value=value, traceId=str(value))) for value in (0, 1)).encode()
    assert sniffed("langfuse", lines)
    assert read_one("langfuse", lines).values("helpful") == [0.0, 1.0]


def test_scores_that_cannot_be_read_are_refused_alone() -> None:
    run = of(7, score(""), score(value="much"), score(value=None, traceId="n"))
    assert [one.detail for one in run.rejects] == ["score 0 is not a JSON object", "score 1 has no name"]
    assert run.counts("helpful") == counted(None, 0, unscored=2)


@pytest.mark.parametrize("raw", [b'{"data": [], "meta": {}}', b"[]", b"name,value,source,traceId\n"])
def test_nothing_in_it_says_what_to_send(raw: bytes) -> None:
    with pytest.raises(EvalFileError, match="no scores in it: post what GET"):
        read("langfuse", raw)
