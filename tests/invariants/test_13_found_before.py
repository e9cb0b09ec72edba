"""Attacks on the log that were found from outside, each with what mended it: taken out, its test fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import models

from evidence import clock
from evidence.erased import ERASED_KEY, ERASED_TEXT
from evidence.models import AuditEvent, Span, Trace
from evidence.models.base import AppendOnlyModel
from evidence.row_schemas import RowSchema, schemas_by_table
from evidence.services import log
from evidence.services.disposal.erasure import erase_trace_payload
from evidence.services.log import check_log
from tests.evidence.test_assembly import assemble, spans_of
from tests.factories import acting, make_world
from tests.invariants.every_table import BOUND
from tests.invariants.owner_attacks import Row, as_owner, rows_in, share_out, switch_triggers_off, try_each
from tests.invariants.test_13_the_log_binds_every_row import (
    bound_under,
    find_faults,
    find_faults_in,
    say_nothing_new,
)


@pytest.fixture
def seal(transactional_db: None) -> Callable[[int], list[Trace]]:
    """A function that makes traces of today's, with claims and citations, each in transactions of its own."""
    del transactional_db
    world = make_world()
    return lambda n: [assemble(world, spans_of(world), trace_id=uuid4()) for _ in range(n)]


def of_before() -> dict[str, RowSchema]:
    """Return the first schema of each table that got columns since, by table."""
    return {table: known[-1] for table, known in schemas_by_table().items() if known[-1].came_later}


