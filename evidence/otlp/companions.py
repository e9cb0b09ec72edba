"""Rows beside a span: what was said of it later, and what was logged of it.

A span may be said again with other content: as a snapshot first and finished later, or by a collector that has added to
it. And what a model was asked and answered may come as a log record that names its span. Both are stored as rows of the
span's trace, each under an id made from its own content and with the span as its parent, so that they are digested,
sealed, exported, verified and erased as every row is (docs/decisions/0041-what-is-said-beside-a-span.md).

| row | has in its attributes |
|---|---|
| another version of a span | `tracebinder.version_of`: {"span_id", "parent_span_id"} as they were sent |
| a log event | `tracebinder.log_event`: {"name", ...}, and its body under `tracebinder.log_body` |

A sender cannot write these keys (`evidence.otlp.values`). `evidence.semconv.arrival` puts the rows where they belong.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from evidence.otlp.records import SpanRecord
from evidence.otlp.span_digest import SpanContent, carry, digest_span
from evidence.otlp.values import VERSION_KEY, dump_json

_ID_LENGTH: Final = 16  # hexadecimal characters of a span id


def as_version(span: SpanRecord) -> SpanRecord:
    """Return the row of a span of which another content is stored."""
    attributes = orjson.loads(span.attributes)
    attributes[VERSION_KEY] = {"span_id": span.span_id, "parent_span_id": span.parent_span_id or ""}
    beside = span._replace(  # noqa: SLF001  # a NamedTuple's public method, as below
        parent_span_id=span.span_id, attributes=dump_json(attributes)
    )
    return identified(beside, attributes)


def identified(row: SpanRecord, attributes: dict[str, Any]) -> SpanRecord:
    """Return a row beside a span with its id and its digest, both made from what it says.

    Args:
        attributes: those of the row, which has them as JSON.
    """
    others = (row.events, row.links, row.resource, row.scope)
    events, links, resource, scope = (carry(orjson.loads(text)) for text in others)
    content = SpanContent(
        row.trace_id, "", row.parent_span_id or "", row.name, row.kind, row.start_ns, row.end_ns, row.status_code,
        row.status_message, carry(attributes), events, links, resource, scope,
    )  # fmt: skip
    content = content._replace(span_id=digest_span(content)[:_ID_LENGTH])  # noqa: SLF001
    return row._replace(span_id=content.span_id, digest=digest_span(content))  # noqa: SLF001
