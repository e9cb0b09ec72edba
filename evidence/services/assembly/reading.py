"""The spans of traces, read into memory: never more at once than one trace may have."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection

from evidence.services.assembly.refusals import TraceTooLarge
from evidence.services.assembly.values import find_large_values

_SPAN_COLUMNS: Final = (
    "system_id", "trace_id", "span_id", "parent_span_id", "name", "start_ns", "end_ns", "status_code",
    "status_message", "attributes", "events", "resource", "scope", "digest", "batch_id", "received_at",
)  # fmt: skip
# Not through the model, which takes longer over each row than is taken over what stands in it.
_READ: Final = f"""
    SELECT {", ".join(_SPAN_COLUMNS)} FROM evidence_span WHERE trace_id = ANY(%s) AND system_id = ANY(%s)
"""  # noqa: S608  # our own names
_MEASURE: Final = """
    SELECT s.system_id, s.trace_id, count(*), sum(
        octet_length(s.attributes::text) + octet_length(s.events::text) + octet_length(s.resource::text)
        + octet_length(s.name) + octet_length(s.status_message))
    FROM evidence_span s WHERE s.trace_id = ANY(%s) AND s.system_id = ANY(%s)
    GROUP BY s.system_id, s.trace_id
"""
TraceKey = tuple[int, UUID]
"""A system's primary key and a trace id."""


@dataclass(slots=True)
class ReadTraces:
    """What was read of some traces. One without spans is in none of these."""

    spans: dict[TraceKey, list[dict[str, Any]]] = field(default_factory=dict)
    refused: dict[TraceKey, TraceTooLarge] = field(default_factory=dict)
    left: set[TraceKey] = field(default_factory=set)  # there was no room beside the others

    def allot(self, sizes: Mapping[TraceKey, int]) -> set[TraceKey]:
        """Refuse the traces that are too large, leave those without room, and return the others: one at least."""
        room, taken = settings.TRACE_MAX_BYTES, set()
        for key, n_bytes in sizes.items():
            if n_bytes > settings.TRACE_MAX_BYTES:
                self.refused[key] = TraceTooLarge(
                    f"it has {n_bytes} bytes; TRACEBINDER_TRACE_MAX_BYTES allows {settings.TRACE_MAX_BYTES} bytes"
                )
            elif n_bytes > room:
                self.left.add(key)
            else:
                room -= n_bytes
                taken.add(key)
        return taken


def read_traces(wanted: Sequence[TraceKey], also: frozenset[str] = frozenset()) -> ReadTraces:
    """Return the spans of traces, with values that lie in blobs. What is too large is measured and not read.

    Args:
        also: attributes that are read beside those that always are.
    """
    read = ReadTraces()
    sizes = {}
    for key, (n_spans, n_bytes) in _measure(wanted).items():
        sizes[key] = n_bytes
        if n_spans > settings.TRACE_MAX_SPANS:
            del sizes[key]
            read.refused[key] = TraceTooLarge(
                f"it has {n_spans} spans; TRACEBINDER_TRACE_MAX_SPANS allows {settings.TRACE_MAX_SPANS}"
            )
    spans = _read_spans(read.allot(sizes))
    large = find_large_values((row for rows in spans.values() for row in rows), also)
    taken = read.allot({key: sizes[key] + large.size_of(spans[key]) for key in spans})
    for key in sorted(taken):
        for row in spans[key]:
            row["attributes"] = large.restore(row)
        read.spans[key] = spans[key]
    return read


def _measure(keys: Sequence[TraceKey]) -> dict[TraceKey, tuple[int, int]]:
    """Return how many spans and bytes each trace has, in the order of the keys."""
    with connection.cursor() as cursor:
        cursor.execute(_MEASURE, _columns(keys))
        found = {(system_id, trace_id): (n, int(size)) for system_id, trace_id, n, size in cursor.fetchall()}
    return {key: found[key] for key in keys if key in found}


def _read_spans(keys: Iterable[TraceKey]) -> dict[TraceKey, list[dict[str, Any]]]:
    wanted = set(keys)
    if not wanted:
        return {}
    spans: dict[TraceKey, list[dict[str, Any]]] = defaultdict(list)
    senders = _Parsed()
    with connection.cursor() as cursor:
        cursor.execute(_READ, _columns(wanted))
        for values in cursor.fetchall():
            row = dict(zip(_SPAN_COLUMNS, values, strict=True))
            key = (row["system_id"], row["trace_id"])
            if key in wanted:
                row["attributes"], row["events"] = json.loads(row["attributes"]), json.loads(row["events"])
                row["resource"], row["scope"] = senders[row["resource"]], senders[row["scope"]]
                spans[key].append(row)
    return dict(spans)


class _Parsed(dict[str, Any]):
    """JSON by its text, parsed once: what a sender says of itself and its libraries stands on each of its spans."""

    def __missing__(self, text: str) -> Any:
        self[text] = json.loads(text)
        return self[text]


def _columns(keys: Iterable[TraceKey]) -> tuple[list[UUID], list[int]]:
    listed = list(keys)
    return [trace_id for _, trace_id in listed], sorted({system_id for system_id, _ in listed})
