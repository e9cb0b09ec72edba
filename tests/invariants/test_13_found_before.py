"""Attacks on the log that were found from outside, each with what mended it: taken out, its test fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import models

from evidence import clock
from evidence.erased import ERASED_KEY, ERASED_TEXT
from evidence.models import AuditEvent, Trace
from evidence.models.base import AppendOnlyModel
from evidence.row_schemas import RowSchema, schemas_by_table
from evidence.services import log
from evidence.services.disposal.erasure import erase_trace_payload
from evidence.services.log import check_log
from tests.evidence.test_assembly import assemble, spans_of
from tests.factories import World, acting, make_world
from tests.invariants.every_table import BOUND
from tests.invariants.owner_attacks import as_owner, carry_out, in_rounds, newest
from tests.invariants.test_13_the_log_binds_every_row import bound_under, find_faults, say_nothing_new


@pytest.fixture
def sealed(transactional_db: None) -> Trace:
    """A trace of today's, with claims and citations."""
    del transactional_db
    world = make_world()
    return assemble(world, spans_of(world), trace_id=uuid4())


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
        assemble(world, spans_of(world), trace_id=uuid4())
    known, tried, missed = find_faults(), 0, []
    for model, row, names in rows_of_before():
        for name in names:
            with as_owner() as cursor:
                said = f'UPDATE {model._meta.db_table} SET "{name}" = {another_text(model, name)} WHERE {row}'
                if carry_out(cursor, iter([said]), model):
                    tried += 1
                    missed += [] if find_faults() > known else [f"{model._meta.label}.{name}"]
    assert missed == []
    assert tried > 5


def rows_of_before() -> Iterator[tuple[type[AppendOnlyModel], str, tuple[str, ...]]]:
    """Yield tables with a row that has nothing in the columns that came later, as code of before left it, and those."""
    for model in BOUND:
        schema = of_before().get(model._meta.db_table)
        if schema is None:
            continue
        empty = " AND ".join(f"coalesce(\"{name}\"::text, '') = ''" for name in schema.came_later)
        found = model._default_manager.extra(where=[empty]).order_by("-pk").first()
        if found is not None:
            yield model, f"id = {found.pk}", schema.came_later


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


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("flags", '[{"code": "x", "detail": "[erased]", "said": "another thing"}]'),
        ("flags", '[{"code": "x", "detail": "another thing"}]'),
        ("flags", '[{"said": "another thing"}]'),
        ("flags", '["another thing"]'),
        ("confidence_factors", f'{{"{ERASED_KEY}": true, "said": "another thing"}}'),
        ("limitations", f'{{"{ERASED_KEY}": "another thing"}}'),
    ],
)
def test_what_is_written_into_the_form_that_an_erasure_leaves_is_found(
    sealed: Trace, column: str, said: str
) -> None:
    """An erased row is bound by its commitment alone: all that may stand there is what an erasure writes."""
    erase_trace_payload(
        system=sealed.system, trace_id=sealed.trace_id, reason="request 1", principal=acting()
    )
    assert Trace.objects.get(pk=sealed.pk).answer == ERASED_TEXT
    known = find_faults()
    with as_owner() as cursor:
        cursor.execute("ALTER TABLE evidence_trace DISABLE TRIGGER USER")
        cursor.execute(f"UPDATE evidence_trace SET {column} = %s", [said])
        (told,) = find_faults() - known
    assert told.startswith(f"evidence.Trace {sealed.pk}: its payload was replaced")


@pytest.mark.parametrize(
    "root", ["", "x" * 64, "0" * 65, "0" * 63 + "\n"], ids=["empty", "letters", "long", "line"]
)
def test_a_binding_whose_root_is_none_is_named_and_binds_nothing(sealed: Trace, root: str) -> None:
    log.sequence_events()
    before = set(check_log().faults)
    bound = AuditEvent.objects.get(verb="rows.bound", xact_id=sealed.xact_id)
    with as_owner() as cursor:
        cursor.execute("ALTER TABLE evidence_auditevent ALTER object_digest TYPE text")
        cursor.execute("ALTER TABLE evidence_auditevent DISABLE TRIGGER USER")
        cursor.execute("UPDATE evidence_auditevent SET object_digest = %s WHERE id = %s", [root, bound.pk])
        told = set(check_log().faults) - before
    assert any(
        f"Event {bound.event_uuid} is of transaction {sealed.xact_id} and binds" in fault for fault in told
    )
    assert any(fault.startswith("No event binds") for fault in told)


@pytest.mark.parametrize("never", ["infinity", "-infinity"])
def test_a_time_of_any_row_that_is_no_time_of_ours_is_named(filled: World, never: str) -> None:
    """PostgreSQL's `to_char` says nothing of infinity, as of null, and Python knows no such time."""
    known, missed, tried = find_faults(), [], 0
    rows: dict[type[models.Model], str] = {model: newest(model) for model in BOUND}
    for models_of_round in in_rounds(rows):
        columns = {(model, number): times_of(model) for model, number in models_of_round}
        for place in range(max(map(len, columns.values()))):
            attacked = [
                (one, number, names[place]) for (one, number), names in columns.items() if names[place:]
            ]
            with as_owner() as cursor:
                done = [
                    (number, f"{model._meta.label}.{column}")
                    for model, number, column in attacked
                    if carry_out(cursor, iter([set_time(model, column, never)]), model)
                ]
                told = " ".join(find_faults() - known)
            tried += len(done)
            missed += [name for number, name in done if not re.search(rf"transaction {number}\b", told)]
    assert missed == []
    assert tried > 40


def times_of(model: type[models.Model]) -> list[str]:
    return [
        str(field.column) for field in model._meta.concrete_fields if isinstance(field, models.DateTimeField)
    ]


def set_time(model: type[models.Model], column: str, time: str) -> str:
    return f"UPDATE {model._meta.db_table} SET \"{column}\" = '{time}' WHERE {newest(model)}"


@pytest.mark.parametrize("never", ["infinity", "-infinity"])
@pytest.mark.parametrize(("table", "column"), [("auditevent", "occurred_at"), ("span", "started_at")])
def test_a_whole_check_is_not_ended_by_a_time_that_python_does_not_know(
    sealed: Trace, table: str, column: str, never: str
) -> None:
    clock.read_moment()
    log.sequence_events()
    before = set(check_log().faults)
    with as_owner() as cursor:
        cursor.execute(f"ALTER TABLE evidence_{table} DISABLE TRIGGER USER")
        cursor.execute(
            f"UPDATE evidence_{table} SET {column} = '{never}' "
            f"WHERE xact_id = (SELECT max(xact_id) FROM evidence_{table})"
        )
        assert set(check_log().faults) - before
