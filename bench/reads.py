"""How long a page of the API takes at several numbers of stored traces: it should not grow with them.

    python -m bench.reads [--sizes 10000 100000 1000000] [--requests 60] [--json]

It runs in a folder of its own with its own PostgreSQL. Traces are made in the database (INSERT … SELECT), with the
constraints checked, spread evenly over the last weeks and over three systems, and every table is ANALYZEd at each size.
Questions go through the whole API in this process: token, scope, filters, query, serialiser. A window of one minute
holds as many spans at any size, as it would at a steady rate.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import Any, Final

import psycopg

from bench.server import connect_as_owner, prepare_database
from config import embedded

SYSTEM: Final = "bench"
DOCUMENTS: Final = 500  # in the index; each trace cites one and retrieves another
RATE: Final = 2  # traces a second, of all systems: how far back a given number of them reaches
# One trace in so many cites a quote that is not there: enough to fill a page at any size.
RARE_EVERY: Final = 50
SPANS: Final = 2  # a trace
USERS: Final = 20_000
OFTEN: Final = 4  # one trace in so many is of one user, as a batch job's are
WARM_UP: Final = 5  # requests of each kind before the clock counts

# $1 is the first number of this round, $2 the last. Number n began n/RATE seconds after the epoch of the bench.
_BEGAN: Final = f"(%(epoch)s::timestamptz + make_interval(secs => n / {RATE}.0))"
_TRACE_ID: Final = "md5('trace' || n)::uuid"
_FILL: Final = {
    "evidence_trace": f"""
        INSERT INTO evidence_trace (system_id, trace_id, revision, digest, status, name, root_span_id, environment,
            started_at, ended_at, span_count, question, answer, language, risk_tier, confidence_factors,
            limitations, flags, assembler_version, sealed_at, release_id, user_ids, session_ids, conversation_ids,
            exchanges)
        SELECT (%(systems)s::bigint[])[1 + n %% 3], {_TRACE_ID}, 1, repeat(md5(n::text), 2), 'complete', 'invoke_agent',
            '0000000000000001', 'prod', {_BEGAN}, {_BEGAN} + interval '2 s', {SPANS}, repeat('What is the rate? ', 8),
            repeat('The annual percentage rate is 7.9%%. ', 20), 'en', 'low', '[]', '[]', '[]', 'bench', now(), NULL,
            jsonb_build_array(CASE WHEN n %% {OFTEN} = 0 THEN 'often' ELSE 'user-' || n %% {USERS} END),
            jsonb_build_array('session-' || n / 5), jsonb_build_array('conversation-' || n / 3), '[]'
        FROM generate_series(%(first)s::int, %(last)s::int) AS n""",
    "evidence_span": f"""
        INSERT INTO evidence_span (system_id, batch_id, trace_id, span_id, parent_span_id, name, kind, started_at,
            start_ns, end_ns, status_code, status_message, attributes, events, links, resource, scope, digest,
            received_at)
        SELECT (%(systems)s::bigint[])[1 + n %% 3], 0, {_TRACE_ID}, lpad(step::text, 16, '0'), '', 'chat', 1, {_BEGAN},
            0, 1, 1, '', jsonb_build_object('gen_ai.operation.name', 'chat', 'branch', 'branch-' || n %% 500, 'text',
                repeat(md5(n::text), 12)), '[]', '[]', '{{"service.name": "bench"}}', '{{}}', repeat(md5(n::text), 2),
            now()
        FROM generate_series(%(first)s::int, %(last)s::int) AS n, generate_series(1, {SPANS}) AS step""",
    "evidence_claim": """
        INSERT INTO evidence_claim (trace_id, ordinal, text, start, "end", material, origin, extractor_version)
        SELECT id, 0, 'The annual percentage rate is 7.9%%.', 0, 34, true, 'declared', 'bench'
        FROM evidence_trace WHERE id > %(before)s""",
    "evidence_citation": f"""
        INSERT INTO evidence_citation (claim_id, ordinal, document_ref, document_id, quote, verdict, score, threshold,
            checker_version, inputs_digest)
        SELECT id, 0, 'D', (%(documents)s::bigint[])[1 + id %% {DOCUMENTS}], 'annual percentage rate is 7.9%%',
            CASE WHEN id %% {RARE_EVERY} = 0 THEN 'not_found' ELSE 'verbatim' END, 1, 0.9, 'bench', repeat('0', 64)
        FROM evidence_claim WHERE trace_id > %(before)s""",
    "evidence_tracedocument": f"""
        INSERT INTO evidence_tracedocument (trace_id, digest, cited)
        SELECT id, encode(sha256(convert_to('document ' || 1 + (id + step) %% {DOCUMENTS}, 'UTF8')), 'hex'), step = 0
        FROM evidence_trace, generate_series(0, 1) AS step WHERE id > %(before)s""",
    "evidence_traceversion": """
        INSERT INTO evidence_traceversion (trace_id, slot, version_id)
        SELECT id, 'slot' || step, (%(versions)s::bigint[])[1 + step * 2 + (CASE WHEN n < 5000 THEN 0 ELSE 1 END)]
        FROM (SELECT id, row_number() OVER (ORDER BY id) + %(first)s AS n FROM evidence_trace WHERE id > %(before)s)
            AS numbered, generate_series(0, 1) AS step""",
}  # fmt: skip


def main() -> None:
    """Run the benchmark and print a table, or JSON."""
    options = _read_options()
    folder = Path(tempfile.mkdtemp(prefix="tracebinder-bench-"))
    try:
        with embedded.running(folder, valkey=False):
            prepare_database(folder, SYSTEM)
            result = _measure(folder, sorted(options.sizes), options.requests)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result) if options.json else _format_table(result))


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    sizes = [10_000, 100_000, 1_000_000]
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes, help="stored traces")
    parser.add_argument("--requests", type=int, default=60, help="of each kind at each size (default 60)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _measure(folder: Path, sizes: Sequence[int], n_requests: int) -> dict[str, Any]:
    """Grow the store size by size; return p50 and p95 in milliseconds by question and size, and their ratios."""
    epoch = datetime.now(UTC) - timedelta(seconds=sizes[-1] / RATE)
    figures: dict[str, dict[str, Any]] = {}
    reader = _Reader(folder, epoch)
    seconds, stored = {}, 0
    with connect_as_owner(folder) as connection:
        known = _register(connection, folder)
        for size in sizes:
            started = time.monotonic()
            _fill(connection, first=stored, last=size - 1, epoch=epoch, known=known)
            seconds[str(size)], stored = round(time.monotonic() - started, 1), size
            for name, ask in reader.questions(size, known).items():
                taken = time_requests(ask, n_requests)
                figures.setdefault(name, {})[str(size)] = {
                    "p50_ms": percentile_ms(taken, 0.50),
                    "p95_ms": percentile_ms(taken, 0.95),
                }
    for by_size in figures.values():
        smallest = by_size[str(sizes[0])]
        for one in by_size.values():
            one["p50_ratio"] = round(one["p50_ms"] / smallest["p50_ms"], 2)
            one["p95_ratio"] = round(one["p95_ms"] / smallest["p95_ms"], 2)
    load = round(os.getloadavg()[0], 1)
    return {
        "sizes": sizes, "processors": os.cpu_count(), "load_average_1_minute": load, "fill_seconds": seconds,
        "questions": figures,
    }  # fmt: skip


def _register(connection: psycopg.Connection[Any], folder: Path) -> dict[str, list[int]]:
    """Put two more systems, an index with its documents and four versions on record, as their services leave them."""
    del folder
    rows = connection.execute("SELECT id, owner_id FROM evidence_system").fetchall()
    systems, owner = [rows[0][0]], rows[0][1]
    for key in ("bench-b", "bench-c"):
        systems += _insert(
            connection,
            "INSERT INTO evidence_system (key, name, risk_tier, owner_id, created_at)"
            " VALUES (%s, %s, 'low', %s, now())",
            [key, key, owner],
        )
    artefacts = _insert(
        connection,
        "INSERT INTO evidence_artefact (system_id, kind, key, name, created_at)"
        " SELECT %s, 'index', 'index-' || n, '', now() FROM generate_series(1, 2) AS n",
        [systems[0]],
    )
    versions = _insert(
        connection,
        "INSERT INTO evidence_artefactversion (artefact_id, number, label, digest, digest_basis, metadata, created_at,"
        " created_by) SELECT artefact, step, step::text, encode(sha256(convert_to('version ' || artefact || '/' ||"
        " step, 'UTF8')), 'hex'), 'content', '{}', now(), 'user:bench'"
        " FROM unnest(%s::bigint[]) AS artefact, generate_series(1, 2) AS step ORDER BY 1, 2",
        [artefacts],
    )
    documents = _insert(
        connection,
        "INSERT INTO evidence_sourcedocument (index_version_id, document_id, title, language, digest, text, created_at)"
        " SELECT %s, 'D' || n, 't', 'en', encode(sha256(convert_to('document ' || n, 'UTF8')), 'hex'),"
        " 'document ' || n, now() FROM generate_series(1, %s) AS n",
        [versions[0], DOCUMENTS],
    )
    return {"systems": systems, "versions": versions, "documents": documents}


def _insert(connection: psycopg.Connection[Any], statement: str, values: Sequence[Any]) -> list[int]:
    return [row[0] for row in connection.execute(f"{statement} RETURNING id", values).fetchall()]


def _fill(
    connection: psycopg.Connection[Any],
    *,
    first: int,
    last: int,
    epoch: datetime,
    known: dict[str, list[int]],
) -> None:
    """Add the traces numbered `first` to `last` with all that hangs on them."""
    row = connection.execute("SELECT coalesce(max(id), 0) FROM evidence_trace").fetchone()
    values = {"first": first, "last": last, "epoch": epoch, "before": row[0] if row else 0, **known}
    for statement in _FILL.values():
        connection.execute(statement, values)
    for table in _FILL:
        connection.execute(f"VACUUM ANALYZE {table}")  # as autovacuum would have it after a while


def make_client(folder: Path) -> Any:
    """Return a client of the API in this process, with a token that reads the first system."""
    os.environ.update(
        TRACEBINDER_VAR=str(folder), TRACEBINDER_PROCESS="web", TRACEBINDER_LOG_LEVEL="ERROR",
        DJANGO_SETTINGS_MODULE="config.settings",
    )  # fmt: skip
    (folder / "static").mkdir(exist_ok=True)  # WhiteNoise warns of a missing folder
    import django  # noqa: PLC0415  # its settings read the folder

    django.setup()
    from django.utils import timezone  # noqa: PLC0415
    from rest_framework.test import APIClient  # noqa: PLC0415

    from evidence.access import principal_of_command_line  # noqa: PLC0415
    from evidence.models import Scope, System  # noqa: PLC0415
    from evidence.services.people import tokens  # noqa: PLC0415

    system = System.objects.get(key=SYSTEM)
    issued = tokens.issue_token(
        principal=principal_of_command_line(),
        name="reads",
        owner=system.owner,
        scopes=[Scope.READ],
        systems=[system],
        expires_at=timezone.now() + timedelta(days=1),
    )
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {issued.text}")


class _Reader:
    """Asks the API in this process, as a token of the first system."""

    def __init__(self, folder: Path, epoch: datetime) -> None:
        self._client = make_client(folder)
        self._epoch = epoch

    def questions(self, size: int, known: dict[str, list[int]]) -> dict[str, Callable[[], None]]:
        """Return what is asked at a size, by name."""
        dice = random.Random(size)  # the same questions in every run

        def number() -> int:
            return dice.randrange(size // 3) * 3  # of a trace of the first system

        def document() -> str:
            return sha256(f"document {dice.randrange(DOCUMENTS) + 1}".encode()).hexdigest()

        def window() -> dict[str, str]:
            began = self._epoch + timedelta(seconds=dice.randrange(size // RATE - 60))
            return {"since": began.isoformat(), "until": (began + timedelta(seconds=60)).isoformat()}

        old, new = (self._version_digest(known["versions"][at]) for at in (0, 1))

        def trace_id() -> str:
            return md5(f"trace{number()}".encode(), usedforsecurity=False).hexdigest()

        trace = "traces/{}"
        return {
            "trace by id": lambda: self._get(trace.format(md5(f"trace{number()}".encode()).hexdigest()), {}),
            "newest 50 traces": lambda: self._get("traces", {}),
            "traces citing a document": lambda: self._get("traces", {"document": document()}),
            "traces retrieving a document": lambda: self._get("traces", {"retrieved_document": document()}),
            "traces of a user": lambda: self._get("traces", {"user": f"user-{dice.randrange(USERS)}"}),
            "traces of who asks most": lambda: self._get("traces", {"user": "often"}),
            "traces of nobody": lambda: self._get("traces", {"user": "nobody"}),
            "traces of a session": lambda: self._get("traces", {"session": f"session-{number() // 5}"}),
            "traces of a conversation": lambda: self._get(
                "traces", {"conversation": f"conversation-{number() // 3}"}
            ),
            "trace by its id": lambda: self._get("traces", {"trace_id": trace_id()}),
            "traces by 7 digits of an id": lambda: self._get("traces", {"trace_id": trace_id()[:7]}),
            "traces by 1 digit of an id": lambda: self._get("traces", {"trace_id": trace_id()[:1]}),
            "traces of the newest version": lambda: self._get("traces", {"version": new}),
            "traces of a version long gone": lambda: self._get("traces", {"version": old}),
            "traces with one verdict in fifty": lambda: self._get("traces", {"verdict": "not_found"}),
            "traces by attribute, in a minute": lambda: self._get(
                "traces", {"attribute": f"branch=branch-{dice.randrange(500)}", **window()}
            ),
            "spans by attribute, in a minute": lambda: self._get(
                "spans", {"attribute": f"branch=branch-{dice.randrange(500)}", **window()}
            ),
            "newest 50 claims": lambda: self._get("claims", {}),
            "claims with one verdict in fifty": lambda: self._get("claims", {"verdict": "not_found"}),
        }

    def _version_digest(self, pk: int) -> str:
        from evidence.models import ArtefactVersion  # noqa: PLC0415

        return ArtefactVersion.objects.values_list("digest", flat=True).get(pk=pk)

    def _get(self, path: str, query: dict[str, str]) -> None:
        response = self._client.get(f"/api/v1/{path}", query)
        if response.status_code != 200:
            raise SystemExit(f"{path} {query}: {response.status_code} {response.content[:300]!r}")


def time_requests(ask: Callable[[], None], n_requests: int) -> list[float]:
    """Return how long each request took, in seconds, sorted."""
    taken = []
    for position in range(WARM_UP + n_requests):
        started = time.perf_counter()
        ask()
        if position >= WARM_UP:
            taken.append(time.perf_counter() - started)
    return sorted(taken)


def percentile_ms(sorted_seconds: list[float], share: float) -> float:
    return round(sorted_seconds[min(len(sorted_seconds) - 1, int(len(sorted_seconds) * share))] * 1e3, 2)


def _format_table(result: dict[str, Any]) -> str:
    lines = [f"filled in {result['fill_seconds']} s; load average {result['load_average_1_minute']}"]
    header = "".join(f"{f'{size:,} p50':>16}{'p95 ms':>9}{'ratio':>7}" for size in result["sizes"])
    lines.append(f"{'':<34}{header}")
    for name, by_size in result["questions"].items():
        cells = "".join(
            f"{one['p50_ms']:>16}{one['p95_ms']:>9}{one['p95_ratio']:>7}" for one in by_size.values()
        )
        lines.append(f"{name:<34}{cells}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
