"""Upgrading a filled database of each earlier schema while others write to it: nobody waits, nothing deadlocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors

from tests.evidence.earlier_schema import Database, new_database
from tests.evidence.filled import Filler

EARLIER = ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"]
LONGEST = 1.0  # seconds anybody may wait
# As ingest and assembly write, in one transaction each; the second in another order than the first.
INGEST = ("evidence_ingestbatch", "evidence_span", "evidence_reject", "evidence_auditevent")
ASSEMBLY = (
    "evidence_auditevent",
    "evidence_trace",
    "evidence_claim",
    "evidence_citation",
    "evidence_traceversion",
    "evidence_reject",
)


@dataclass
class Writer:
    """Writes one transaction after another, as servers do that are upgraded meanwhile."""

    database: Database
    tables: tuple[str, ...]
    longest: float = 0.0  # seconds
    written: int = 0
    refused: list[str] = field(default_factory=list)

    def run(self, over: threading.Event) -> None:
        with self.database.connect() as connection:
            filler = Filler(connection)
            while not over.is_set():
                try:
                    with connection.transaction():
                        for table in self.tables:
                            self._write(filler, table)
                    self.written += 1
                except errors.UniqueViolation:
                    continue  # two writers took the same trace for the newest
                except (errors.UndefinedColumn, errors.NotNullViolation):
                    filler.forget()
                except psycopg.Error as exc:
                    self.refused.append(f"{exc.sqlstate} {exc}")

    def _write(self, filler: Filler, table: str) -> None:
        began = time.monotonic()
        filler.fill(table, 5, salt=uuid4().hex)
        self.longest = max(self.longest, time.monotonic() - began)
        time.sleep(0.01)  # a server computes between two statements, and holds its locks


@contextmanager
def writing(database: Database) -> Iterator[list[Writer]]:
    writers = [Writer(database, tables) for tables in (INGEST, ASSEMBLY, INGEST, ASSEMBLY)]
    over = threading.Event()
    threads = [threading.Thread(target=writer.run, args=[over]) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def upgrade_beside_writers(state: str, traces: int) -> None:
    with new_database(f"tracebinder_upgrade_{state}") as database:
        database.migrate("evidence", state)
        with database.connect() as owner:
            fill(Filler(owner), traces)
        with writing(database) as writers:
            time.sleep(0.5)
            done = database.manage("migrate", "--verbosity", "0")
            time.sleep(0.5)
        assert done.returncode == 0, done.stderr
        assert [refusal for writer in writers for refusal in writer.refused] == []
        assert min(writer.written for writer in writers) > 0
        assert max(writer.longest for writer in writers) < LONGEST
        assert "not ready" not in database.manage("shell", "-c", "import config.wsgi").stderr


def fill(filler: Filler, traces: int) -> None:
    """As many rows as so many traces leave behind."""
    filler.fill("evidence_accesstoken", 1)
    filler.fill("evidence_accesstoken_systems", 1)
    rows = {
        "evidence_ingestbatch": traces, "evidence_span": 5 * traces, "evidence_trace": traces,
        "evidence_claim": 2 * traces, "evidence_citation": 2 * traces, "evidence_traceversion": 1,
        "evidence_auditevent": 2 * traces, "evidence_reject": traces // 10,
    }  # fmt: skip
    for table, count in rows.items():
        filler.fill(table, count, salt="before")
    filler.connection.execute("ANALYZE")


@pytest.mark.usefixtures("django_db_setup")
@pytest.mark.parametrize("state", ["0002"])
def test_an_earlier_schema_is_upgraded_beside_writers(state: str) -> None:
    upgrade_beside_writers(state, traces=2_000)


@pytest.mark.soak
@pytest.mark.usefixtures("django_db_setup")
@pytest.mark.parametrize("state", EARLIER)
def test_every_earlier_schema_is_upgraded_at_two_hundred_thousand_traces(state: str) -> None:
    upgrade_beside_writers(state, traces=200_000)
