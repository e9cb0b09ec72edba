"""Evaluation events are taken from the logs signal; nothing else there is lost in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.otlp.errors import RejectCode
from evidence.otlp.limits import Limits
from tests.evidence.otlp_bodies import PROTOBUF, START_NS, read_logs

SCORE = "gen_ai.evaluation.score.value"
EVENT: dict[str, Any] = {
    "timeUnixNano": str(START_NS),
    "eventName": "gen_ai.evaluation.result",
    "traceId": "01" * 16,
    "spanId": "02" * 8,
    "attributes": [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": "groundedness"}},
        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 0.75}},
        {"key": "gen_ai.evaluation.explanation", "value": {"stringValue": "three of four"}},
    ],
}


def make_logs(*records: dict[str, Any]) -> bytes:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "credit-assistant"}}]}
    groups = [{"resource": resource, "scopeLogs": [{"logRecords": list(records)}]}]
    return json.dumps({"resourceLogs": groups}).encode()


def test_evaluation_event_is_read() -> None:
    (event,) = read_logs(make_logs(EVENT)).evaluations
    assert (event.system_key, event.name, event.score_value) == ("credit-assistant", "groundedness", 0.75)
    assert (event.trace_id, event.span_id, event.observed_ns) == ("01" * 16, "02" * 8, START_NS)
    assert (event.explanation, event.score_label, event.error_type) == ("three of four", None, None)


def test_event_named_by_attribute_as_older_sdks_do() -> None:
    named = {"key": "event.name", "value": {"stringValue": "gen_ai.evaluation.result"}}
    old = {**EVENT, "eventName": "", "attributes": [named, *EVENT["attributes"]]}
    assert len(read_logs(make_logs(old)).evaluations) == 1


def test_score_that_is_not_a_number_means_unscored() -> None:
    attributes = [
        EVENT["attributes"][0],
        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": "NaN"}},
    ]
    (event,) = read_logs(make_logs({**EVENT, "attributes": attributes})).evaluations
    assert event.score_value is None


def test_other_records_are_refused_with_their_reason() -> None:
    body = make_logs(
        {"timeUnixNano": "1", "body": {"stringValue": "hello"}},
        {**EVENT, "attributes": []},
        {**EVENT, "timeUnixNano": "0"},
        {**EVENT, "traceId": "01"},
        EVENT,
    )
    batch = read_logs(body)
    assert [reject.code for reject in batch.rejects] == [
        RejectCode.UNSUPPORTED_LOG_RECORD,
        RejectCode.INVALID_EVALUATION,
        RejectCode.TIME_OUT_OF_RANGE,
        RejectCode.INVALID_TRACE_ID,
    ]
    assert [b"hello" in reject.item for reject in batch.rejects] == [False] * 4
    kept = read_logs(body, limits=Limits(keep_app_logs=True)).rejects[0]
    assert b"hello" in kept.item
    assert len(batch.evaluations) == 1
    assert batch.n_items == 5


def with_attribute(key: str, value: dict[str, Any]) -> dict[str, Any]:
    return {**EVENT, "attributes": [*EVENT["attributes"], {"key": key, "value": value}]}


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (with_attribute("gen_ai.evaluation.score.label", {"intValue": "4"}), RejectCode.INVALID_EVALUATION),
        (with_attribute("error.type", {"boolValue": True}), RejectCode.INVALID_EVALUATION),
        (with_attribute("note", {"stringValue": "x" * 3_000}), RejectCode.TEXT_TOO_LONG),
        ({**EVENT, "timeUnixNano": str(2**63)}, RejectCode.TIME_OUT_OF_RANGE),
        ({**EVENT, "spanId": "0" * 16}, RejectCode.INVALID_SPAN_ID),
        (
            {**EVENT, "attributes": [EVENT["attributes"][0], {"key": SCORE, "value": {"boolValue": True}}]},
            RejectCode.INVALID_EVALUATION,
        ),
        (
            {
                **EVENT,
                "attributes": [EVENT["attributes"][0], {"key": SCORE, "value": {"stringValue": "good"}}],
            },
            RejectCode.INVALID_EVALUATION,
        ),
    ],
)
def test_a_bad_event_is_refused_alone(record: dict[str, Any], code: RejectCode) -> None:
    batch = read_logs(make_logs(EVENT, record, EVENT), limits=Limits(attribute_bytes=2_000))
    assert [(reject.position, reject.code) for reject in batch.rejects] == [(1, code)]
    assert [event.position for event in batch.evaluations] == [0, 2]


def test_a_resource_that_cannot_be_read_refuses_its_own_records_only() -> None:
    document = json.loads(make_logs(EVENT))
    bad = json.loads(make_logs(EVENT, EVENT))["resourceLogs"][0]
    bad["resource"]["attributes"] = [{"key": "deep", "value": nested(40)}]
    document["resourceLogs"].insert(0, bad)
    batch = read_logs(json.dumps(document).encode())
    assert [reject.code for reject in batch.rejects] == [RejectCode.MALFORMED_RESOURCE] * 2
    assert [event.position for event in batch.evaluations] == [2]


def nested(depth: int) -> dict[str, Any]:
    return {"arrayValue": {"values": [nested(depth - 1)]}} if depth else {"stringValue": "x"}


def test_protobuf_and_json_agree() -> None:
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    document = json.loads(make_logs(EVENT))
    record = document["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    record["traceId"], record["spanId"] = "AQEBAQEBAQEBAQEBAQEBAQ==", "AgICAgICAgI="
    body = ParseDict(document, ExportLogsServiceRequest()).SerializeToString()
    assert read_logs(body, PROTOBUF).evaluations == read_logs(make_logs(EVENT)).evaluations
