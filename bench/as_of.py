"""What it costs to read and write rows by what had been committed, beside the designs that were rejected.

    python -m bench.as_of [--traces 1000000] [--rounds 5] [--json]

In a folder of its own with its own PostgreSQL: traces with their audit events and log leaves, made in the database.
The question is that of an assessment, over all of them: how many current traces were on record, by

- time: `sealed_at` alone, as it was and as it is wrong: the baseline of the same run
- moment: the time and the snapshot of a moment, three transactions still running (docs/decisions/0017-one-clock.md)
- horizon: the time and one number, the oldest transaction that was open
- log: the time and the place of the row's event in the log

And what a row costs to write with its transaction's number and without.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

import psycopg

from bench.server import connect_as_owner, prepare_database
from config import embedded

SYSTEM: Final = "bench"
WRITTEN: Final = 200_000  # rows, to tell what writing costs
_FILL: Final = """
INSERT INTO evidence_trace (system_id, trace_id, revision, digest, status, name, root_span_id, environment, started_at,
    ended_at, span_count, question, answer, language, risk_tier, confidence_factors, limitations, flags,
    assembler_version, sealed_at, xact_id)
SELECT (SELECT min(id) FROM evidence_system), md5('trace' || n)::uuid, 1, repeat(md5(n::text), 2), 'complete',
    'invoke_agent', '0000000000000001', 'prod', now(), now(), 1, 'q', repeat('a', 200), 'en', 'low', '[]', '[]', '[]',
    'bench', now(), n
FROM generate_series(1, %(traces)s::int) AS n;
INSERT INTO evidence_auditevent (event_uuid, system_id, actor, verb, object_type, object_id, object_digest,
    payload_commitment, entry, occurred_at)
SELECT md5('event' || id)::uuid, system_id, 'system:assembler', 'trace.sealed', 'evidence.Trace', id::text, digest, '',
    '\\x00', sealed_at
FROM evidence_trace;
INSERT INTO evidence_leaf (seq, event_id, stream, stream_seq, leaf_hash)
SELECT row_number() OVER (ORDER BY id) + coalesce((SELECT max(seq) FROM evidence_leaf), 0), id, 'bench', id, '\\x00'
FROM evidence_auditevent WHERE verb = 'trace.sealed'
"""
_COUNT: Final = """
SELECT count(*) FROM evidence_trace t WHERE t.sealed_at <= now() AND {known_t} AND NOT EXISTS (
    SELECT FROM evidence_trace newer WHERE newer.system_id = t.system_id AND newer.trace_id = t.trace_id
        AND newer.revision > t.revision AND newer.sealed_at <= now() AND {known_newer})
"""
_DESIGNS: Final = {
    "time": "true",
    "moment": "({row}.xact_id IS NULL OR ({row}.xact_id < {last} AND NOT {row}.xact_id IN (11, 222, 3333)))",
    "horizon": "({row}.xact_id IS NULL OR {row}.xact_id < {last})",
    "log": (
        "EXISTS (SELECT FROM evidence_auditevent e JOIN evidence_leaf l ON l.event_id = e.id WHERE e.object_type = "
        "'evidence.Trace' AND e.object_id = {row}.id::text AND l.seq < {last})"
    ),
}


def main() -> None:
    """Run the benchmark and print a table, or JSON."""
    options = _read_options()
    folder = Path(tempfile.mkdtemp(prefix="tracebinder-bench-"))
    try:
        with embedded.running(folder, valkey=False):
            prepare_database(folder, SYSTEM)
            with connect_as_owner(folder) as connection:
                result = _measure(connection, options.traces, options.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    shown = (
        json.dumps(result)
        if options.json
        else "\n".join(f"{key:28} {value}" for key, value in result.items())
    )
    print(shown)


def _measure(connection: psycopg.Connection[Any], traces: int, rounds: int) -> dict[str, Any]:
    connection.autocommit = True
    for statement in (_FILL % {"traces": traces}).split(";"):
        connection.execute(statement)
    connection.execute("VACUUM ANALYZE")
    seconds: dict[str, list[float]] = {design: [] for design in _DESIGNS}
    for _ in range(rounds):
        for design in _DESIGNS:
            seconds[design].append(_time(connection, _question(design, traces)))
    base = median(seconds["time"])
    result: dict[str, Any] = {"traces": traces, "rounds": rounds, "by time, seconds": round(base, 3)}
    result |= {f"by {name}, times that": round(median(each) / base, 2) for name, each in seconds.items()}
    return result | _measure_writing(connection, rounds)


def _question(design: str, last: int) -> str:
    known = {f"known_{row}": _DESIGNS[design].format(row=row, last=last * 2) for row in ("t", "newer")}
    return _COUNT.format(**known)


def _measure_writing(connection: psycopg.Connection[Any], rounds: int) -> dict[str, Any]:
    """Insert rows of a span's size with the transaction's number and without, in turn."""
    connection.execute("CREATE TABLE with_number (LIKE evidence_span INCLUDING DEFAULTS)")
    connection.execute("CREATE TABLE without_number (LIKE evidence_span INCLUDING DEFAULTS)")
    connection.execute("ALTER TABLE without_number DROP COLUMN xact_id")
    seconds: dict[str, list[float]] = {"with_number": [], "without_number": []}
    for _ in range(rounds):
        for table, taken in seconds.items():
            taken.append(_time(connection, _insert(table)))
            connection.execute(f"TRUNCATE {table}")
    ratio = median(seconds["with_number"]) / median(seconds["without_number"])
    return {"writing with the number, times": round(ratio, 3)}


def _insert(table: str) -> str:
    return f"""
        INSERT INTO {table} (id, system_id, batch_id, trace_id, span_id, parent_span_id, name, kind, started_at,
            start_ns, end_ns, status_code, status_message, attributes, events, links, resource, scope, digest,
            received_at)
        SELECT n, 1, 0, md5('trace' || n)::uuid, lpad(n::text, 16, '0'), '', 'chat', 1, now(), 0, 1, 1, '',
            '{{"gen_ai.operation.name": "chat"}}', '[]', '[]', '{{}}', '{{}}', repeat(md5(n::text), 2), now()
        FROM generate_series(1, {WRITTEN}) AS n
    """  # of this module's own names


def _time(connection: psycopg.Connection[Any], statement: str) -> float:
    began = time.perf_counter()
    connection.execute(statement)
    return time.perf_counter() - began


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--traces", type=int, default=1_000_000, help="traces to judge (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="of each question, in turn (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
