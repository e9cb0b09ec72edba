"""Whole requests that cannot be taken: each gets its status and a sentence that helps."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from backports import zstd

from evidence.otlp import json_body
from evidence.otlp.errors import BodyTooLarge, OtlpError, UndecodableBody, UnsupportedMedia, WrongSignal
from evidence.otlp.limits import Limits
from tests.evidence.otlp_bodies import (
    JSON,
    PROTOBUF,
    make_request,
    make_span,
    read_logs,
    read_traces,
    to_otlp_json,
)

BODY = make_request(make_span()).SerializeToString()
# A frame that asks its reader for more memory than HTTP lets it.
WIDE = zstd.compress(bytes(20_000_000), options={zstd.CompressionParameter.window_log: 24})


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(BODY, mtime=0), gzip.compress(BODY[:40], mtime=0) + gzip.compress(BODY[40:], mtime=0)],
)
def test_gzip_in_one_or_more_members_reads_as_the_plain_body(packed: bytes) -> None:
    assert read_traces(packed, content_encoding="gzip").spans == read_traces(BODY).spans


def test_deflate_as_some_sdks_offer_it() -> None:
    for packed in (zlib.compress(BODY), zlib.compress(BODY, wbits=-15)):  # as HTTP has it, and bare
        assert read_traces(packed, content_encoding="deflate").spans == read_traces(BODY).spans


@pytest.mark.parametrize("packed", [zstd.compress(BODY), zstd.compress(BODY[:40]) + zstd.compress(BODY[40:])])
def test_zstd_as_collectors_offer_it(packed: bytes) -> None:
    assert read_traces(packed, content_encoding="zstd").spans == read_traces(BODY).spans


def test_both_encodings_agree() -> None:
    request = make_request(make_span(attributes={"a": "b"}))
    assert read_traces(request.SerializeToString()).spans == read_traces(to_otlp_json(request), JSON).spans


@pytest.mark.parametrize(
    ("body", "content_type", "content_encoding", "error", "says"),
    [
        (BODY, "text/plain", "", UnsupportedMedia, "text/plain"),
        (BODY, "", "", UnsupportedMedia, "none"),
        (b"{}", "application/json; charset=utf-16", "", UnsupportedMedia, "UTF-8"),
        (BODY, PROTOBUF, "br", UnsupportedMedia, "br"),
        (BODY, PROTOBUF, "gzip", UndecodableBody, "not packed"),
        (b"", PROTOBUF, "gzip", UndecodableBody, "empty"),
        (BODY, PROTOBUF, "zstd", UndecodableBody, "not packed"),
        (b"", PROTOBUF, "zstd", UndecodableBody, "empty"),
        (zstd.compress(BODY)[:-4], PROTOBUF, "zstd", UndecodableBody, "cut short"),
        (zstd.compress(BODY), PROTOBUF, "", UndecodableBody, "Content-Encoding: zstd"),
        (WIDE, PROTOBUF, "zstd", UndecodableBody, "not packed"),
        (gzip.compress(BODY, mtime=0)[:-4], PROTOBUF, "gzip", UndecodableBody, "cut short"),
        (gzip.compress(BODY, mtime=0) + b"tail", PROTOBUF, "gzip", UndecodableBody, "not packed"),
        (gzip.compress(BODY, mtime=0), PROTOBUF, "", UndecodableBody, "Content-Encoding: gzip"),
        (BODY[:-3], PROTOBUF, "", UndecodableBody, "cut short"),
        (b'{"resourceSpans": []}', PROTOBUF, "", UndecodableBody, "Content-Type: application/json"),
        (BODY, JSON, "", UndecodableBody, "not JSON"),
        (b"", JSON, "", UndecodableBody, "empty"),
        (b"", PROTOBUF, "deflate", UndecodableBody, "empty"),
        (BODY, PROTOBUF, "deflate", UndecodableBody, "not packed"),
        (gzip.compress(b"{}", mtime=0), JSON, "", UndecodableBody, "Content-Encoding: gzip"),
        (b"[]", JSON, "", UndecodableBody, "not an object"),
        (b"[" * 100_000, JSON, "", UndecodableBody, "JSON"),
        (b'{"resourceSpans": 7}', JSON, "", UndecodableBody, "resourceSpans"),
        (b'{"resource_spans": []}', JSON, "", UndecodableBody, "lowerCamelCase"),
        (b'{"resourceLogs": []}', JSON, "", WrongSignal, "/v1/logs"),
        (b'{"resourceMetrics": []}', JSON, "", WrongSignal, "OTEL_METRICS_EXPORTER=none"),
    ],
)
def test_request_is_refused(
    body: bytes, content_type: str, content_encoding: str, error: type[OtlpError], says: str
) -> None:
    with pytest.raises(error, match=says):
        read_traces(body, content_type, content_encoding)


def test_statuses() -> None:
    assert [
        error.http_status for error in (UndecodableBody, WrongSignal, BodyTooLarge, UnsupportedMedia)
    ] == [
        400,
        400,
        413,
        415,
    ]


def test_traces_posted_to_logs_are_named() -> None:
    with pytest.raises(WrongSignal, match="/v1/traces"):
        read_logs(b'{"resourceSpans": []}')


SPANS = '{"spans": [{"name": "a"}], "spans": [{"name": "b"}]}'


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"resourceSpans": [{}], "resourceSpans": []}', "resourceSpans"),
        ('{"resourceSpans": [{"scopeSpans": [], "scopeSpans": []}]}', "scopeSpans"),
        (f'{{"resourceSpans": [{{"scopeSpans": [{SPANS}]}}]}}', "spans"),
    ],
)
def test_a_list_that_stands_twice_is_refused_because_one_would_be_lost(text: str, name: str) -> None:
    with pytest.raises(UndecodableBody, match=f"an object has '{name}' twice"):
        read_traces(text.encode(), JSON)


def test_a_value_that_is_the_name_of_a_list_is_none() -> None:
    attribute = '{"key": "spans", "value": {"stringValue": "scopeSpans"}}'
    span = (
        f'{{"traceId": "{"1" * 32}", "spanId": "{"2" * 16}", "name": "spans", "attributes": [{attribute}]}}'
    )
    text = f'{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{span}]}}]}}]}}'
    assert read_traces(text.encode(), JSON).n_items == 1


@pytest.mark.parametrize(
    ("body", "content_encoding", "limits"),
    [
        (BODY, "", Limits(body_bytes=10)),
        (gzip.compress(BODY * 20, mtime=0), "gzip", Limits(decoded_bytes=1_000)),
        (gzip.compress(b"", mtime=0) * 1_001, "gzip", Limits()),
        (gzip.compress(bytes(3_000_000), mtime=0), "gzip", Limits(gzip_ratio_floor_bytes=1_000_000)),
        (zstd.compress(bytes(3_000_000)), "zstd", Limits(gzip_ratio_floor_bytes=1_000_000)),
        (zstd.compress(b"") * 1_001, "zstd", Limits()),
        (BODY * 3, "", Limits(items=2)),
    ],
)
def test_too_much_is_413(body: bytes, content_encoding: str, limits: Limits) -> None:
    with pytest.raises(BodyTooLarge, match=r"smaller batches|pack it in one"):
        read_traces(body, content_encoding=content_encoding, limits=limits)


def test_json_of_too_many_items_is_refused_before_any_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty object is three bytes, and a kilobyte once it is an item: 16 MB of them would be five gigabytes."""
    monkeypatch.setattr(json_body, "_read_item", lambda *_: pytest.fail("an item was made"))
    with pytest.raises(BodyTooLarge, match="more than 2 items"):
        read_traces(
            b'{"resourceSpans": [{"scopeSpans": [{"spans": [{}, {}, {}]}]}]}', JSON, limits=Limits(items=2)
        )


