"""A store that has been running for a while: traces with all that hangs on them, made in the database.

Constraints are checked and triggers run. Traces are spread evenly over the last weeks and over three systems; every
table is vacuumed and ANALYZEd after each round.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import psycopg

DOCUMENTS: Final = 500  # in the index; each trace cites one and retrieves another
RATE: Final = 2  # traces a second, of all systems: how far back a given number of them reaches
# One trace in so many cites a quote that is not there: enough to fill a page at any size.
RARE_EVERY: Final = 50
SPANS: Final = 2  # a trace
USERS: Final = 20_000
OFTEN: Final = 4  # one trace in so many is of one user, as a batch job's are

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
            repeat('The annual percentage rate is 7.9%%. ', 20), 'en', 'low', '[]', '[]', '[]', 'bench', now(),
            (%(releases)s::bigint[])[1 + n %% 3],
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
FILLED: Final = tuple(_FILL)  # tables


def register(connection: psycopg.Connection[Any]) -> dict[str, list[int]]:
    """Put two more systems, an index with its documents and four versions on record, as their services leave them.

    Traces are of no release. Releases that are added to what is returned are those of the systems in their order, and a
    system without one has traces of none: with one alone, the first system's are of it.
    """
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
    return {"systems": systems, "versions": versions, "documents": documents, "releases": []}


def _insert(connection: psycopg.Connection[Any], statement: str, values: Sequence[Any]) -> list[int]:
    return [row[0] for row in connection.execute(f"{statement} RETURNING id", values).fetchall()]


def fill(
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
