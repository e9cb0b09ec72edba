"""Rows that go into their table as arrays are the rows that would have gone one by one."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.db.models.expressions import DatabaseDefault
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from evidence import clock
from evidence.array_insert import insert_as_arrays
from evidence.models import AuditEvent, Retrieval, Scope, ToolCall, Trace, TraceFacts
from tests.evidence.subjects import MINE, OTHER, SECRET, THEIRS, send, span_of
from tests.factories import World

pytestmark = pytest.mark.django_db


def trace(world: World, **over: Any) -> Trace:
    moment = clock.now()
    return Trace(
        **{
            "system": world.system, "trace_id": uuid.uuid4(), "revision": 1, "digest": "ab" * 32,
            "span_ids": ["00" * 8, "01" * 8], "span_count": 2, "status": "complete",
            "name": 'a "name", {with} \\ and \n', "question": "多少?", "risk_tier": "high",
            "started_at": moment, "ended_at": moment, "sealed_at": moment, "release": world.release,
            "flags": [{"code": "x", "detail": 'y "z"'}], "assembler_version": "1", **over,
        }
    )  # fmt: skip


def test_what_was_inserted_reads_as_it_was_given(world: World) -> None:
    rows = [
        trace(world),
        trace(world, span_ids=[], release=None, flags=[]),
        trace(world, span_ids=None),
        trace(world, span_ids=['a"b', "c\\d", "e,f", "NULL"]),
    ]
    insert_as_arrays(rows)
    assert all(row.xact_id for row in rows)
    for row in rows:
        stored, given = model_to_dict(Trace.objects.get(pk=row.pk)), model_to_dict(row)
        left_out = {name for name, value in given.items() if isinstance(value, DatabaseDefault)}
        assert {name: value for name, value in stored.items() if name not in left_out} == {
            name: value for name, value in given.items() if name not in left_out
        }


def test_rows_beside_a_trace_read_as_they_were_given(world: World) -> None:
    one = trace(world)
    insert_as_arrays([one])
    given = {"trace": one, "span_id": "00" * 8}
    said = 'a "word", {NULL} \\" and \n 多'
    calls = [
        ToolCall(**given, tool=said, arguments={"q": said, "n": [1, 2.5, None]}, result="NULL", call_id=""),
        ToolCall(**given, tool="NULL", arguments=None, result=[], error=said),
        ToolCall(**given, tool="t", arguments=False, result=0, source={"attribute": "x", "rule": "stated"}),
    ]
    found = [
        Retrieval(**given, query=said, rank=rank, score=score, document_ref="D-1", text=text)
        for rank, (score, text) in enumerate([(0.25, said), (3, None), (None, "")])
    ]
    for rows in (calls, found):
        insert_as_arrays(rows)
        for row in rows:
            assert model_to_dict(type(row).objects.get(pk=row.pk)) == model_to_dict(row)
            assert row.xact_id


def test_a_row_whose_key_is_its_traces_keeps_it(world: World) -> None:
    traces = [trace(world), trace(world)]
    insert_as_arrays(traces)
    counts = [field.attname for field in TraceFacts._meta.concrete_fields if field.attname.startswith("n_")]
    flags = [field.attname for field in TraceFacts._meta.concrete_fields if field.attname.startswith("has_")]
    facts = [
        TraceFacts(trace=one, **dict.fromkeys(counts, number), **dict.fromkeys(flags, number == 1))
        for number, one in enumerate(traces)
    ]
    insert_as_arrays(facts)
    assert [row.pk for row in facts] == [one.pk for one in traces]
    for row in facts:
        assert model_to_dict(TraceFacts.objects.get(pk=row.pk)) == model_to_dict(row)


def test_a_text_that_is_too_long_is_refused_and_not_cut(world: World) -> None:
    with pytest.raises(DataError, match="too long"), transaction.atomic():
        insert_as_arrays([trace(world), trace(world, environment="x" * 101)])
    assert not Trace.objects.exists()
    with pytest.raises(DataError, match="too long"), transaction.atomic():
        insert_as_arrays([trace(world, span_ids=["x" * 17])])


def test_nothing_is_inserted_of_nothing() -> None:
    insert_as_arrays([])
    assert not AuditEvent.objects.filter(verb="x").exists()


def test_a_batch_of_traces_is_sealed_with_arrays_however_many_it_has(world: World) -> None:
    """A placeholder for each value cost a third of what assembly takes."""
    world.token(Scope.INGEST)
    with CaptureQueriesContext(connection) as queries:
        send(span_of(MINE, SECRET), span_of(OTHER, THEIRS))
    into = [query["sql"] for query in queries if query["sql"].startswith("INSERT INTO")]
    of_sealing = [sql for sql in into if "evidence_trace" in sql or "trace.sealed" in sql]
    assert len(of_sealing) >= 3  # traces, facts, events
    assert [sql[:60] for sql in of_sealing if "UNNEST" not in sql] == []
