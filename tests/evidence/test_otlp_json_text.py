"""A key that an object of an OTLP/JSON body has twice: the smallest thing it stands in is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.otlp.errors import RejectCode, UndecodableBody
from evidence.otlp.json_text import RepeatedKeys, find_repeated, read_json
from evidence.otlp.records import TraceBatch
from tests.evidence.otlp_bodies import JSON, read_logs, read_traces

TIMES = '"startTimeUnixNano": 1760000000000000000, "endTimeUnixNano": 1760000000000000001'
IDS = f'"traceId": "{"1" * 32}"'


def span(number: int, fields: str) -> str:
    return f'{{{IDS}, "spanId": "{number:016x}", {TIMES}, {fields}}}'


def body_of(*spans: str, resource: str = "{}", scope: str = "{}", group: str = "") -> str:
    scopes = f'{{"scope": {scope}{group}, "spans": [{", ".join(spans)}]}}'
    return f'{{"resourceSpans": [{{"resource": {resource}, "scopeSpans": [{scopes}]}}]}}'


def read(text: str) -> TraceBatch:
    return read_traces(text.encode(), JSON)


GOOD = span(1, '"name": "good"')
TWICE = [
    '"name": "first", "name": "second"',
    '"name": "first", "na\\u006de": "second"',
    '"name" : "first", "name": "second"',
    '"name": "x", "attributes": [{"key": "a", "value": {"stringValue": "first", "stringValue": "second"}}]',
    '"name": "x", "attributes": [{"key": "a", "key": "b", "value": {"intValue": 1}}]',
    '"name": "x", "attributes": [{"key": "a", "value": {"kvlistValue": {"values": [], "values": []}}}]',
    '"name": "x", "events": [{"name": "first", "name": "second"}]',
    '"name": "x", "status": {"code": 2, "code": 1}',
    '"name": "x", "ofANewerVersion": {"a": 1, "a": 2}',
    '"name": "x\\u0022", "flags": 1, "flags": 2',
]


@pytest.mark.parametrize("fields", TWICE)
def test_a_span_with_a_key_twice_is_refused_alone_and_says_which(fields: str) -> None:
    batch = read(body_of(GOOD, span(2, fields)))
    assert [record.name for record in batch.spans] == ["good"]
    (reject,) = batch.rejects
    assert (reject.code, reject.span_id) == (RejectCode.MALFORMED_ITEM, f"{2:016x}")
    assert "twice: send one" in reject.detail


@pytest.mark.parametrize("part", ["resource", "scope"])
def test_what_spans_share_refuses_each_of_them(part: str) -> None:
    shared: dict[str, Any] = {part: '{"attributes": [], "attributes": []}'}
    batch = read(body_of(GOOD, span(2, '"name": "x"'), **shared))
    assert [reject.code for reject in batch.rejects] == [RejectCode.MALFORMED_RESOURCE] * 2
    assert "an object has 'attributes' twice" in batch.rejects[0].detail


def test_above_the_spans_it_refuses_the_request() -> None:
    with pytest.raises(UndecodableBody, match="an object has 'schemaUrl' twice"):
        read(body_of(GOOD, group=', "schemaUrl": "a", "schemaUrl": "b"'))


def test_a_log_record_too() -> None:
    record = '{"eventName": "gen_ai.evaluation.result", "eventName": "other"}'
    batch = read_logs(f'{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{record}]}}]}}]}}'.encode())
    assert [reject.code for reject in batch.rejects] == [RejectCode.MALFORMED_ITEM]


@pytest.mark.parametrize("levels", range(900, 1_030, 3))
def test_nesting_that_can_just_be_read_and_not_be_written_again_is_no_fault_of_ours(levels: int) -> None:
    deep = "[" * levels + "]" * levels
    try:
        batch = read(body_of(f'{{"name": 5, "unknown": {deep}}}'))
    except UndecodableBody:
        return
    assert [reject.code for reject in batch.rejects] == [RejectCode.MALFORMED_ITEM]


def test_text_full_of_quotes_is_no_repetition() -> None:
    inner = json.dumps({"a": json.dumps({"a": ":", "b\\": '"'}), "b": '":'})
    fields = json.dumps({"name": inner, "attributes": [{"key": ":", "value": {"stringValue": inner}}]})[1:-1]
    assert [record.name for record in read(body_of(span(1, fields))).spans] == [inner]
    assert not read_json(body_of(span(1, fields)).encode()).has_repetitions


TEXTS = st.text('ab":\\ \x00é\ud83d', max_size=4)
VALUES = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(TEXTS, inner), max_size=4).map(tuple),
    max_leaves=12,
)


def has_twice(value: Any) -> bool:
    """Whether an object, which is a tuple of pairs here, has a key twice, or one within it does."""
    if isinstance(value, tuple):
        keys = [key for key, _ in value]
        return len(set(keys)) < len(keys) or any(has_twice(inner) for _, inner in value)
    return isinstance(value, list) and any(map(has_twice, value))


def write(value: Any, quote: str, colon: str) -> str:
    if isinstance(value, tuple):
        return (
            "{" + ",".join(f"{write(k, quote, colon)}{colon}{write(v, quote, colon)}" for k, v in value) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(write(inner, quote, colon) for inner in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    return '"' + "".join(quote if each == '"' else json.dumps(each)[1:-1] for each in value) + '"'


@given(VALUES, st.sampled_from(['\\"', "\\u0022"]), st.sampled_from([":", " : ", "\n:\t"]))
def test_a_key_that_stands_twice_is_found_however_it_is_written(value: Any, quote: str, colon: str) -> None:
    found = read_json(write((("only", value),), quote, colon).encode())
    assert found.has_repetitions == has_twice(value)
    assert (find_repeated(found.document) is not None) == has_twice(value)
    if not has_twice(value):
        assert not isinstance(found.document, RepeatedKeys)
