from __future__ import annotations

import json
from typing import Any

import pytest
from backports.zstd import compress
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from evidence.evals.contracts import EvalFileError
from tests.evidence.eval_readers import Read, counted, read, read_one, sniffed

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
AT = 1_795_600_000_000_000_000  # nanoseconds since 1970


def attribute(key: str, value: Any) -> dict[str, Any]:
    kind = (
        "boolValue"
        if isinstance(value, bool)
        else "doubleValue"
        if isinstance(value, float)
        else "stringValue"
    )
    return {"key": key, "value": {kind: value}}


def event(
    name: str = "groundedness", value: Any = 0.5, *, trace: str = TRACE, at: int = AT, over: Any = None
) -> dict[str, Any]:
    told = {"gen_ai.evaluation.name": name, "gen_ai.evaluation.score.value": value, **(over or {})}
    return {
        "timeUnixNano": str(at),
        "traceId": trace,
        "spanId": SPAN,
        "eventName": "gen_ai.evaluation.result",
        "attributes": [attribute(key, given) for key, given in told.items() if given is not None],
    }


def request(*records: dict[str, Any], service: str = "credit") -> dict[str, Any]:
    resource = {"attributes": [attribute("service.name", service)]}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {}, "logRecords": records}]}]}


def lines(*requests: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in requests)


def of(*records: dict[str, Any]) -> Read:
    return read_one("otel", lines(request(*records)))


def protobuf(text: bytes) -> bytes:
    return Parse(
        text.replace(TRACE.encode(), b"S/kvNXezTaajzpKdDg5HNg==").replace(SPAN.encode(), b"APBnqgupArc="),
        ExportLogsServiceRequest(),
    ).SerializeToString()


def test_evaluations_of_one_answer_are_one_sample() -> None:
    raw = lines(
        request(event(), event("tone", 1.0, over={"gen_ai.evaluation.explanation": "kind"})),
        request(event(value=1.0, trace="a" * 32, at=AT + 10**9)),
    )
    assert sniffed("otel", raw)
    run = read_one("otel", raw)
    assert run.ids == [f"{TRACE}/{SPAN}", f"{'a' * 32}/{SPAN}"]
    assert run.counts("groundedness") == counted(0.75, 2)
    assert run.counts("tone") == counted(1.0, 1)
    assert [one.trace_id for one in run.samples] == [TRACE, "a" * 32]
    assert run.explanations("tone")[f"{TRACE}/{SPAN}"] == "kind"
    said = run.said
    assert said.observed_from is not None
    assert said.observed_to is not None
    assert (said.observed_to - said.observed_from).total_seconds() == 1
    assert said.status is None
    assert run.codes == {"direction_assumed"}


def test_an_error_and_a_label_without_a_value_are_no_scores() -> None:
    failed = event(value=None, over={"error.type": "timeout"})
    labelled = event("tone", None, over={"gen_ai.evaluation.score.label": "pass"})
    run = of(failed, labelled, event("nan", float("inf")))
    assert run.counts("groundedness") == counted(None, 0, error=1)
    assert run.counts("tone") == counted(None, 0, unscored=1)
    assert "'pass'" in run.explanations("tone")[f"{TRACE}/{SPAN}"]
    assert run.counts("nan") == counted(None, 0, unscored=1)


def test_the_response_names_the_answer_and_the_model_is_said_where_there_is_one() -> None:
    told = {"gen_ai.response.id": "r1", "gen_ai.response.model": "smol", "gen_ai.conversation.id": "c1"}
    run = of(event(over=told), event(value=1.0, over=told))
    assert run.ids == ["r1#1", "r1#2"]
    assert run.slices("conversation") == ["c1"]
    assert run.said.model is not None
    assert run.said.model.key == "smol"


def test_systems_are_measured_apart() -> None:
    runs = read("otel", lines(request(event(), service="credit"), request(event(value=1.0), service="aml")))
    assert {one.measurement.key: one.values("groundedness") for one in runs} == {
        "credit": [0.5],
        "aml": [1.0],
    }


def test_whatever_else_is_in_it_is_counted_and_left_out() -> None:
    plain = {"timeUnixNano": str(AT), "body": {"stringValue": "started"}}
    bad = event("", 0.5)
    run = of(event(), plain, bad)
    assert run.details("unread") == ["no evaluations, left out: 1 application logs"]
    assert [one.detail for one in run.rejects] == ["message 0: gen_ai.evaluation.name is missing"]


def test_events_of_spans_are_read_too() -> None:
    evaluated = {
        "name": "gen_ai.evaluation.result",
        "timeUnixNano": str(AT),
        "attributes": event()["attributes"],
    }
    span = {
        "traceId": TRACE,
        "spanId": SPAN,
        "name": "chat",
        "startTimeUnixNano": str(AT),
        "endTimeUnixNano": str(AT + 5),
    }
    scope = {"spans": [{**span, "events": [evaluated]}, {**span, "spanId": "1" * 16}]}
    resource = {"attributes": [attribute("service.name", "credit")]}
    run = read_one("otel", lines({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}))
    assert run.values("groundedness") == [0.5]
    assert run.details("unread") == ["no evaluations, left out: 1 spans"]


@pytest.mark.parametrize("packed", [False, True])
def test_protobuf_messages_with_their_length_before_them(*, packed: bool) -> None:
    message = protobuf(json.dumps(request(event())).encode())
    body = compress(message) if packed else message
    raw = (len(body).to_bytes(4) + body) * 2
    assert sniffed("otel", raw, "logs.binpb")
    assert read_one("otel", raw).values("groundedness") == [0.5, 0.5]
    assert read_one("otel", message).values("groundedness") == [0.5]
    with pytest.raises(EvalFileError, match="cut short"):
        read("otel", raw[:-3])


def test_one_request_over_several_lines_is_one_message() -> None:
    assert read_one("otel", json.dumps(request(event()), indent=1).encode()).values("groundedness") == [0.5]


def test_a_line_that_cannot_be_read_is_refused_alone() -> None:
    run = read_one("otel", lines(request(event())) + b'{"resourceLogs": [\n')
    assert (run.values("groundedness"), [one.code for one in run.rejects]) == ([0.5], ["bad_message"])


def test_no_evaluation_in_it_says_what_to_send() -> None:
    plain = {"timeUnixNano": str(AT), "body": {"stringValue": "started"}}
    with pytest.raises(EvalFileError, match=r"no gen_ai.evaluation.result event in it: post the export"):
        read("otel", lines(request(plain)))
