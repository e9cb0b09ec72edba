"""A span is kept whole or refused alone with a reason, and protobuf and JSON say the same."""

from __future__ import annotations

import json
import math

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from evidence.otlp.errors import RejectCode
from evidence.otlp.limits import Limits
from tests.evidence.otlp_bodies import (
    JSON,
    SPAN_ID,
    START_NS,
    TRACE_ID,
    make_request,
    make_span,
    read_traces,
    to_otlp_json,
)


def test_span_is_read_with_all_it_carries() -> None:
    span = make_span(
        parent_span_id=b"\x09" * 8, attributes={"gen_ai.operation.name": "chat"}, trace_state="a=1"
    )
    span.events.add(name="first token", time_unix_nano=START_NS + 5)
    span.links.add(trace_id=b"\x07" * 16, span_id=b"\x08" * 8)
    span.status.code, span.status.message = Status.STATUS_CODE_ERROR, "timeout"
    (row,) = read_traces(make_request(span).SerializeToString()).spans
    assert (row.trace_id, row.span_id, row.parent_span_id) == (TRACE_ID.hex(), SPAN_ID.hex(), "09" * 8)
    assert (row.system_key, row.name, row.kind, row.start_ns) == (
        "credit-assistant",
        "invoke_agent",
        1,
        START_NS,
    )
    assert (row.status_code, row.status_message) == (2, "timeout")
    assert json.loads(row.attributes) == {"gen_ai.operation.name": "chat", "w3c.tracestate": "a=1"}
    assert json.loads(row.events) == [{"name": "first token", "time_ns": START_NS + 5, "attributes": {}}]
    assert json.loads(row.links)[0]["trace_id"] == "07" * 16
    assert json.loads(row.resource) == {"service.name": "credit-assistant"}
    assert json.loads(row.scope) == {"name": "tests", "version": ""}


def test_every_kind_of_value_has_its_json() -> None:
    span = make_span()
    add = span.attributes.add
    add(key="empty").value.string_value = ""
    add(key="zero").value.int_value = 0
    add(key="big").value.int_value = 2**63 - 1
    add(key="no").value.bool_value = False
    add(key="share").value.double_value = 0.5
    add(key="nan").value.double_value = math.nan
    add(key="less").value.double_value = -math.inf
    add(key="bytes").value.bytes_value = b"\x00\xff"
    add(key="nothing")
    add(key="list").value.array_value.values.add().string_value = "甲"
    add(key="map").value.kvlist_value.values.add(key="k").value.int_value = 7
    add(key="zero").value.string_value = "again"
    request = make_request(span)
    expected = {
        "empty": "",
        "zero": 0,
        "big": 2**63 - 1,
        "no": False,
        "share": 0.5,
        "nan": "NaN",
        "less": "-Infinity",
        "bytes": {"tracebinder.bytes": "AP8="},
        "nothing": None,
        "list": ["甲"],
        "map": {"k": 7},
        "tracebinder.repeated": {"zero": ["again"]},
    }
    for batch in (
        read_traces(request.SerializeToString()),
        read_traces(to_otlp_json(request), "application/json; charset=utf-8"),
    ):
        assert json.loads(batch.spans[0].attributes) == expected


def refuse(span: Span, code: RejectCode, limits: Limits | None = None) -> str:
    """Post the span between two good ones: it alone is refused, in both encodings. Returns the reason."""
    good, other = make_span(span_id=b"\x0a" * 8), make_span(span_id=b"\x0b" * 8)
    request = make_request(good, span, other)
    for batch in (
        read_traces(request.SerializeToString(), limits=limits),
        read_traces(to_otlp_json(request), JSON, limits=limits),
    ):
        assert [row.span_id for row in batch.spans] == ["0a" * 8, "0b" * 8]
        assert [(reject.position, reject.code) for reject in batch.rejects] == [(1, code)]
        assert batch.n_items == 3
        assert b"\\u0000" not in batch.rejects[0].item.replace(b"\\\\u0000", b"")
        assert isinstance(json.loads(batch.rejects[0].item), dict)
    return batch.rejects[0].detail


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"trace_id": b""}, RejectCode.INVALID_TRACE_ID),
        ({"trace_id": bytes(16)}, RejectCode.INVALID_TRACE_ID),
        ({"trace_id": b"\x01" * 15}, RejectCode.INVALID_TRACE_ID),
        ({"span_id": bytes(8)}, RejectCode.INVALID_SPAN_ID),
        ({"span_id": b"\x01" * 9}, RejectCode.INVALID_SPAN_ID),
        ({"parent_span_id": b"\x01"}, RejectCode.INVALID_PARENT_SPAN_ID),
        ({"start_time_unix_nano": 0}, RejectCode.TIME_OUT_OF_RANGE),
        ({"end_time_unix_nano": 2**63}, RejectCode.TIME_OUT_OF_RANGE),
        ({"end_time_unix_nano": START_NS - 6_000_000_000}, RejectCode.END_BEFORE_START),
        ({"name": "n" * 20_000}, RejectCode.TEXT_TOO_LONG),
        ({"trace_state": "n" * 20_000}, RejectCode.TEXT_TOO_LONG),
        ({"attributes": {str(number): "" for number in range(1_025)}}, RejectCode.TOO_MANY_ATTRIBUTES),
        ({"events": [Span.Event(name="e")] * 1_025}, RejectCode.TOO_MANY_EVENTS),
        ({"links": [Span.Link()] * 1_025}, RejectCode.TOO_MANY_LINKS),
        ({"kind": 40_000}, RejectCode.MALFORMED_ITEM),
    ],
)
def test_bad_span_is_refused_alone(fields: dict[str, object], code: RejectCode) -> None:
    refuse(make_span(**fields), code)