def test_what_is_put_into_columns_that_came_after_a_row_was_bound_is_found(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schema it was bound under does not know them, so nothing may stand there."""
    del transactional_db
    world = make_world()
    with monkeypatch.context() as before, bound_under(of_before()):
        say_nothing_new(before)
        for _ in range(6):
            assemble(world, spans_of(world), trace_id=uuid4())
    known, tried, missed = find_faults(), 0, []
    rows = rows_of_before()
    columns = [(model, name) for model in rows for name in of_before()[model._meta.db_table].came_later]
    for attacked in share_out(columns, lambda item: rows[item[0]]):
        with as_owner() as cursor:
            switch_triggers_off(cursor, {item[0] for item, _ in attacked})
            done = [
                (row.number, f"{model._meta.label}.{name}")
                for (model, name), row in attacked
                if try_each(cursor, iter([write_into(model, name, row)]))
            ]
            told = " ".join(find_faults_in({row.number for _, row in attacked}) - known)
        tried += len(done)
        missed += [name for number, name in done if not re.search(rf"transaction {number}\b", told)]
    assert missed == []
    assert tried > 5


def rows_of_before() -> dict[type[AppendOnlyModel], list[Row]]:
    """Return rows that have nothing in the columns that came later, as code of before left them, by table."""
    found = {}
    for model in BOUND:
        schema = of_before().get(model._meta.db_table)
        if schema is None:
            continue
        empty = " AND ".join(f"coalesce(\"{name}\"::text, '') = ''" for name in schema.came_later)
        if rows := rows_in(model._default_manager.extra(where=[empty])):
            found[model] = rows
    return found


def write_into(model: type[AppendOnlyModel], column: str, row: Row) -> str:
    return f'UPDATE {model._meta.db_table} SET "{column}" = {another_text(model, column)} WHERE {row.where}'


def another_text(model: type[AppendOnlyModel], column: str) -> str:
    """Return the SQL for something that says more than nothing in a column of a type."""
    field = next(one for one in model._meta.concrete_fields if one.column == column)
    if isinstance(field, models.JSONField):
        return """'[{"said": "x"}]'"""
    kind = field.get_internal_type()
    return {
        "ArrayField": "'{7}'", "BooleanField": "true", "DateTimeField": "now()", "UUIDField": "gen_random_uuid()",
        "DecimalField": "7", "FloatField": "7", "BinaryField": "'x'::bytea",
    }.get(kind, "7" if "Integer" in kind or "Key" in kind else "'x'")  # fmt: skip


WRITTEN_INTO_ERASED = [
    ("flags", '[{"code": "x", "detail": "[erased]", "said": "another thing"}]'),
    ("flags", '[{"code": "x", "detail": "another thing"}]'),
    ("flags", '[{"said": "another thing"}]'),
    ("flags", '["another thing"]'),
    ("confidence_factors", f'{{"{ERASED_KEY}": true, "said": "another thing"}}'),
    ("limitations", f'{{"{ERASED_KEY}": "another thing"}}'),
]


def test_what_is_written_into_the_form_that_an_erasure_leaves_is_found(
    seal: Callable[[int], list[Trace]],
) -> None:
    """An erased row is bound by its commitment alone: all that may stand there is what an erasure writes."""
    traces = seal(len(WRITTEN_INTO_ERASED))
    for trace in traces:
        erase_trace_payload(
            system=trace.system, trace_id=trace.trace_id, reason="request 1", principal=acting()
        )
        assert Trace.objects.get(pk=trace.pk).answer == ERASED_TEXT
    known = find_faults()
    with as_owner() as cursor:
        cursor.execute("ALTER TABLE evidence_trace DISABLE TRIGGER USER")
        for trace, (column, said) in zip(traces, WRITTEN_INTO_ERASED, strict=True):
            cursor.execute(f"UPDATE evidence_trace SET {column} = %s WHERE id = %s", [said, trace.pk])
        told = find_faults() - known
    named = [
        f"evidence.Trace {trace.pk}: its payload was replaced, and no erasure says so." for trace in traces
    ]
    assert sorted(told) == sorted(named)


def test_a_binding_whose_root_is_none_is_named_and_binds_nothing(seal: Callable[[int], list[Trace]]) -> None:
    roots = ["", "x" * 64, "0" * 65, "0" * 63 + "\n"]
    traces = seal(len(roots))
    log.sequence_events()
    before = set(check_log().faults)
    with as_owner() as cursor:
        cursor.execute("ALTER TABLE evidence_auditevent ALTER object_digest TYPE text")
        cursor.execute("ALTER TABLE evidence_auditevent DISABLE TRIGGER USER")
        for trace, root in zip(traces, roots, strict=True):
            cursor.execute(
                "UPDATE evidence_auditevent SET object_digest = %s WHERE verb = 'rows.bound' AND xact_id = %s",
                [root, trace.xact_id],
            )
            assert cursor.rowcount == 1
        told = set(check_log().faults) - before
    for trace in traces:
        bound = AuditEvent.objects.get(verb="rows.bound", xact_id=trace.xact_id)
        named = f"Event {bound.event_uuid} is of transaction {trace.xact_id} and binds"
        assert [fault for fault in told if named in fault]
        ours = re.compile(rf"No event binds .*: transaction {trace.xact_id}\.")
        assert [fault for fault in told if ours.fullmatch(fault)]


@pytest.mark.usefixtures("filled")
def test_a_time_of_any_row_that_is_no_time_of_ours_is_named() -> None:
    """PostgreSQL's `to_char` says nothing of infinity, as of null, and Python knows no such time."""
    known, missed, tried = find_faults(), [], 0
    rows = {model: rows_in(model._default_manager.all()) for model in BOUND}
    each = [
        (model, column, never)
        for model in BOUND
        for column in times_of(model)
        for never in ("infinity", "-infinity")
    ]
    for attacked in share_out(each, lambda item: rows[item[0]]):
        with as_owner() as cursor:
            switch_triggers_off(cursor, {item[0] for item, _ in attacked})
            done = [
                (row.number, f"{model._meta.label}.{column} {never}")
                for (model, column, never), row in attacked
                if try_each(cursor, iter([set_time(model, row, column, never)]))
            ]
            told = " ".join(find_faults_in({row.number for _, row in attacked}) - known)
        tried += len(done)
        missed += [name for number, name in done if not re.search(rf"transaction {number}\b", told)]
    assert missed == []
    assert tried > 80


def times_of(model: type[models.Model]) -> list[str]:
    return [
        str(field.column) for field in model._meta.concrete_fields if isinstance(field, models.DateTimeField)
    ]


def set_time(model: type[models.Model], row: Row, column: str, time: str) -> str:
    return f"UPDATE {model._meta.db_table} SET \"{column}\" = '{time}' WHERE {row.where}"


def test_a_whole_check_is_not_ended_by_a_time_that_python_does_not_know(
    seal: Callable[[int], list[Trace]],
) -> None:
    nevers = ["infinity", "-infinity"]
    of_events, of_spans = seal(2), seal(2)
    clock.read_moment()
    log.sequence_events()
    before = set(check_log().faults)
    with as_owner() as cursor:
        for never, event, span in zip(nevers, of_events, of_spans, strict=True):
            for statement, key in (
                ("auditevent SET occurred_at = %s WHERE xact_id = %s", event.xact_id),
                ("span SET started_at = %s WHERE trace_id = %s", span.trace_id),
            ):
                table = statement.partition(" ")[0]
                cursor.execute(f"ALTER TABLE evidence_{table} DISABLE TRIGGER USER")
                cursor.execute(f"UPDATE evidence_{statement}", [never, key])
                assert cursor.rowcount
        told = " ".join(set(check_log().faults) - before)
    numbers = [one.xact_id for one in of_events]
    numbers += [Span.objects.filter(trace_id=one.trace_id)[0].xact_id for one in of_spans]
    assert [number for number in numbers if not re.search(rf"transaction {number}\b", told)] == []
