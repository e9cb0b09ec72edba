"""A request's body without some of its items: the bytes of all others as they were sent.

Items are counted as `decode` counts them. A scope or resource of which every item goes, goes with them, because it
speaks of nobody else. What is left is decoded again and compared with what it should say, so that a body that cannot
be taken apart exactly is never taken apart at all.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import count
from typing import Any, Final

import orjson

from evidence.otlp.body import PlainBody
from evidence.otlp.decode import decode_logs, decode_traces
from evidence.otlp.errors import OtlpError
from evidence.otlp.json_body import LOG_LISTS, SPAN_LISTS
from evidence.otlp.json_text import read_json
from evidence.otlp.limits import Limits
from evidence.otlp.records import EvaluationRecord, RejectRecord, Signal, SpanRecord
from evidence.otlp.wire import LENGTH, read_fields, write_varint

# Whatever was taken once is read again, though the limits may have been lowered since; no value is moved out of it.
NO_LIMITS: Final = Limits(items=2**31, body_bytes=2**40, decoded_bytes=2**40, attribute_bytes=2**40)
Item = SpanRecord | EvaluationRecord | RejectRecord


class Inseparable(Exception):
    """The body without these items would not say exactly what the others say."""


def read_items(body: PlainBody, signal: Signal) -> list[Item]:
    """Return every item of a body that was taken once, in its order.

    Raises:
        OtlpError: the body cannot be read.
    """
    found: list[Item]
    if signal is Signal.TRACES:
        traces = decode_traces(body, NO_LIMITS)
        found = [*traces.spans, *traces.rejects]
    else:
        logs = decode_logs(body, NO_LIMITS)
        found = [*logs.evaluations, *logs.events, *logs.rejects]
    return sorted(found, key=lambda item: item.position)


def without_items(body: PlainBody, signal: Signal, positions: Collection[int]) -> bytes:
    """Return the body without the items at these positions; empty where nothing is left.

    Raises:
        Inseparable: the others cannot be kept exactly as they are.
    """
    kept = [item for item in read_items(body, signal) if item.position not in positions]
    if not kept:
        return b""
    try:
        is_json = body.encoding == "json"
        data = _cut_json(body.data, signal, positions) if is_json else _cut_wire(body.data, positions)
        left = read_items(replace(body, data=data), signal)
    except OtlpError as exc:
        raise Inseparable(str(exc)) from exc
    if [_placed(item, 0) for item in left] != [_placed(item, 0) for item in kept]:
        raise Inseparable("what is left does not say what it said")
    return data


def _placed(item: Item, position: int) -> Item:
    """Return an item as if it stood elsewhere in its request."""
    if isinstance(item, SpanRecord):
        return item._replace(position=position)  # noqa: SLF001  # a NamedTuple's public method
    return replace(item, position=position)


def _cut_wire(data: bytes, positions: Collection[int]) -> bytes:
    """Copy protobuf field by field, leaving items out; resources, scopes and items are the fields 1, 2 and 2."""
    return _cut_level(data, (1, 2, 2), count(), positions)


def _cut_level(
    data: bytes, path: tuple[int, ...], places: Iterator[int], positions: Collection[int]
) -> bytes:
    kept = []
    for number, kind, whole, content in read_fields(data):
        if (number, kind) != (path[0], LENGTH):
            kept.append(whole)
        elif len(path) == 1:
            if next(places) not in positions:
                kept.append(whole)
        else:
            inner = _cut_level(content, path[1:], places, positions)
            if inner == content:
                kept.append(whole)
            elif any(field[:2] == (path[1], LENGTH) for field in read_fields(inner)):
                kept.append(write_varint(number << 3 | LENGTH) + write_varint(len(inner)) + inner)
    return b"".join(kept)


def _cut_json(data: bytes, signal: Signal, positions: Collection[int]) -> bytes:
    read = read_json(data)
    document = dict(read.document)
    names = SPAN_LISTS if signal is Signal.TRACES else LOG_LISTS
    _cut_lists(document, names, count(), positions)
    try:
        if read.slow_text is not None:
            return json.dumps(document).encode()  # writes lone surrogates
        return orjson.dumps(document)
    except (TypeError, RecursionError) as exc:  # nested deeper than they write
        raise Inseparable("its JSON cannot be written again") from exc


def _cut_lists(
    holder: dict[str, Any], names: tuple[str, ...], places: Iterator[int], positions: Collection[int]
) -> bool:
    """Leave items out of a JSON object, and the objects that held nothing else; returns whether any are left."""
    listed = holder.get(names[0]) or []
    before = len(listed)
    if len(names) == 1:
        kept = [item for item in listed if next(places) not in positions]
    else:
        kept = [inner for inner in listed if _cut_lists(inner, names[1:], places, positions)]
    if before:
        holder[names[0]] = kept
    return bool(kept) or not before
