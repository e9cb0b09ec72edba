"""What PostgreSQL cannot hold is kept, escaped so that it can be had back, whichever encoding it came in."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from evidence.otlp.records import SpanRecord
from tests.evidence.otlp_bodies import JSON, SPAN_ID, make_request, make_span, read_traces, to_otlp_json

# Two surrogates that fit together are a character, and no lone ones.
TEXTS = st.text(st.sampled_from("ab\x00\u241b\\0\ud800\udcff\U00100000 "), max_size=8).map(
    lambda text: json.loads(json.dumps(text))
)


def had_back(text: str) -> str:
    """As docs/reference/semantic-conventions.md says."""
    return re.sub("\u241b([0-9A-F]{4})", lambda found: chr(int(found[1], 16)), text)


def original(attributes: dict[str, Any]) -> dict[str, Any]:
    mark = attributes.pop("tracebinder.escaped", None)
    if mark is None:
        return attributes
    escaped = set(mark.get("attributes", ()))
    return {had_back(key): had_back(value) if key in escaped else value for key, value in attributes.items()}


def post_json(attributes: dict[str, str], name: str) -> SpanRecord:
    document = json.loads(to_otlp_json(make_request(make_span())))
    span = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["name"] = name
    span["attributes"] = [{"key": key, "value": {"stringValue": text}} for key, text in attributes.items()]
    batch = read_traces(json.dumps(document).encode(), JSON)
    assert batch.rejects == []
    return batch.spans[0]


@given(st.dictionaries(TEXTS, TEXTS, max_size=4), TEXTS)
def test_any_text_comes_back_as_it_was_sent(attributes: dict[str, str], name: str) -> None:
    row = post_json(attributes, name)
    stored = json.loads(row.attributes)
    fields = stored.get("tracebinder.escaped", {}).get("fields", ())
    assert (had_back(row.name) if "name" in fields else row.name) == name
    assert original(stored) == attributes
    for text in (row.name, row.attributes.decode()):
        assert "\x00" not in text
        assert "\\u0000" not in text.replace("\\\\", "")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "a\x00b"},
        {"attributes": {"a": "x\x00y"}},
        {"attributes": {"a\x00": "x"}},
        {"events": [Span.Event(name="e\x00")]},
        {"trace_state": "a=\x00"},
    ],
)
def test_both_encodings_give_the_same_row(fields: dict[str, Any]) -> None:
    request = make_request(make_span(**fields))
    (row,) = read_traces(request.SerializeToString()).spans
    assert read_traces(to_otlp_json(request), JSON).spans == [row]
    assert "␛0000" in row.name + row.attributes.decode() + row.events.decode()


def test_nul_in_a_scope_is_kept_with_the_scope() -> None:
    request = make_request(make_span())
    request.resource_spans[0].scope_spans[0].scope.name = "a\x00b"
    (row,) = read_traces(request.SerializeToString()).spans
    scope = json.loads(row.scope)
    assert (scope["name"], scope["attributes"]) == ("a␛0000b", {"tracebinder.escaped": {"fields": ["name"]}})


def test_bytes_that_are_not_utf8_are_kept_and_their_neighbours_do_not_notice() -> None:
    bad = make_request(make_span(attributes={"a": "XXXX", "␛": "␛"})).SerializeToString()
    good = make_request(make_span(span_id=b"\x0a" * 8)).SerializeToString()
    batch = read_traces(good + bad.replace(b"XXXX", b"\xff\xfe\xc3X"))
    assert batch.rejects == []
    assert batch.spans[0] == read_traces(good).spans[0]
    assert (batch.spans[1].span_id, json.loads(batch.spans[1].attributes)) == (
        SPAN_ID.hex(),
        {"a": "␛DCFF␛DCFE␛DCC3X", "␛241B": "␛", "tracebinder.escaped": {"attributes": ["a"]}},
    )
    as_json = read_traces(
        to_otlp_json(make_request(make_span(attributes={"a": "XXXX"}))).replace(b"XXXX", b"\xff\xfe\xc3X"),
        JSON,
    )
    assert json.loads(as_json.spans[0].attributes)["a"] == "␛DCFF␛DCFE␛DCC3X"


def test_a_sender_cannot_say_that_something_is_escaped() -> None:
    batch = read_traces(make_request(make_span(attributes={"tracebinder.escaped": "x"})).SerializeToString())
    assert [reject.code for reject in batch.rejects] == ["reserved_key"]
