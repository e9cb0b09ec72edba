"""What must hold once the senders rest: asked of the tables, not of the code that fills them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from bench.server import REPOSITORY, connect_as_owner, environment_of
from evidence.digests import sha256_hex
from tests.faults.stack import COMES_BACK, Stack, wait_until


class Checks:
    """Checks of one stack's store, with the inspector of its log."""

    def __init__(self, stack: Stack, inspector: subprocess.Popen[str]) -> None:
        self._stack, self._folder = stack, stack.folder
        self._inspector = inspector
        self._seen_bodies: set[str] = set()

    def check_spans(self) -> None:
        """Nothing lost, nothing twice, nothing invented; batches, spans, events and raw bodies agree."""
        with connect_as_owner(self._folder) as connection:
            spans = connection.execute("SELECT trace_id, span_id, batch_id FROM evidence_span").fetchall()
            batches = connection.execute(
                "SELECT id, signal, n_items, n_accepted, n_duplicate, n_rejected, body_digest"
                " FROM evidence_ingestbatch"
            ).fetchall()
            samples = connection.execute("SELECT explanation FROM evidence_evalsample").fetchall()
            events = _object_ids(connection, "ingest_batch.stored")
            rejects = connection.execute("SELECT code, detail FROM evidence_reject").fetchall()
        stored = {(trace_id.hex, span_id) for trace_id, span_id, _ in spans}
        assert len(stored) == len(spans), "a span is stored twice"
        assert self._stack.acknowledged - stored == set(), "an acknowledged span is lost"
        assert stored - self._stack.acknowledged == set(), (
            "a span is stored that nobody was told of, though all were repeated"
        )
        by_batch = Counter(batch_id for *_, batch_id in spans)
        n_events = 0
        for batch_id, signal, n_items, n_accepted, n_duplicate, n_rejected, _ in batches:
            assert n_items == n_accepted + n_duplicate + n_rejected
            if signal == "traces":
                assert by_batch.pop(batch_id, 0) == n_accepted
            else:
                n_events += n_accepted
        assert n_events == len(samples)
        assert Counter(name for (name,) in samples) == Counter(self._stack.acknowledged_events), (
            "events differ"
        )
        assert not by_batch, "spans belong to no batch"
        assert events == Counter(str(batch_id) for batch_id, *_ in batches), "one event for each batch"
        assert rejects == []
        self._check_bodies({digest for *_, digest in batches})

    def check_traces(self) -> None:
        """Every trace is assembled, from all its spans, once for each revision, with its facts and its event."""
        wait_until(
            lambda: not self._pending(), "traces wait for a worker that does not come", seconds=2 * COMES_BACK
        )
        with connect_as_owner(self._folder) as connection:
            counts = connection.execute("SELECT trace_id, count(*) FROM evidence_span GROUP BY trace_id")
            sizes: dict[Any, int] = dict(counts.fetchall())
            rows = connection.execute(
                "SELECT trace_id, revision, digest, span_count, status, id FROM evidence_trace"
                " ORDER BY trace_id, revision"
            ).fetchall()
            events = _object_ids(connection, "trace.sealed")
            facts = connection.execute("SELECT trace_id FROM evidence_tracefacts").fetchall()
        revisions: dict[Any, list[Any]] = defaultdict(list)
        for trace_id, *row in rows:
            revisions[trace_id].append(row)
        assert set(revisions) == set(sizes), "a trace was not assembled"
        for trace_id, found in revisions.items():
            assert [number for number, *_ in found] == list(range(1, len(found) + 1))
            assert len({digest for _, digest, *_ in found}) == len(found), "a revision says nothing new"
            assert found[-1][2:4] == [sizes[trace_id], "complete"], "a span is missing in the last revision"
        assert events == Counter(str(row[-1]) for row in rows), "one event for each revision"
        assert Counter(pk for (pk,) in facts) == Counter(row[-1] for row in rows)

    def decide(self) -> str:
        """Have a gate decided over what is on record now, whatever is being written, and return the outcome."""
        return str(self._ask("decide")["outcome"])

    def check_replays(self) -> int:
        """Each verdict comes out the same again. Returns how many were replayed."""
        report = self._ask("replay")
        assert report["differing"] == []
        return int(report["replayed"])

    def check_log(self) -> int:
        """The log holds, and every event has its leaf. Returns its size."""
        report = self._ask("check")
        assert report["faults"] == []
        assert report["unsequenced"] == 0
        return int(report["leaves"])

    def count_revisions(self) -> tuple[int, int]:
        """Return how many traces are sealed and in how many revisions."""
        with connect_as_owner(self._folder) as connection:
            row = connection.execute(
                "SELECT count(DISTINCT trace_id), count(*) FROM evidence_trace"
            ).fetchone()
        return row or (0, 0)

    def _ask(self, what: str) -> dict[str, Any]:
        assert self._inspector.stdin is not None
        assert self._inspector.stdout is not None
        self._inspector.stdin.write(f"{what}\n")
        self._inspector.stdin.flush()
        answer: dict[str, Any] = json.loads(self._inspector.stdout.readline())
        return answer

    def _pending(self) -> bool:
        self._stack.supervise()
        with connect_as_owner(self._folder) as connection:
            row = connection.execute("SELECT EXISTS (SELECT FROM evidence_pendingtrace)").fetchone()
        return row is not None and bool(row[0])

    def _check_bodies(self, digests: set[str]) -> None:
        for digest in digests - self._seen_bodies:
            assert sha256_hex((self._folder / "blobs" / digest[:2] / digest).read_bytes()) == digest
        self._seen_bodies |= digests


@contextmanager
def checking(stack: Stack) -> Iterator[Checks]:
    """Have the checks of a stack at hand inside the block."""
    inspector = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.inspector"],
        cwd=REPOSITORY,
        env=environment_of(stack.folder, "worker"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with inspector:  # closes its input, which ends it
        yield Checks(stack, inspector)


def _object_ids(connection: psycopg.Connection[Any], verb: str) -> Counter[str]:
    rows = connection.execute("SELECT object_id FROM evidence_auditevent WHERE verb = %s", [verb])
    return Counter(object_id for (object_id,) in rows)
