"""Which errors of the database pass by themselves, and which would be the same the next time."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, ProgrammingError, connection
from django.db.migrations.recorder import MigrationRecorder

from evidence import database_errors
from evidence.database_errors import passes, state_of
from evidence.models import PendingTrace, Reject, Trace
from evidence.services.assembly import assemble_due_traces
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly_limits import on_poison, poison, set_aside, store_two
from tests.factories import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the tables of these tests had not been made a moment ago."""
    monkeypatch.setattr(database_errors, "SETTLES_AFTER", timedelta(0))


def said(kind: type[Exception], state: str) -> Exception:
    """Return an error as Django raises it for what PostgreSQL said."""
    problem = kind("the database's own words")
    problem.__cause__ = type("Cause", (Exception,), {"sqlstate": state})()
    return problem


def as_owner(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"RESET ROLE; {statement}")


MISSING = [said(ProgrammingError, state) for state in ("42501", "42P01", "42703", "42883")]


@pytest.mark.parametrize("problem", MISSING, ids=state_of)
def test_what_is_missing_in_a_database_of_this_version_is_a_fault_of_ours(problem: Exception) -> None:
    """It was taken for an upgrade, and forgiven for ever."""
    assert not passes(problem)


@pytest.mark.parametrize("problem", MISSING, ids=state_of)
def test_what_is_missing_where_a_migration_is_missing_passes(problem: Exception) -> None:
    as_owner("DELETE FROM django_migrations WHERE app = 'evidence' AND name LIKE '0015%'")
    assert passes(problem)


def test_what_is_missing_for_a_server_older_than_the_database_passes() -> None:
    as_owner("SELECT 1")
    MigrationRecorder(connection).record_applied("evidence", "0999_of_tomorrow")
    assert passes(said(ProgrammingError, "42703"))


def test_migrations_of_an_app_that_is_no_longer_here_are_no_upgrade() -> None:
    as_owner("SELECT 1")
    MigrationRecorder(connection).record_applied("another", "0001_initial")
    assert not passes(said(ProgrammingError, "42703"))


def test_what_failed_before_the_last_migration_ended_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_errors, "SETTLES_AFTER", timedelta(days=1))
    assert passes(said(ProgrammingError, "42703"))


def test_a_right_that_is_still_to_be_granted_passes() -> None:
    as_owner("REVOKE INSERT ON evidence_trace FROM tracebinder_runtime")
    assert passes(said(ProgrammingError, "42501"))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("", True), ("08006", True), ("53100", True), ("53300", True), ("57P01", True), ("55P03", True),
        ("54000", False), ("54001", False), ("54011", False),
    ],
)  # fmt: skip
def test_a_limit_that_what_was_sent_exceeds_does_not_pass(state: str, expected: bool) -> None:
    assert passes(said(OperationalError, state)) is expected


@pytest.mark.parametrize(
    "problem", [said(OperationalError, "54000"), said(OperationalError, "57014"), *MISSING], ids=state_of
)
def test_a_trace_that_sets_off_an_error_that_stays_is_set_aside_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    """The same oldest batch was tried for ever, and no trace was assembled after it."""
    on_poison(monkeypatch, lambda: problem)
    bad, good = store_two(world, poison(world))
    assemble_due_traces(limit=10)
    assert set_aside() == ("assembly_failed", bad.hex)
    assert Trace.objects.get().trace_id == good


def test_traces_wait_for_a_disk_that_is_full(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    on_poison(monkeypatch, lambda: said(OperationalError, "53100"))
    store_spans(world.system, uuid4(), poison(world))
    for _ in range(5):
        with pytest.raises(OperationalError):
            assemble_due_traces(limit=10)
    assert (PendingTrace.objects.get().attempts, Reject.objects.count()) == (0, 0)
