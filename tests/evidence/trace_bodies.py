"""Spans of OTLP/JSON bodies as they would be stored, for tests of what they are taken to mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson

from evidence.otlp.body import unpack_body
from evidence.otlp.decode import decode_traces
from evidence.otlp.limits import Limits
from evidence.otlp.records import SpanRecord

BODIES: Final = Path(__file__).parent / "data" / "traces"
_JSON_COLUMNS: Final = ("attributes", "events", "links", "resource", "scope")


def spans_of(name: str) -> list[dict[str, Any]]:
    """Return the spans of `data/traces/NAME.json` as dicts of their columns."""
    body = (BODIES / f"{name}.json").read_bytes()
    plain = unpack_body(body, content_type="application/json", content_encoding="", limits=Limits())
    return [columns_of(span) for span in decode_traces(plain, Limits()).spans]


def columns_of(span: SpanRecord) -> dict[str, Any]:
    """Return a decoded span as a dict of its columns."""
    columns = span._asdict()
    return {**columns, **{name: orjson.loads(columns[name]) for name in _JSON_COLUMNS}}
