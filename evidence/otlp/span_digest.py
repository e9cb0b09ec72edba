"""What a span is digested over: the content of its row, so that whoever has the row, or a binder, can do it again.

Format 2, since 0.1: SHA-256 over the RFC 8785 form of

    {"attributes", "endNs", "events", "kind", "links", "name", "parentSpanId", "resource", "scope", "spanId",
     "startNs", "statusCode", "statusMessage", "traceId"}

as the row and the binder's `traces/spans.jsonl` hold them. Nanoseconds are text, and so is every number of 2^53 or
more, because JSON readers would round it. Format 1 was over the bytes of the protobuf message, which nobody can make
again (docs/decisions/0023-span-digests.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from evidence.digests import (
    canonical_json,
    large_number_as_text,
    sha256_hex,
    write_alike,
    write_at_once,
)
from evidence.otlp.values import dump_json

SPAN_DIGEST_FORMAT: Final = 2
JSON_COLUMNS: Final = ("attributes", "events", "links", "resource", "scope")
_PLAIN_COLUMNS: Final = (
    "trace_id", "span_id", "parent_span_id", "name", "kind", "start_ns", "end_ns", "status_code", "status_message",
)  # fmt: skip
DIGESTED_COLUMNS: Final = (*_PLAIN_COLUMNS, *JSON_COLUMNS)
_REPEATED: Final = (
    2_000  # characters: a text up to here may come again, as the resource of a request's spans does
)


class SpanContent(NamedTuple):
    """A span as it is digested. Ids are lower-case hexadecimal; what is bytes, `carry` returned."""

    trace_id: str
    span_id: str
    parent_span_id: str  # empty: a root
    name: str
    kind: int
    start_ns: int
    end_ns: int
    status_code: int
    status_message: str
    attributes: bytes
    events: bytes
    links: bytes
    resource: bytes
    scope: bytes


def digest_span(span: SpanContent) -> str:
    """Return the digest of a span, in format 2."""
    return sha256_hex(
        b'{"attributes":%b,"endNs":"%d","events":%b,"kind":%d,"links":%b,"name":%b,"parentSpanId":"%b","resource":%b,'
        b'"scope":%b,"spanId":"%b","startNs":"%d","statusCode":%d,"statusMessage":%b,"traceId":"%b"}'
        % (
            span.attributes, span.end_ns, span.events, span.kind, span.links, orjson.dumps(span.name),
            span.parent_span_id.encode(), span.resource, span.scope, span.span_id.encode(), span.start_ns,
            span.status_code, orjson.dumps(span.status_message), span.trace_id.encode(),
        )
    )  # fmt: skip


def digest_row(row: Mapping[str, Any]) -> str:
    """Return the digest of a stored span from its columns, by their names."""
    return digest_span(
        SpanContent(
            row["trace_id"].hex, row["span_id"], row["parent_span_id"], row["name"], row["kind"], row["start_ns"],
            row["end_ns"], row["status_code"], row["status_message"],
            *(carry(row[column]) for column in JSON_COLUMNS),
        )
    )  # fmt: skip


def digest_texts(columns: Sequence[Any]) -> str:
    """Return what `digest_row` does, of the `DIGESTED_COLUMNS` in their order, those of JSON read as text."""
    trace_id, *plain = columns[: len(_PLAIN_COLUMNS)]
    return digest_span(SpanContent(trace_id.hex, *plain, *map(_carry_text, columns[len(_PLAIN_COLUMNS) :])))


def carry(value: object) -> bytes:
    """Return the RFC 8785 bytes of a JSON value, large numbers as text: of one read from a message or from its row."""
    return write_at_once(value) or canonical_json(_with_large_numbers_as_text(value))


def _carry_text(text: str) -> bytes:
    return _carry_again(text) if len(text) <= _REPEATED else _carry_parsed(text)


def _carry_parsed(text: str) -> bytes:
    return write_at_once(orjson.loads(text)) or carry(json.loads(text))


_carry_again = lru_cache(maxsize=1_000)(_carry_parsed)


def dump_and_carry(value: object) -> tuple[bytes, bytes]:
    """Return a JSON value as it is stored and as it is digested: mostly the same bytes, and then written once."""
    alike = write_alike(value)
    return (alike, alike) if alike is not None else (dump_json(value), carry(value))


def _with_large_numbers_as_text(value: object) -> object:
    match value:
        case list():
            return [_with_large_numbers_as_text(member) for member in value]
        case dict():
            return {key: _with_large_numbers_as_text(member) for key, member in value.items()}
        case _:
            return large_number_as_text(value)
