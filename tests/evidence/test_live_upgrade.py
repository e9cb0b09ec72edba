"""Upgrading a filled database of each earlier schema while others write to it: nobody waits, nothing deadlocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from psycopg import errors

from tests import kept_database
from tests.evidence.earlier_schema import Database, new_database
from tests.evidence.filled import Filler

MIGRATIONS = Path(apps.get_app_config("evidence").path) / "migrations"
EARLIER = [path.name[:4] for path in sorted(MIGRATIONS.glob("[0-9]*.py"))][:-1]
LONGEST = 1.0  # seconds anybody may wait
HELD = (
    1.6  # more than LONGEST: seconds somebody's transaction is in the way of the first change that meets it
)
HELD_LATER = 0.6  # seconds it is in the way of each index after that; longer than `migrate` waits for a table
# As ingest and assembly write, in one transaction each, the second in another order than the first; then what decides.
INGEST = (
    "evidence_ingestbatch",
    "evidence_pendingtrace",
    "evidence_span",
    "evidence_reject",
    "evidence_auditevent",
)
ASSEMBLY = (
    "evidence_auditevent",
    "evidence_trace",
    "evidence_claim",
    "evidence_citation",
    "evidence_traceversion",
    "evidence_reject",
)
DECISIONS = ("requirements_assessment", "evidence_gatedecision", "interpret_proberun", "evidence_auditevent")
# Servers of before that name these in full are answered "column does not exist", which is 503 to their senders.
RENAMED = ("confidence",)

MIGRATE_AND_LOOK = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
import config.wsgi  # which says what is not as it should be
"""


@dataclass
class Writer:
    """Writes one transaction after another, with a server's rights, as servers do that are upgraded meanwhile."""

    database: Database
    tables: tuple[str, ...]
    longest: float = 0.0  # seconds
    written: int = 0
    refused: list[str] = field(default_factory=list)

    def run(self, over: threading.Event) -> None:
        with self.database.connect_as(settings.RUNTIME_ROLE) as connection:
            filler = Filler(connection)
            while not over.is_set():
                self._write_once(connection, filler)
            filler.forget()  # and the server that comes after it
            self._write_once(connection, filler)

    def _write_once(self, connection: psycopg.Connection, filler: Filler) -> None:
        try:
            with connection.transaction():
                for table in self.tables:
                    self._write(filler, table)
            self.written += 1
        except errors.UniqueViolation:
            return  # two writers took the same trace for the newest
        except errors.UndefinedColumn as exc:
            if not any(f'"{name}" of relation' in str(exc) for name in RENAMED):
                self.refused.append(f"{exc.sqlstate} {exc}")
            filler.forget()
        except psycopg.Error as exc:
            self.refused.append(f"{exc.sqlstate} {exc}")

    def _write(self, filler: Filler, table: str) -> None:
        began = time.monotonic()
        filler.fill(table, 5, salt=uuid4().hex)
        self.longest = max(self.longest, time.monotonic() - began)
        time.sleep(0.02)  # a server computes between two statements, and holds its locks


def hold(database: Database, over: threading.Event) -> None:
    """Keep transactions open that have written everywhere: the first change waits long, each index for a while."""
    with database.connect() as owner, database.connect_as(settings.RUNTIME_ROLE) as connection:
        filler, seconds = Filler(connection), HELD
        while not over.is_set():
            with suppress(errors.UndefinedColumn), connection.transaction():
                for table in dict.fromkeys(INGEST + ASSEMBLY + DECISIONS):
                    filler.fill(table, 1, salt=uuid4().hex)
                waits = wait_for_somebody(owner, behind=connection.info.backend_pid, over=over)
                over.wait(seconds if seconds == HELD or "CONCURRENTLY" in waits else 0)
                seconds = HELD_LATER
                continue
            filler.forget()


def wait_for_somebody(owner: psycopg.Connection, *, behind: int, over: threading.Event) -> str:
    """Return what somebody executes who waits for this one; empty where it is over before."""
    while not over.wait(0.02):
        waits = owner.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND %s = ANY(pg_blocking_pids(pid))",
            [behind],
        ).fetchone()
        if waits:
            return str(waits[0])
    return ""


@contextmanager
def writing(database: Database) -> Iterator[list[Writer]]:
    writers = [Writer(database, tables) for tables in (INGEST, ASSEMBLY, DECISIONS, INGEST, ASSEMBLY)]
    over = threading.Event()
    threads = [threading.Thread(target=writer.run, args=[over]) for writer in writers]
    threads.append(threading.Thread(target=hold, args=[database, over]))
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def upgrade_beside_writers(states: Mapping[str, str], traces: int, kept: str = "") -> None:
    """Upgrade from a state of each app; `kept` names a database that is there already."""
    with new_database(f"tracebinder_upgrade_{states['evidence']}", kept) as database:
        if not kept:
            database.migrate_each(states)
        with database.connect() as owner:
            fill(Filler(owner), traces)
        with writing(database) as writers:
            time.sleep(0.5)
            done = database.manage("shell", "--verbosity", "0", "-c", MIGRATE_AND_LOOK)
            time.sleep(0.5)
        assert done.returncode == 0, done.stderr
        assert [refusal for writer in writers for refusal in writer.refused] == []
        assert min(writer.written for writer in writers) > 0
        assert max(writer.longest for writer in writers) < LONGEST
        assert "not ready" not in done.stderr


def fill(filler: Filler, traces: int) -> None:
    """As many rows as so many traces leave behind."""
    filler.fill("evidence_accesstoken", 1)
    filler.fill("evidence_accesstoken_systems", 1)
    rows = {
        "evidence_ingestbatch": traces, "evidence_span": 5 * traces, "evidence_trace": traces,
        "evidence_claim": 2 * traces, "evidence_citation": 2 * traces, "evidence_traceversion": 1,
        "evidence_auditevent": 2 * traces, "evidence_reject": traces // 10, "requirements_assessment": 10,
        "evidence_gatedecision": 10, "interpret_proberun": 10, "evidence_pendingtrace": traces // 100,
        "evidence_blob": traces, "evidence_binder": 1,
    }  # fmt: skip
    for table, count in rows.items():
        filler.fill(table, count, salt="before")
    filler.connection.execute("ANALYZE")


@pytest.mark.usefixtures("django_db_setup")
def test_an_earlier_schema_is_upgraded_beside_writers() -> None:
    """The long one, of `make soak`, upgrades every state."""
    kept = kept_database.EARLIER if settings.DATABASE_IS_EMBEDDED else ""
    upgrade_beside_writers(kept_database.EARLIER_STATES, traces=2_000, kept=kept)


@pytest.mark.soak
@pytest.mark.usefixtures("django_db_setup")
@pytest.mark.parametrize("state", EARLIER)
def test_every_earlier_schema_is_upgraded_at_two_hundred_thousand_traces(state: str) -> None:
    upgrade_beside_writers({"evidence": state, "requirements": "0001", "interpret": "0001"}, traces=200_000)
