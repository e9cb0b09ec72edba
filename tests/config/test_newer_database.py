"""A server of before, below which the database was migrated: it goes on, and puts nothing back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from rest_framework.test import APIClient

from evidence.models import Scope
from evidence.table_rules import find_differences
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.factories import World

LATER = """
INSERT INTO django_migrations (app, name, applied) VALUES ('evidence', '0099_later', now());
CREATE TABLE evidence_later (id bigint);
CREATE OR REPLACE FUNCTION tracebinder_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'in other words' USING ERRCODE = 'restrict_violation'; END $$;
CREATE OR REPLACE FUNCTION tracebinder_snapshot(OUT before bigint, OUT running bigint[]) LANGUAGE sql STABLE AS $$
SELECT pg_current_xact_id()::text::bigint + tracebinder_xact_offset(), '{}'::bigint[] $$;
DROP FUNCTION tracebinder_erase_trace(bigint, uuid, text, text);
"""


@pytest.fixture
def migrated(world: World) -> Iterator[World]:
    """The database as the next release leaves it: what it does to its rules, ours call differences."""
    with connection.cursor() as cursor:
        cursor.execute(f"RESET ROLE; {LATER}")
        cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')
    assert len(find_differences("default")) == 3
    yield world
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


def test_it_takes_telemetry_and_says_that_it_is_to_be_replaced(
    migrated: World, api: APIClient, monitor: APIClient
) -> None:
    answer = monitor.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["faults"][0] == (
        "database: it is newer than this server, replace the server by the version that has evidence.0099_later"
    )
    body = make_request(make_span()).SerializeToString()
    sent = api.post("/v1/traces", data=body, content_type=PROTOBUF, **migrated.headers(Scope.INGEST))
    assert sent.status_code == 200


@pytest.mark.usefixtures("migrated")
@pytest.mark.parametrize(
    ("sql", "subject"),
    [
        ("REVOKE INSERT ON evidence_span FROM {runtime}", "evidence_span"),
        ("REVOKE EXECUTE ON FUNCTION tracebinder_xact_id() FROM PUBLIC", "tracebinder_xact_id()"),
        ("ALTER TABLE evidence_waiver RENAME TO evidence_leave", "evidence_waiver"),
    ],
)
def test_it_is_not_ready_where_it_may_no_longer_do_its_work(
    monitor: APIClient, sql: str, subject: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"RESET ROLE; {sql.format(runtime=settings.RUNTIME_ROLE)}")
    answer = monitor.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["faults"][0] == (
        "database: it is newer than this server, replace the server by the version that has evidence.0099_later: "
        f"it can no longer work with {subject}"
    )


@pytest.mark.usefixtures("migrated")
def test_its_migrate_is_refused_and_puts_nothing_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    with pytest.raises(CommandError, match=r"newer than this code, which does not know evidence\.0099_later"):
        call_command("migrate", verbosity=0)
    assert len(find_differences("default")) == 3
