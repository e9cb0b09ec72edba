"""Partitions are made ahead by a role that may make nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection

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
    world.token(Scope.INGEST)
    start = 2_269_468_800_000_000_000  # 2041-12-01
    body = make_request(make_span(start_time_unix_nano=start, end_time_unix_nano=start)).SerializeToString()
    sender = principal_of_token(AccessToken.objects.get())
    ingest.ingest_traces(body=body, content_type=PROTOBUF, content_encoding="", principal=sender)


def test_month_with_spans_in_the_default_partition_is_left_there(world: World) -> None:
    send_span_of_december(world)
    report = ensure_partitions(today=NEW_YEAR, months_ahead=0)
    assert (report.made, report.blocked) == ([date(2041, 11, 1)], [date(2041, 12, 1)])
    assert Span.objects.count() == 1


def test_command_says_what_it_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    send_span_of_december(world)
    monkeypatch.setattr(clock, "now", lambda: datetime(2041, 12, 24, tzinfo=UTC))
    output, errors = StringIO(), StringIO()
    call_command("make_partitions", stdout=output, stderr=errors)
    assert output.getvalue().split("\n")[:3] == ["made 2041-11", "made 2042-01", "made 2042-02"]
    assert "2041-12 stays in the default partition" in errors.getvalue()
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
