"""Bodies that real libraries sent, `data/captures/LIBRARY/SCENARIO.json`, as the rows of each of their traces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from evidence.otlp.body import unpack_body
from evidence.otlp.decode import decode_traces
from evidence.otlp.limits import Limits
from tests.evidence.trace_bodies import columns_of

CAPTURES: Final = Path(__file__).parent / "data" / "captures"


def captures() -> list[tuple[str, str]]:
    """Return each library with each of its scenarios."""
    paths = CAPTURES.glob("*/*.json")
    return sorted((path.parent.name, path.stem) for path in paths if not path.name.endswith(".logs.json"))


def traces_of(library: str, scenario: str, folder: Path = CAPTURES) -> list[list[dict[str, Any]]]:
    """Return the spans of each trace, in the order in which the traces began, log events on the spans they name."""
    path = folder / library / f"{scenario}.json"
    plain = unpack_body(
        path.read_bytes(), content_type="application/json", content_encoding="", limits=Limits()
    )
    events = _log_events(path.with_suffix(".logs.json"))
    traces: dict[str, list[dict[str, Any]]] = {}
    for span in sorted(decode_traces(plain, Limits()).spans, key=lambda span: span.start_ns):
        row = columns_of(span)
        row["events"] = [*row["events"], *events.get(span.span_id, [])]
        traces.setdefault(span.trace_id, []).append(row)
    return list(traces.values())


def _log_events(path: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    if not path.exists():
        return found
    for record in _records(orjson.loads(path.read_bytes())):
        attributes = {one["key"]: _value(one.get("value", {})) for one in record.get("attributes", [])}
        name = record.get("eventName") or attributes.get("event.name")
        body = _value(record.get("body", {}))
        told = {**body, **attributes} if isinstance(body, Mapping) else attributes
        found.setdefault(record["spanId"], []).append({"name": name, "attributes": told})
    return found


def _records(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in body["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            yield from scope["logRecords"]


def _value(value: Mapping[str, Any]) -> Any:
    """Return an OTLP value as it is stored."""
    for kind, held in value.items():
        if kind == "arrayValue":
            return [_value(one) for one in held.get("values", [])]
        if kind == "kvlistValue":
            return {one["key"]: _value(one.get("value", {})) for one in held.get("values", [])}
        return int(held) if kind == "intValue" else held
    return None
