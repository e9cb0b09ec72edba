"""What each role may do with each table is put right where it differs, and left alone where it does not."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from evidence.clock_rules import offset_sql
from evidence.models import Scope, Span
from evidence.table_rules import apply_table_rules, find_differences
from tests import factories
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span

SENDERS = 3
MIGRATES = 4

TRIGGER = "CREATE OR REPLACE TRIGGER tracebinder_append_only"
OTHER_CALL = "EXECUTE FUNCTION tracebinder_refuse_all_but_erasure('SELECT 1')"
FUNCTION = "CREATE OR REPLACE FUNCTION tracebinder_refuse_change()"
OFFSET = "CREATE OR REPLACE FUNCTION tracebinder_xact_offset() RETURNS bigint LANGUAGE sql IMMUTABLE"
SNAPSHOT = (
    "CREATE OR REPLACE FUNCTION tracebinder_snapshot(OUT before bigint, OUT running bigint[])"
    " LANGUAGE sql STABLE"
)

SPOILT: dict[str, tuple[str, str]] = {
    "a right is missing": ("REVOKE INSERT ON evidence_trace FROM {runtime}", "evidence_trace"),
    "a right is too many": ("GRANT UPDATE ON evidence_claim TO {runtime}", "evidence_claim"),
    "a right on a column": ("GRANT UPDATE (text) ON evidence_claim TO {runtime}", "evidence_claim"),
    "a right that may be handed on": (
        "GRANT SELECT ON evidence_claim TO {runtime} WITH GRANT OPTION",
        "evidence_claim",
    ),
    "a right of the interpret role": ("GRANT SELECT ON evidence_trace TO {interpret}", "evidence_trace"),
    "the trigger is missing": ("DROP TRIGGER tracebinder_append_only ON evidence_claim", "evidence_claim"),
    "the trigger is off": (
        "ALTER TABLE evidence_claim DISABLE TRIGGER tracebinder_append_only",
        "evidence_claim",
    ),
    "the trigger of a partition is off": (
        "ALTER TABLE evidence_span_default DISABLE TRIGGER tracebinder_append_only",
        "evidence_span",
    ),
    "the trigger guards other columns": (
        f"{TRIGGER} BEFORE UPDATE OR DELETE ON evidence_claim FOR EACH ROW {OTHER_CALL}",
        "evidence_claim",
    ),
    "the trigger sees no deletion": (
        f"{TRIGGER} BEFORE UPDATE ON evidence_checkpoint FOR EACH ROW EXECUTE FUNCTION tracebinder_refuse_change()",
        "evidence_checkpoint",
    ),
    "a function says something else": (
        f"{FUNCTION} RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "tracebinder_refuse_change()",
    ),
    "a function runs as its caller": (
        "ALTER FUNCTION tracebinder_erase_trace(bigint, uuid, text, text) SECURITY INVOKER",
        "tracebinder_erase_trace(bigint, uuid, text, text)",
    ),
    "a function is for everybody": (
        "GRANT EXECUTE ON FUNCTION tracebinder_drop_span_partition(date, text, text) TO PUBLIC",
        "tracebinder_drop_span_partition(date, text, text)",
    ),
    "a probe worker's function is for everybody": (
        "GRANT EXECUTE ON FUNCTION tracebinder_fail_probe_run(bigint, text, text) TO PUBLIC",
        "tracebinder_fail_probe_run(bigint, text, text)",
    ),
    "a probe worker may write events itself": (
        "GRANT EXECUTE ON FUNCTION tracebinder_record_run_event(bigint, text, text) TO {interpret}",
        "tracebinder_record_run_event(bigint, text, text)",
    ),
    "a probe worker reads events": (
        "GRANT SELECT ON evidence_auditevent TO {interpret}",
        "evidence_auditevent",
    ),
    "the trigger that keeps tokens is off": (
        "ALTER TABLE evidence_accesstoken DISABLE TRIGGER tracebinder_keep_token",
        "evidence_accesstoken",
    ),
    "transactions are numbered otherwise": (
        "CREATE OR REPLACE FUNCTION tracebinder_xact_id() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT 1::bigint'",
        "tracebinder_xact_id()",
    ),
    "the offset of transactions is not a number": (
        f"{OFFSET} AS 'SELECT -(random() * 1000)::bigint'",
        "tracebinder_xact_offset()",
    ),
    "a snapshot names nobody who is at work": (
        f"{SNAPSHOT} AS $$SELECT 1::bigint, '{{{{}}}}'::bigint[]$$",
        "tracebinder_snapshot()",
    ),
    "a function that a default calls is for nobody": (
        "REVOKE EXECUTE ON FUNCTION tracebinder_xact_id() FROM PUBLIC",
        "tracebinder_xact_id()",
    ),
    "the list of migrations cannot be read": (
        "REVOKE SELECT ON django_migrations FROM {interpret}",
        "django_migrations",
    ),
}


@pytest.fixture
def as_owner(transactional_db: None) -> Iterator[None]:
    """The connection of the test acts as the owner, as `migrate` does; afterwards the rules are in place again."""
    del transactional_db
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        yield
        apply_table_rules("default")
        cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')


def spoil(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.format(runtime=settings.RUNTIME_ROLE, interpret=settings.INTERPRET_ROLE))


@pytest.mark.usefixtures("as_owner")
def test_where_nothing_differs_nothing_is_executed_but_questions() -> None:
    with CaptureQueriesContext(connection) as asked:
        apply_table_rules("default")
    assert asked.captured_queries
    assert {query["sql"].split()[0] for query in asked.captured_queries} <= {"SELECT", "WITH"}


@pytest.mark.usefixtures("as_owner")
@pytest.mark.parametrize(("sql", "subject"), SPOILT.values(), ids=SPOILT)
def test_what_differs_is_found_named_and_put_right_alone(
    sql: str, subject: str, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(sql)
    assert [found.subject for found in find_differences("default")] == [subject]
    with CaptureQueriesContext(connection) as asked:
        call_command("migrate", verbosity=0)
    assert f"put right: {subject}" in caplog.text
    assert find_differences("default") == []
    changed = [
        query["sql"] for query in asked.captured_queries if query["sql"].startswith(("GRANT", "REVOKE"))
    ]
    assert not [sql for sql in changed if "evidence_leaf" in sql], (
        "a table that was as it should be was touched"
    )


@pytest.mark.usefixtures("as_owner")
def test_an_offset_that_a_restored_dump_was_given_is_no_difference() -> None:
    spoil(offset_sql(7312))
    assert find_differences("default") == []
    spoil(offset_sql(0))


@pytest.mark.usefixtures("as_owner")
def test_an_offset_in_an_older_form_keeps_its_number_when_it_is_put_right() -> None:
    spoil(f"{OFFSET} AS 'SELECT 7312::bigint'")
    apply_table_rules("default")
    assert find_differences("default") == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracebinder_xact_offset()")
        assert cursor.fetchone() == (7312,)
    spoil(offset_sql(0))


@pytest.mark.usefixtures("as_owner")
def test_a_session_that_keeps_plans_follows_an_offset_that_grows() -> None:
    """As the functions of a server do that stays connected while a dump is restored and migrated under it."""
    with connection.cursor() as cursor:
        cursor.execute("PREPARE ahead AS SELECT tracebinder_xact_id() - pg_current_xact_id()::text::bigint")
        try:
            for offset in (0, 7312, 0):
                cursor.execute(offset_sql(offset))
                cursor.execute("EXECUTE ahead")
                assert cursor.fetchone() == (offset,)
        finally:
            cursor.execute("DEALLOCATE ahead")


@pytest.mark.usefixtures("as_owner")
def test_a_migrate_with_nothing_to_do_waits_for_nobody() -> None:
    """Somebody holds every table of ours as tightly as can be: nothing is asked of them."""
    with closing(_another_connection()) as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE evidence_span, evidence_trace, evidence_claim, evidence_ingestbatch")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
        call_command("migrate", verbosity=0)


def test_senders_beside_repeated_migrations_meet_no_error_and_lose_nothing(transactional_db: None) -> None:
    del transactional_db
    headers = factories.make_world().headers(Scope.INGEST)
    over = threading.Event()
    statuses: list[int] = []

    def send() -> None:
        try:
            while not over.is_set():
                span = make_span(trace_id=uuid.uuid4().bytes, span_id=uuid.uuid4().bytes[:8])
                body = make_request(span).SerializeToString()
                client = APIClient(raise_request_exception=False)
                statuses.append(
                    client.post("/v1/traces", data=body, content_type=PROTOBUF, **headers).status_code
                )
        finally:
            connection.close()

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    _migrate_as_owner(lambda: [call_command("migrate", verbosity=0) for _ in range(MIGRATES)])
    over.set()
    for sender in senders:
        sender.join()
    assert set(statuses) == {200}
    assert Span.objects.count() == len(statuses) > SENDERS


def _migrate_as_owner(migrate: Callable[[], object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        try:
            migrate()
        finally:
            cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')


def _another_connection() -> psycopg.Connection:
    return psycopg.connect(**connection.get_connection_params(), autocommit=True)
