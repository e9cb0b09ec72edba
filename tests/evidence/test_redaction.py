"""What is left of a file, or of a request, without one trace."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import zipfile
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from evidence.otlp.body import PlainBody
from evidence.otlp.records import Signal
from evidence.otlp.remainder import Inseparable, read_items, without_items
from evidence.redaction import Subject, Unredactable, redact
from evidence.unpacking import is_opaque, texts_of
from tests.evidence.otlp_bodies import make_request, make_span, to_otlp_json

MINE = UUID(int=0xA1)
WORDS = 'She said "no" to 7.9% & left\nat once'
SUBJECT = Subject(MINE, [WORDS])


@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_loses_the_object_that_names_the_trace_and_each_text_with_its_words(ascii_only: bool) -> None:
    kept = {"id": "2", "input": "another's", "n": 1.5}
    document = {
        "head": {"note": f"see: {WORDS}!", "n": 12345678901234567890},
        "samples": [{"id": "1", "trace": str(MINE).upper(), "input": "x"}, kept],
        "inner": json.dumps({"deep": WORDS}),
    }
    left = json.loads(redact(json.dumps(document, ensure_ascii=ascii_only).encode(), SUBJECT))
    assert left == {
        "head": {"note": "[erased]", "n": 12345678901234567890},
        "samples": [{"tracebinder.erased": True}, kept],
        "inner": "[erased]",
    }


def test_lines_of_json_are_taken_apart_line_by_line() -> None:
    lines = [b'{"a": "kept  as it is"}\r\n', json.dumps({"a": WORDS}).encode() + b"\n", b'{"b": 2}']
    assert redact(b"".join(lines), SUBJECT) == lines[0] + b'{"a": "[erased]"}\n' + lines[2]


def test_an_archive_is_taken_apart_by_its_members() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples/1.json", json.dumps({"input": WORDS}))
        archive.writestr("samples/2.json", '{"input":  "kept"}')
    assert SUBJECT.is_in(written.getvalue())
    with zipfile.ZipFile(io.BytesIO(redact(written.getvalue(), SUBJECT))) as left:
        assert json.loads(left.read("samples/1.json")) == {"input": "[erased]"}
        assert left.read("samples/2.json") == b'{"input":  "kept"}'


def test_in_xml_the_words_are_overwritten() -> None:
    subject = Subject(MINE, ["fees & more"])
    data = b'<case name="a">fees &amp; more, he said</case>\n<case name="b">kept</case>'
    assert redact(data, subject) == b'<case name="a">[erased], he said</case>\n<case name="b">kept</case>'


@pytest.mark.parametrize("data", [f"<case>{MINE.hex}</case>".encode(), b"PK\x03\x04 " + MINE.hex.encode()])
def test_what_names_the_trace_and_cannot_be_taken_apart_is_refused(data: bytes) -> None:
    with pytest.raises(Unredactable):
        redact(data, SUBJECT)


T, OTHER = MINE.hex, "f" * 31 + "1"
WITH_OTHERS = Subject(MINE, [WORDS], frozenset({OTHER}))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"T": {"input": "John"},  "x": 1}', '{"tracebinder.erased": true,  "x": 1}'),
        ('[{"link": "https://tb/T", "input": "John"}, {"n":1.10}]', '[{"tracebinder.erased": true}, {"n":1.10}]'),
        ('[["T", "John"], ["y", 1e400]]', '[{"tracebinder.erased": true}, ["y", 1e400]]'),
        ('{"ids": ["T", "O"], "n": 0.100000000000005}', '{"ids": ["[erased]", "O"], "n": 0.100000000000005}'),
        ('[{"a": "T"},{"a":1,"a":2}]', '[{"tracebinder.erased": true},{"a":1,"a":2}]'),
        ('{"note": "参见T的回答", "samples": [1]}', '{"note": "[erased]", "samples": [1]}'),
        ('{"note": "compare trace T with ours", "samples": [1]}', '{"note": "[erased]", "samples": [1]}'),
        (
            '{"trace": "T", "input": "John", "next": [{"trace": "O", "input":  "Ann"}]}',
            '{"tracebinder.erased": true, "tracebinder.erased": true, "next": [{"trace": "O", "input":  "Ann"}]}',
        ),
        ('{"T": {"a": "John", "b": {"id": "O"}}}', '{"[erased]": {"tracebinder.erased": true, "b": {"id": "O"}}}'),
        ('\ufeff[{"trace": "T"},\n 2]', '\ufeff[{"tracebinder.erased": true},\n 2]'),
    ],
)  # fmt: skip
def test_only_what_is_the_traces_is_cut_and_all_else_is_copied(text: str, left: str) -> None:
    data = text.replace("T", T).replace("O", OTHER).encode()
    assert redact(data, WITH_OTHERS).decode() == left.replace("O", OTHER)


UNDER_ESCAPES = Subject(MINE, ["我的贷款 😀 O'Brien & 7.9%"])


@pytest.mark.parametrize(
    "data",
    [
        b'[{"a": "\\u6211\\u7684\\u8D37\\u6b3e \\uD83D\\ude00 O\\u0027Brien \\u0026 7.9%"}, 5]',
        json.dumps(json.dumps({"a": "我的贷款 😀 O'Brien & 7.9%"})).join("[]").encode(),
        '["我的贷款 😀 O\'Brien & 7.9%", 5]'.encode("utf-16"),
        "<case>我的贷款 &#128512; O&#x27;Brien &amp; 7.9%</case>".encode(),
        gzip.compress("我的贷款 😀 O'Brien & 7.9%, said in a text".encode(), mtime=0),
        lzma.compress(gzip.compress('["我的贷款 😀 O\'Brien & 7.9%"]'.encode(), mtime=0)),
    ],
    ids=["json", "json in json", "utf-16", "xml", "gzip", "xz of gzip"],
)
def test_words_are_found_and_cut_however_they_are_escaped_or_packed(data: bytes) -> None:
    assert UNDER_ESCAPES.is_in(data)
    left = redact(data, UNDER_ESCAPES)
    assert not UNDER_ESCAPES.is_in(left)
    assert any("[erased]" in text for text in texts_of(left))


def test_a_member_of_an_archive_that_is_named_after_the_trace_goes() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr(f"samples/{MINE}.json", '{"input": "x"}')
        archive.writestr("samples/2.json", '{"input":  "kept"}')
    assert SUBJECT.is_in(written.getvalue())
    with zipfile.ZipFile(io.BytesIO(redact(written.getvalue(), SUBJECT))) as left:
        assert left.namelist() == ["samples/2.json"]


@pytest.mark.parametrize(
    ("data", "opaque"),
    [
        (b"plain", False), (b"", False), ("é".encode("utf-16"), False), (gzip.compress(b"plain", mtime=0), False),
        (b"\x89PNG\r\n\x1a\n\x00", True), (b"PK\x03\x04 broken", True),
        (gzip.compress(b"cut short", mtime=0)[:-9], True),
        (gzip.compress(b"\x00\x01\x02", mtime=0), True), ("é".encode("latin-1"), True),
    ],
    ids=["plain", "empty", "utf-16", "gzip", "png", "broken zip", "cut gzip", "gzip of bytes", "latin-1"],
)  # fmt: skip
def test_what_cannot_be_looked_into_is_opaque(data: bytes, opaque: bool) -> None:
    assert is_opaque(data) is opaque


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | _TEXTS | st.just(MINE.hex),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_TEXTS | st.just(MINE.hex), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(document=_VALUES, indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_any_json_is_read_as_it_is_meant_and_loses_the_trace_and_no_more(
    document: Any, indent: int | None, ascii_only: bool
) -> None:
    kept = {"input": "another's", "n": [document, 1.5]}
    data = json.dumps(
        [{"trace": MINE.hex, "of": document}, {"of": document}, kept], indent=indent, ensure_ascii=ascii_only
    )
    left = redact(data.encode(), SUBJECT)
    assert MINE.hex not in left.decode()
    read = json.loads(left)
    assert read[0] == {"tracebinder.erased": True}
    if MINE.hex not in json.dumps(document):
        assert left.decode().endswith(data[data.index(json.dumps("input")) :])


@given(groups=st.lists(st.lists(st.booleans(), max_size=4), min_size=1, max_size=4), as_json=st.booleans())
def test_a_request_without_some_of_its_spans_holds_the_others_exactly(
    groups: list[list[bool]],
    as_json: bool,
) -> None:
    request, gone, n = ExportTraceServiceRequest(), set(), 0
    for group in groups:
        spans = []
        for is_ours in group:
            spans.append(make_span(span_id=(n + 1).to_bytes(8, "big"), name=f"span {n}."))
            gone |= {n} if is_ours else set()
            n += 1
        request.resource_spans.extend(make_request(*spans).resource_spans)
    body = PlainBody(
        to_otlp_json(request) if as_json else request.SerializeToString(), "json" if as_json else "protobuf"
    )
    kept = [item for item in read_items(body, Signal.TRACES) if item.position not in gone]
    left = without_items(body, Signal.TRACES, gone)
    found = read_items(PlainBody(left, body.encoding), Signal.TRACES) if left else []
    without_place: Any = lambda item: item[1:]  # noqa: E731  # each is a tuple that begins with its place
    assert list(map(without_place, found)) == list(map(without_place, kept))
    assert not any(f"span {place}.".encode() in left for place in gone)


def test_a_refused_item_is_kept_as_it_was_sent() -> None:
    broken = make_span(name="x").SerializeToString().replace(b"\x2a\x01x", b"\x2a\x01\xff")  # no UTF-8
    request = make_request(make_span(), make_span(span_id=b"\x02" * 8, name="x"))
    data = request.SerializeToString().replace(b"\x2a\x01x", b"\x2a\x01\xff")
    body = PlainBody(data, "protobuf")
    left = without_items(body, Signal.TRACES, {0})
    assert broken[40:] in left
    assert len(read_items(PlainBody(left, "protobuf"), Signal.TRACES)) == 1


def test_a_body_that_cannot_be_written_again_is_not_taken_apart() -> None:
    text = to_otlp_json(make_request(make_span(), make_span(span_id=b"\x02" * 8, name="deep")))
    body = PlainBody(text.replace(b'"deep"', b'"deep","x":' + b"[" * 300 + b"]" * 300), "json")
    with pytest.raises(Inseparable):
        without_items(body, Signal.TRACES, {0})