NOTHING_READ = '"resource": {}, "scopeSpans": [], "instrumentationLibrarySpans": [{}]'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'{{"resourceSpans": [{{{NOTHING_READ}}}]}}', "instrumentationLibrarySpans.*written scopeSpans"),
        ('{"resourceSpans": [{"scope_spans": [{"spans": []}]}]}', "scope_spans.*written scopeSpans"),
        ('{"resourceSpans": [{"scopeSpans": [{"Spans": []}]}]}', "scopeSpans: Spans x1"),
        ('{"resourceSpans": [], "resource_spans": []}', "resource_spans.*written resourceSpans"),
    ],
)
def test_json_of_which_nothing_was_understood_is_an_error(text: str, says: str) -> None:
    with pytest.raises(UndecodableBody, match=says):
        read_traces(text.encode(), JSON)


def test_protobuf_of_which_nothing_was_understood_is_an_error() -> None:
    scopes = b"\xc2\x3e\x02\x12\x00"  # field 1000 of a resource's spans, as before OTLP 0.15
    with pytest.raises(UndecodableBody, match="instrumentation_library_spans of OTLP before"):
        read_traces(b"\x0a" + bytes([len(scopes)]) + scopes)


def test_a_part_that_was_not_understood_is_counted() -> None:
    document = json.loads(to_otlp_json(make_request(make_span(), make_span(span_id=b"\x0a" * 8))))
    group = document["resourceSpans"][0]
    group["vendor"] = 1
    for span in group["scopeSpans"][0]["spans"]:
        span["colour"] = "red"
    batch = read_traces(json.dumps(document).encode(), JSON)
    assert (len(batch.spans), batch.unread) == (2, {"resourceSpans: vendor": 1, "spans: colour": 2})


def test_empty_request_is_legal() -> None:
    assert read_traces(b'{"resourceSpans": [{"resource": {}, "scopeSpans": []}]}', JSON).n_items == 0
    assert read_traces(b"").n_items == 0
    assert read_traces(b"{}", JSON).n_items == 0