def test_nesting_beyond_the_limit_is_refused_alone() -> None:
    span = make_span()
    value = span.attributes.add(key="deep").value
    for _ in range(40):
        value = value.array_value.values.add()
    refuse(span, RejectCode.NESTING_TOO_DEEP)


def test_what_a_sender_dropped_is_kept_with_the_span() -> None:
    span = make_span(
        dropped_attributes_count=1, dropped_events_count=2, dropped_links_count=3,
        events=[Span.Event(name="e", dropped_attributes_count=4)],
        links=[Span.Link(trace_id=b"\x07" * 16, span_id=b"\x08" * 8, dropped_attributes_count=5)],
    )  # fmt: skip
    (row,) = read_traces(make_request(span).SerializeToString()).spans
    counts = [value for key, value in sorted(json.loads(row.attributes).items()) if "dropped" in key]
    assert counts == [1, 2, 3]
    assert 4 in json.loads(row.events)[0]["attributes"].values()
    assert 5 in json.loads(row.links)[0]["attributes"].values()


def test_a_resource_or_scope_that_cannot_be_kept_refuses_its_own_spans_only() -> None:
    request = make_request(make_span())
    ours, long = make_request(make_span()), make_request(make_span())
    ours.resource_spans[0].resource.attributes.add(key="tracebinder.escaped").value.string_value = "x"
    long.resource_spans[0].scope_spans[0].scope.version = "1" * 300_000
    request.resource_spans.extend([*ours.resource_spans, *long.resource_spans])
    batch = read_traces(request.SerializeToString())
    assert [row.position for row in batch.spans] == [0]
    assert [(reject.position, reject.code) for reject in batch.rejects] == [
        (1, RejectCode.MALFORMED_RESOURCE),
        (2, RejectCode.MALFORMED_RESOURCE),
    ]


def test_schemas_and_attributes_of_the_scope_are_kept() -> None:
    request = make_request(make_span())
    group = request.resource_spans[0]
    group.schema_url, group.scope_spans[0].schema_url = "https://r.example/1", "https://s.example/2"
    group.scope_spans[0].scope.attributes.add(key="build").value.string_value = "7"
    (row,) = read_traces(request.SerializeToString()).spans
    kept = json.loads(row.scope)
    assert (kept["schema_url"], kept["resource_schema_url"], kept["attributes"]) == (
        "https://s.example/2",
        "https://r.example/1",
        {"build": "7"},
    )


def test_clock_skew_within_the_allowance_is_kept() -> None:
    span = make_span(end_time_unix_nano=START_NS - 4_000_000_000)
    assert len(read_traces(make_request(span).SerializeToString()).spans) == 1


def test_escaped_backslash_is_no_nul() -> None:
    span = make_span(attributes={"a": "\\u0000"})
    (row,) = read_traces(make_request(span).SerializeToString()).spans
    assert json.loads(row.attributes) == {"a": "\\u0000"}


def test_refused_item_keeps_its_nul_visible() -> None:
    span = make_span(attributes={"a": "left\x00right"}, kind=40_000)
    (reject,) = read_traces(make_request(span).SerializeToString()).rejects
    assert "left\\u0000right" in json.dumps(json.loads(reject.item)).replace("\\\\", "\\")
    assert (reject.trace_id, reject.span_id) == (TRACE_ID.hex(), SPAN_ID.hex())


def test_protobuf_that_cannot_be_read_refuses_its_span_and_names_it() -> None:
    good = make_request(make_span(span_id=b"\x0a" * 8))
    bad = make_request(make_span(name="XXXX")).SerializeToString()
    name = bad.index(b"XXXX") - 2  # its key: field 5, of kind 2
    batch = read_traces(good.SerializeToString() + bad[:name] + b"\x2f" + bad[name + 1 :])
    assert [row.span_id for row in batch.spans] == ["0a" * 8]
    (reject,) = batch.rejects
    assert (reject.code, reject.trace_id, reject.span_id) == (
        RejectCode.MALFORMED_ITEM,
        TRACE_ID.hex(),
        SPAN_ID.hex(),
    )


