"""Invariant 13: each append-only row is in the log by its digest: nobody changes one unnoticed, owner or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final
from uuid import uuid4

import pytest
import rfc8785
from django.apps import apps
from django.conf import settings
from django.db import DataError, IntegrityError, connection
from django.db.models import Model

from evidence.binding_rules import BOUND_VERB, bind_function, binding_functions
from evidence.erasable import columns_that_came
from evidence.erased import ERASED_TEXT
from evidence.models import AuditEvent, Claim, Review, Trace
from evidence.models.base import AppendOnlyModel
from evidence.row_schemas import RowSchema, schema_of, schemas_by_table, with_todays_schemas
from evidence.services.assembly import rows
from evidence.services.disposal.erasure import erase_trace_payload
from evidence.services.log.adoption import adopt_rows, owes_adoption
from evidence.services.log.ended import Listed
from evidence.services.log.rows import check_rows, check_transactions
from tests.evidence.binder_world import fill
from tests.evidence.test_assembly import assemble, spans_of
from tests.factories import World, acting, make_world
from tests.invariants.every_table import BOUND
from tests.invariants.owner_attacks import (
    Row,
    as_owner,
    carry_out,
    change_a_column,
    copy_a_row,
    delete_a_row,
    find_missed,
    newest,
    put_an_older_row_in,
    rows_in,
)

_FEW: Final = 20  # transactions


class Faults(list[str]):
    """What a check of the rows says."""

    def add(self, fault: str) -> None:
        self.append(fault)


def find_faults() -> set[str]:
    """Return what a check of all rows finds now."""
    faults = Faults()
    check_rows(faults)
    return set(faults)


def find_faults_in(numbers: Collection[int]) -> set[str]:
    """Return what a check finds where rows of some transactions were attacked: of a few, it looks at those alone."""
    if not 0 < len(numbers) <= _FEW:
        return find_faults()
    faults = Faults()
    check_transactions(faults, Listed(tuple(numbers)))
    return set(faults)


@pytest.mark.django_db
def test_every_append_only_table_is_bound_and_says_which_event_explains_its_rows() -> None:
    of_the_tree = {
        f"evidence.{name}" for name in ("Leaf", "Tile", "Checkpoint", "Cosignature", "CheckpointTimestamp")
    }
    for model in apps.get_models():
        if not issubclass(model, AppendOnlyModel):
            continue
        path = model.EVENT_PATH
        assert (path is None) == bool(model.NO_EVENT), f"{model._meta.label}: which event explains a row?"
        assert (model in BOUND) != (model._meta.label in of_the_tree)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = 'tracebinder_bind'",
                [model._meta.db_table],
            )
            assert cursor.fetchone() == (("O",) if model in BOUND else None)


def test_the_schemas_on_record_end_with_todays() -> None:
    on_record = {
        table: [one.as_json() for one in reversed(known)] for table, known in schemas_by_table().items()
    }
    assert with_todays_schemas() == on_record, (
        "run `manage.py write_reference`, which adds a schema and drops none"
    )


def test_the_content_of_a_row_is_canonical_json(filled: World) -> None:
    """PostgreSQL writes what RFC 8785 asks for, whatever the text."""
    texts = ['"\\/\b\f\n\r\t\x01\x1f\x7f', "引用的条款 é 🙂 \u2028\ufffd", "<&>'", ""]
    for text in texts:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_json(%s::text)::text", [text])
            assert cursor.fetchone()[0].encode() == rfc8785.dumps(text)
    for model in BOUND:
        row = content_of(model)
        assert rfc8785.dumps(json.loads(row)) == row.encode(), model._meta.label
        assert json.loads(row)["schema"] == schema_of(model).digest


def content_of(model: type[AppendOnlyModel]) -> str:
    """Return what the leaf of a row of a table is over."""
    sql = schema_of(model).leaf_sql("one").removeprefix("sha256('\\x00'::bytea || ").removesuffix(")")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT convert_from({sql}, 'UTF8') FROM {model._meta.db_table} AS one LIMIT 1")
        return str(cursor.fetchone()[0])


def test_what_the_owner_does_to_any_table_is_found(filled: World) -> None:
    """With the triggers off, so that nothing but the log is left to tell."""
    rows: dict[type[Model], list[Row]] = {model: rows_in(model._default_manager.all()) for model in BOUND}
    # Another that binds is named by the ids of both, and not by its transaction.
    rows[AuditEvent] = rows_in(AuditEvent.objects.exclude(verb=BOUND_VERB))
    assert find_missed(rows, find_faults_in) == []


@pytest.mark.parametrize("role", ["tracebinder_owner", settings.RUNTIME_ROLE])
def test_a_row_that_no_service_wrote_is_found_though_the_triggers_bind_it(filled: World, role: str) -> None:
    """Whoever owns the tables is named; whoever acts as the web server left no event that explains the row."""
    written = {}
    for model in BOUND:
        with connection.cursor() as cursor, suppress(IntegrityError, DataError):
            cursor.execute(f'SET ROLE "{role}"')
            cursor.execute(
                f"{copy_a_row(model, newest(model), into='tracebinder_xact_id()')} RETURNING xact_id"
            )
            written[model] = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')
    assert len(written) > 20
    found = " ".join(find_faults())
    explains_itself = role == settings.RUNTIME_ROLE
    missed = [
        model._meta.label
        for model, number in written.items()
        if f"transaction {number}" not in found and not (explains_itself and model.EVENT_PATH is None)
    ]
    assert missed == []


def test_rows_from_before_are_adopted_once_and_then_found_like_all_others(transactional_db: None) -> None:
    """A database that was filled before rows were bound: nothing is wrong with it once it is migrated."""
    with triggers_off():
        fill(make_world())
    assert any("No event binds" in fault for fault in find_faults())
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        assert owes_adoption()
        assert adopt_rows() > 20
        assert not owes_adoption()
        cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')
    assert find_faults() == set()
    for attack in (change_a_column, delete_a_row, put_an_older_row_in):
        for model in (Trace, Claim, Review, AuditEvent):
            with as_owner() as cursor:
                assert carry_out(cursor, attack(model, newest(model)), model)
                assert find_faults(), (attack.__name__, model)


@pytest.mark.parametrize("tables", ["all of them", "evidence_trace", "evidence_claim"])
def test_what_was_bound_under_earlier_schemas_stays_bound_when_it_is_erased(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, tables: str
) -> None:
    """A table that got columns: its older rows have none of them, before and after an erasure."""
    del transactional_db
    earlier = {
        table: known[-1]
        for table, known in schemas_by_table().items()
        if len(known) > 1 and tables in (table, "all of them")
    }
    assert earlier
    world = make_world()
    with monkeypatch.context() as before, bound_under(earlier):
        say_nothing_new(before)
        old = assemble(world, spans_of(world), trace_id=uuid4())
    assemble(world, spans_of(world), trace_id=uuid4())
    unexplained = find_faults()  # of spans that no request brought
    assert all("No act on record explains evidence.Span" in fault for fault in unexplained)
    erase_trace_payload(system=world.system, trace_id=old.trace_id, reason="request 1", principal=acting())
    assert Trace.objects.get(pk=old.pk).answer == ERASED_TEXT
    assert find_faults() == unexplained
    with as_owner() as cursor:
        another = f"UPDATE evidence_trace SET span_count = 9 WHERE id = {old.pk}"
        assert carry_out(cursor, iter([another]), Trace)
        assert find_faults() > unexplained


def say_nothing_new(patched: pytest.MonkeyPatch) -> None:
    """Have assembly leave empty what tables got later, as its code of before did."""

    def as_before(build: Callable[..., Any]) -> Callable[..., Any]:
        def build_as_before(*inputs: Any, **how: Any) -> Any:
            built = build(*inputs, **how)
            for row in built if isinstance(built, list) else [built]:
                for column in columns_that_came(type(row)):
                    setattr(row, column, None)
            return built

        return build_as_before

    for name in ("build_trace", "build_retrievals", "build_tool_calls"):
        patched.setattr(rows, name, as_before(getattr(rows, name)))


@contextmanager
def bound_under(schemas: Mapping[str, RowSchema]) -> Iterator[None]:
    """Have new rows of some tables bound under schemas of before."""
    models = [model for model in BOUND if model._meta.db_table in schemas]

    def bind(schema_of_model: Callable[[type[AppendOnlyModel]], RowSchema]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            for model in models:
                known, today = schema_of_model(model).leaf_sql("added"), schema_of(model).leaf_sql("added")
                cursor.execute(binding_functions()[f"{bind_function(model)}()"].replace(today, known))
            cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')

    bind(lambda model: schemas[model._meta.db_table])
    try:
        yield
    finally:
        bind(schema_of)


@contextmanager
def triggers_off() -> Iterator[None]:
    """Have no row bound, as before there were triggers."""
    try:
        _alter_triggers("DISABLE")
        yield
    finally:
        _alter_triggers("ENABLE")


def _alter_triggers(how: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        for model in BOUND:
            cursor.execute(f"ALTER TABLE {model._meta.db_table} {how} TRIGGER tracebinder_bind")
        cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')
