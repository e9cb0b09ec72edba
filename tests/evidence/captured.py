"""Bodies that real libraries sent, `data/captures/LIBRARY/SCENARIO.json`, as the rows of each of their traces."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from evidence.otlp.body import PlainBody, unpack_body
from evidence.otlp.decode import decode_logs, decode_traces
from evidence.otlp.limits import Limits
from evidence.semconv.arrival import settle
from tests.evidence.trace_bodies import columns_of

CAPTURES: Final = Path(__file__).parent / "data" / "captures"


def captures(folder: Path = CAPTURES) -> list[tuple[str, str]]:
    """Return each library with each of its scenarios."""
    paths = folder.glob("*/*.json")
    return sorted((path.parent.name, path.stem) for path in paths if not path.name.endswith(".logs.json"))


def traces_of(library: str, scenario: str, folder: Path = CAPTURES) -> list[list[dict[str, Any]]]:
    """Return the spans of each trace, in the order in which the traces began, log events on the spans they name."""
    path = folder / library / f"{scenario}.json"
    logs = path.with_suffix(".logs.json")
    rows = [*decode_traces(_plain(path), Limits()).spans]
    if logs.exists():
        rows += decode_logs(_plain(logs), Limits()).events
    traces: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row.start_ns):
        traces.setdefault(row.trace_id, []).append(columns_of(row))
    return [[dict(span) for span in settle(rows_of_one).spans] for rows_of_one in traces.values()]


def _plain(path: Path) -> PlainBody:
    return unpack_body(
        path.read_bytes(), content_type="application/json", content_encoding="", limits=Limits()
    )