def test_oversize_value_moves_to_a_blob_and_the_span_stays() -> None:
    text = "大" * 1_000
    span = make_span(attributes={"gen_ai.input.messages": text, "gen_ai.request.model": "m"})
    batch = read_traces(make_request(span).SerializeToString(), limits=Limits(attribute_bytes=2_000))
    (blob,) = batch.blobs
    assert blob.data.decode() == text
    attributes = json.loads(batch.spans[0].attributes)
    assert attributes["gen_ai.request.model"] == "m"
    assert attributes["gen_ai.input.messages"] == {
        "tracebinder.blob": f"sha256:{blob.digest}",
        "bytes": 3_000,
        "media_type": "text/plain; charset=utf-8",
    }
    assert batch.rejects == []


@pytest.mark.parametrize(
    ("span", "code", "says"),
    [
        ({"traceId": "AQIDBAUGBwgJCgsMDQ4PEA==", "spanId": "01" * 8}, RejectCode.INVALID_TRACE_ID, "base64"),
        ({"traceId": "01" * 16, "spanId": "AQIDBAUGBwg="}, RejectCode.INVALID_SPAN_ID, "base64"),
        ({"traceId": "zz" * 16, "spanId": "01" * 8}, RejectCode.INVALID_TRACE_ID, "hexadecimal"),
        ({"traceId": "01" * 16, "spanId": 7}, RejectCode.MALFORMED_ITEM, "spanId"),
        ({"attributes": "x"}, RejectCode.MALFORMED_ITEM, "attributes"),
        ({"attributes": [{"key": "a", "value": "bare"}]}, RejectCode.MALFORMED_ITEM, "stringValue"),
        ({"attributes": [{"key": "a", "value": {"intValue": "1.5"}}]}, RejectCode.MALFORMED_ITEM, "intValue"),
        (
            {"attributes": [{"key": "a", "value": {"intValue": 2**70}}]},
            RejectCode.MALFORMED_ITEM,
            "out of range",
        ),
        ({"attributes": [{"key": "a", "value": {"bytesValue": "!"}}]}, RejectCode.MALFORMED_ITEM, "base64"),
        ({"kind": "SPAN_KIND_SIDEWAYS"}, RejectCode.MALFORMED_ITEM, "SIDEWAYS"),
        ({"startTimeUnixNano": "soon"}, RejectCode.MALFORMED_ITEM, "startTimeUnixNano"),
        ({"parent_span_id": "01" * 8}, RejectCode.MALFORMED_ITEM, "parentSpanId"),
        ({"events": [{"time_unix_nano": "1"}]}, RejectCode.MALFORMED_ITEM, "timeUnixNano"),
        (
            {"attributes": [{"key": "a", "value": {"string_value": "b"}}]},
            RejectCode.MALFORMED_ITEM,
            "stringValue",
        ),
        ({"attributes": [{"key": "a", "value": {"uintValue": "1"}}]}, RejectCode.MALFORMED_ITEM, "known are"),
    ],
)
def test_json_mistakes_are_named(span: dict[str, object], code: RejectCode, says: str) -> None:
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    (reject,) = read_traces(body, JSON).rejects
    assert reject.code == code
    assert says in reject.detail


def test_hexadecimal_text_in_protobuf_is_named() -> None:
    span = make_span(trace_id=TRACE_ID.hex().encode())
    (reject,) = read_traces(make_request(span).SerializeToString()).rejects
    assert "hexadecimal text" in reject.detail


def test_json_as_sdks_write_it() -> None:
    """Numbers for 64-bit integers, names for enums, a bare key, unknown fields, an empty parent."""
    span = {
        "traceId": TRACE_ID.hex().upper(),
        "spanId": SPAN_ID.hex(),
        "parentSpanId": "",
        "name": "n",
        "kind": "SPAN_KIND_CLIENT",
        "startTimeUnixNano": START_NS,
        "endTimeUnixNano": str(START_NS + 1),
        "attributes": [{"key": "bare"}, {"key": "n", "value": {"intValue": 5}}],
        "status": {"code": "STATUS_CODE_ERROR"},
        "addedLater": {"x": 1},
    }
    (row,) = read_traces(
        json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode(), JSON
    ).spans
    assert (row.kind, row.status_code, row.parent_span_id, row.start_ns) == (3, 2, None, START_NS)
    assert json.loads(row.attributes) == {"bare": None, "n": 5}


def test_system_attribute_wins_over_service_name() -> None:
    request = make_request(make_span(), system="some-service")
    request.resource_spans[0].resource.attributes.add(
        key="tracebinder.system"
    ).value.string_value = "aml-copilot"
    assert read_traces(request.SerializeToString()).spans[0].system_key == "aml-copilot"


def test_digest_covers_resource_scope_and_span() -> None:
    first = read_traces(make_request(make_span()).SerializeToString()).spans[0].digest
    assert read_traces(make_request(make_span(name="x")).SerializeToString()).spans[0].digest != first
    assert read_traces(make_request(make_span(), system="x").SerializeToString()).spans[0].digest != first
    assert read_traces(make_request(make_span(), make_span()).SerializeToString()).spans[1].digest == first
