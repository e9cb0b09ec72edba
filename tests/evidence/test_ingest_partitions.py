"""Partitions are made ahead by a role that may make nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, ProgrammingError, connection
from django.db.backends.utils import CursorWrapper
from psycopg.errors import LockNotAvailable

from evidence import clock
from evidence.access import principal_of_token
from evidence.models import AccessToken, Scope, Span
from evidence.services import ingest
from evidence.services.ingest.partitions import ensure_partitions
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.factories import World

NEW_YEAR = date(2041, 12, 24)


def test_months_around_the_day_are_made_once(db: None) -> None:
    months = [date(2041, 11, 1), date(2041, 12, 1), date(2042, 1, 1), date(2042, 2, 1)]
    assert ensure_partitions(today=NEW_YEAR, months_ahead=2).made == months
    assert ensure_partitions(today=NEW_YEAR, months_ahead=2).made == []


def send_span_of_december(world: World) -> None:
    if not AccessToken.objects.exists():
        world.token(Scope.INGEST)
    start = 2_269_468_800_000_000_000  # 2041-12-01
    body = make_request(make_span(start_time_unix_nano=start, end_time_unix_nano=start)).SerializeToString()
    sender = principal_of_token(AccessToken.objects.get())
    ingest.ingest_traces(body=body, content_type=PROTOBUF, content_encoding="", principal=sender)


def rows_of_spans() -> list[dict[str, Any]]:
    return [dict(row) for row in Span.objects.order_by("pk").values()]


def test_spans_that_came_before_their_month_move_into_it_unchanged(world: World) -> None:
    """Or one span dated in a future month would keep that month out of retention, for every system."""
    send_span_of_december(world)
    before = rows_of_spans()
    report = ensure_partitions(today=NEW_YEAR, months_ahead=0)
    assert (report.made, report.moved) == ([date(2041, 11, 1), date(2041, 12, 1)], [date(2041, 12, 1)])
    assert rows_of_spans() == before
    assert table_of_the_span() == "evidence_span_2041_12"
    send_span_of_december(world)  # whoever sends it again is answered as before
    assert rows_of_spans() == before


def test_spans_of_a_month_long_past_get_it_later(world: World) -> None:
    """What an older release left in the default partition, and what a sender's clock dates years back."""
    send_span_of_december(world)
    assert ensure_partitions(today=date(2044, 5, 5), months_ahead=0).moved == [date(2041, 12, 1)]
    assert table_of_the_span() == "evidence_span_2041_12"


@pytest.mark.django_db
def test_a_database_that_goes_away_is_no_table_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(CursorWrapper, "execute", fail)
    with pytest.raises(OperationalError, match="server closed"):
        ensure_partitions(today=date(2041, 1, 1))


def test_a_month_that_somebody_reads_waits_for_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_span_of_december(world)
    before = rows_of_spans()
    execute = CursorWrapper.execute

    def time_out(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        if "make_span_partition" in str(sql):
            raise OperationalError("canceling statement due to lock timeout") from LockNotAvailable()
        return execute(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", time_out)
    report = ensure_partitions(today=NEW_YEAR, months_ahead=0)
    assert (report.made, report.blocked) == ([], [date(2041, 11, 1), date(2041, 12, 1)])
    assert rows_of_spans() == before


def table_of_the_span() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM evidence_span")
        ((table,),) = cursor.fetchall()
    return str(table)


def test_what_is_left_in_the_default_partition_is_append_only_afterwards(world: World) -> None:
    send_span_of_december(world)
    ensure_partitions(today=NEW_YEAR, months_ahead=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgenabled = 'O' AND tgname = 'tracebinder_append_only'"
            " AND tgrelid IN ('evidence_span_default'::regclass, 'evidence_span_2041_12'::regclass)"
        )
        assert cursor.fetchone() == (2,)


def test_command_says_what_it_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    send_span_of_december(world)
    monkeypatch.setattr(clock, "now", lambda: datetime(2041, 12, 24, tzinfo=UTC))
    output, errors = StringIO(), StringIO()
    call_command("make_partitions", stdout=output, stderr=errors)
    assert output.getvalue().split("\n")[:3] == [
        "made 2041-11",
        "made 2041-12, and moved its spans into it",
        "made 2042-01",
    ]
    assert errors.getvalue() == ""
    again = StringIO()
    call_command("make_partitions", stdout=again, stderr=errors)
    assert again.getvalue() == ""


@pytest.mark.parametrize("statement", ["CREATE TABLE mine (id int)", "DROP TABLE evidence_span_default"])
def test_runtime_role_may_not_change_the_schema_itself(db: None, statement: str) -> None:
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute(statement)


def test_new_partition_is_append_only_too(world: World) -> None:
    ensure_partitions(today=NEW_YEAR, months_ahead=0)
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute("UPDATE evidence_span_2041_12 SET name = 'x'")
