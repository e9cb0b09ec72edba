"""For any bytes: no error but ours. For any span: both encodings, alone or in company, give the same row."""

from __future__ import annotations

import contextlib
import gzip
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from evidence.otlp.errors import OtlpError
from evidence.otlp.values import RESERVED_KEYS
from tests.evidence.otlp_bodies import (
    JSON,
    PROTOBUF,
    START_NS,
    make_request,
    make_span,
    read_logs,
    read_traces,
    to_otlp_json,
)
from tests.how_many import examples

GOOD = make_request(make_span(attributes={"a": "text"}), make_span(span_id=b"\x0a" * 8)).SerializeToString()
MEDIA = st.sampled_from([PROTOBUF, JSON, "application/json;charset=utf-8", "text/html", ""])
PACKING = st.sampled_from(["", "gzip", "identity", "br"])

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
KEYS = TEXTS.filter(lambda key: key not in RESERVED_KEYS)
SCALARS = st.one_of(
    TEXTS.map(lambda text: AnyValue(string_value=text)),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: AnyValue(int_value=number)),
    st.booleans().map(lambda flag: AnyValue(bool_value=flag)),
    st.floats(allow_nan=False).map(lambda number: AnyValue(double_value=number)),
    st.binary(max_size=12).map(lambda data: AnyValue(bytes_value=data)),
    st.just(AnyValue()),
)


def _pairs(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[list[KeyValue]]:
    pair = st.builds(lambda key, value: KeyValue(key=key, value=value), KEYS, values)
    return st.lists(pair | KEYS.map(lambda key: KeyValue(key=key)), max_size=4)


VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda members: AnyValue(array_value=ArrayValue(values=members)))
        | _pairs(inner).map(lambda pairs: AnyValue(kvlist_value=KeyValueList(values=pairs)))
    ),
    max_leaves=6,
)
EVENTS = st.builds(
    lambda name, attributes: Span.Event(name=name, attributes=attributes, time_unix_nano=START_NS),
    TEXTS,
    _pairs(VALUES),
)
SPANS = st.builds(
    lambda trace_id, span_id, name, kind, attributes, events, status: Span(
        trace_id=trace_id,
        span_id=span_id,
        name=name,
        kind=kind,
        attributes=attributes,
        events=events,
        status=status,
        start_time_unix_nano=START_NS,
        end_time_unix_nano=START_NS + 3,
    ),
    st.binary(min_size=16, max_size=16).filter(any),
    st.binary(min_size=8, max_size=8).filter(any),
    TEXTS,
    st.integers(0, 5),
    _pairs(VALUES),
    st.lists(EVENTS, max_size=2),
    st.builds(lambda code, message: Status(code=code, message=message), st.integers(0, 2), TEXTS),
)


@given(st.binary(max_size=300), MEDIA, PACKING)
def test_arbitrary_bytes_raise_only_our_errors(body: bytes, media: str, packing: str) -> None:
    for read in (read_traces, lambda *posted: read_logs(posted[0], posted[1])):
        with contextlib.suppress(OtlpError):
            read(body, media, packing)


@given(st.data())
def test_damaged_requests_raise_only_our_errors_and_lose_no_span(data: st.DataObject) -> None:
    body = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(OtlpError):
        batch = read_traces(bytes(body))
        assert len(batch.spans) + len(batch.rejects) == batch.n_items
        for reject in batch.rejects:
            json.loads(reject.item)
    with contextlib.suppress(OtlpError):
        read_logs(bytes(body), PROTOBUF)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
JSON_FIELDS = st.dictionaries(
    st.sampled_from(
        [
            "traceId",
            "spanId",
            "kind",
            "attributes",
            "events",
            "links",
            "status",
            "startTimeUnixNano",
            "name",
            "key",
            "value",
            "values",
            "body",
            "stringValue",
            "arrayValue",
            "kvlistValue",
            "intValue",
            "doubleValue",
        ]
    ),
    JSON_VALUES
    | st.lists(
        st.fixed_dictionaries(
            {"key": JSON_VALUES},
            optional={
                "value": st.dictionaries(
                    st.sampled_from(
                        ["stringValue", "intValue", "doubleValue", "bytesValue", "arrayValue", "kvlistValue"]
                    ),
                    JSON_VALUES | st.fixed_dictionaries({"values": JSON_VALUES}),
                    max_size=2,
                )
            },
        ),
        max_size=2,
    ),
    max_size=6,
)


@given(st.lists(JSON_FIELDS, max_size=3), JSON_VALUES)
def test_any_json_items_are_read_or_refused_one_by_one(items: list[object], resource: object) -> None:
    traces = {
        "resourceSpans": [{"scopeSpans": [{"spans": items}]}, {"resource": resource, "scopeSpans": resource}]
    }
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": items}]}]}
    with contextlib.suppress(OtlpError):
        batch = read_traces(json.dumps(traces).encode(), JSON)
        assert len(batch.spans) + len(batch.rejects) == batch.n_items == len(items)
    assert read_logs(json.dumps(logs).encode(), JSON).n_items == len(items)


@settings(max_examples=examples(25))
@given(st.lists(SPANS, min_size=1, max_size=3))
def test_protobuf_json_and_gzip_give_the_same_rows(spans: list[Span]) -> None:
    request = make_request(*spans)
    body = request.SerializeToString()
    batch = read_traces(body)
    assert batch.rejects == []
    assert len(batch.spans) == len(spans)
    assert read_traces(to_otlp_json(request), JSON).spans == batch.spans
    assert read_traces(gzip.compress(body), PROTOBUF, "gzip").spans == batch.spans
    alone = [read_traces(make_request(span).SerializeToString()).spans[0] for span in spans]
    assert [row.digest for row in alone] == [row.digest for row in batch.spans]


@given(st.lists(SPANS, min_size=1, max_size=2))
def test_taking_a_body_apart_by_hand_gives_what_the_library_gives(spans: list[Span]) -> None:
    """A span whose bytes are no protobuf forces the slow road; the others must not notice."""
    body = make_request(*spans).SerializeToString()
    bad = (
        make_request(make_span(attributes={"a": "XXXX"}))
        .SerializeToString()
        .replace(b"\x04XXXX", b"\x05XXXX")
    )
    slow = read_traces(body + bad)
    assert slow.spans == read_traces(body).spans
    assert len(slow.rejects) == 1
