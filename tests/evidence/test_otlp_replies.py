"""The reply speaks the request's encoding and names what was refused."""

from __future__ import annotations

import json

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from evidence.otlp.limits import Limits
from evidence.otlp.records import AttributeBlob, Signal
from evidence.otlp.replies import Reason, describe_outcome, encode_reply

REASONS = [
    Reason(4, "span_conflict", "other content"),
    Reason(1, "invalid_span_id", "is all zero"),
    Reason(2, "invalid_span_id", "x"),
]


def describe(reasons: list[Reason], moved: list[AttributeBlob] | None = None) -> str:
    return describe_outcome(reasons, n_items=9, moved=moved or [], limits=Limits())


def test_full_success_says_nothing() -> None:
    assert describe([]) == ""
    assert encode_reply(signal=Signal.TRACES, encoding="json", n_rejected=0, message="") == b"{}"
    assert encode_reply(signal=Signal.TRACES, encoding="protobuf", n_rejected=0, message="") == b""


def test_reasons_are_counted_by_code_with_an_example() -> None:
    message = describe(REASONS)
    assert message == (
        "3 of 9 refused; invalid_span_id x2 (item 1: is all zero); span_conflict x1 (item 4: other content)"
    )
    assert describe(REASONS[::-1]) == message


def test_counts_stand_in_both_encodings() -> None:
    reply = json.loads(encode_reply(signal=Signal.TRACES, encoding="json", n_rejected=3, message="m"))
    assert reply == {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "m"}}
    binary = encode_reply(signal=Signal.TRACES, encoding="protobuf", n_rejected=3, message="m")
    assert ExportTraceServiceResponse.FromString(binary).partial_success.rejected_spans == 3
    reply = json.loads(encode_reply(signal=Signal.LOGS, encoding="json", n_rejected=3, message="m"))
    assert reply["partialSuccess"]["rejectedLogRecords"] == "3"
    binary = encode_reply(signal=Signal.LOGS, encoding="protobuf", n_rejected=3, message="m")
    assert ExportLogsServiceResponse.FromString(binary).partial_success.rejected_log_records == 3


def test_moved_value_is_a_warning_and_no_refusal() -> None:
    message = describe([], [AttributeBlob("0" * 64, b"x", "text/plain", "span 3, attribute a")])
    assert "stored apart" in message
    assert "span 3, attribute a" in message


def test_message_is_bounded_whatever_the_texts() -> None:
    reasons = [Reason(number, f"code{number}", "因" * 500) for number in range(20)]
    assert len(describe(reasons).encode()) <= Limits().reason_bytes
