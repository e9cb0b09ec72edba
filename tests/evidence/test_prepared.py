"""What goes by a prepared statement does what it does otherwise, and is planned once a connection."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from django.db import NotSupportedError, connection, transaction
from django.db.models import Value
from django.db.models.expressions import DatabaseDefault
from django.forms.models import model_to_dict

from evidence import clock
from evidence.models import AuditPayload, Blob, IngestBatch, Scope, Trace
from evidence.prepared import prepared_cursor
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.evidence.test_array_insert import trace
from tests.factories import World


def ask(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def send(api: Any, headers: dict[str, Any]) -> None:
    body = make_request(make_span(trace_id=secrets.token_bytes(16))).SerializeToString()
    assert api.post("/v1/traces", data=body, content_type=PROTOBUF, **headers).status_code == 200


def planned(text: str = "") -> int:
    return int(ask("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", f"%{text}%")[0][0])


@pytest.mark.django_db
def test_a_saved_row_reads_as_it_was_given(world: World) -> None:
    for row in (trace(world), trace(world, span_ids=[], release=None, flags=[]), trace(world, span_ids=None)):
        row.save()
        stored, given = model_to_dict(Trace.objects.get(pk=row.pk)), model_to_dict(row)
        assert row.xact_id == clock.own_transaction()
        assert not any(isinstance(value, DatabaseDefault) for value in given.values())
        assert stored == given


@pytest.mark.django_db
def test_a_value_that_the_database_works_out_is_stored() -> None:
    Blob.objects.create(digest="ab" * 32, size=Value(3) + Value(4), media_type="text/plain")
    assert Blob.objects.get().size == 7


@pytest.mark.django_db
def test_exports_are_planned_once_however_many_come(api: Any, world: World) -> None:
    headers = world.headers(Scope.INGEST)
    send(api, headers)
    n_planned = planned()
    for _ in range(3):
        send(api, headers)
    assert (
        IngestBatch.objects.count()
        == AuditPayload.objects.filter(event__verb="ingest_batch.stored").count()
        == 4
    )
    assert planned("INSERT INTO evidence_pendingtrace") == 1
    assert planned() == n_planned


@pytest.mark.django_db(transaction=True)
def test_where_a_pooler_knows_no_plans_none_is_kept(api: Any, world: World, settings: Any) -> None:
    settings.DATABASE_PREPARES = False
    headers = world.headers(Scope.INGEST)
    connection.close()
    send(api, headers)
    assert planned() == 0


@pytest.mark.django_db(transaction=True)
def test_a_plan_that_fits_no_more_fails_once() -> None:
    """As when a migration changes a column below a server that goes on."""

    def read() -> list[tuple[Any, ...]]:
        with prepared_cursor() as cursor:
            cursor.execute("SELECT held FROM shifting", [])
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    ask("CREATE TEMPORARY TABLE shifting (held int)")
    assert read() == []
    ask("ALTER TABLE shifting ALTER held TYPE bigint")
    with pytest.raises(NotSupportedError):
        read()
    assert read() == []
    ask("ALTER TABLE shifting ALTER held TYPE text")
    with pytest.raises(NotSupportedError), transaction.atomic():
        read()
    assert read() == []
    ask("DROP TABLE shifting")
