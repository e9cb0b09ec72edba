"""Invariant 13: each append-only row is in the log by its digest: nobody changes one unnoticed, owner or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import rfc8785
from django.apps import apps
from django.conf import settings
from django.db import DataError, IntegrityError, connection

from evidence.models import AuditEvent, Claim, Review, Trace
from evidence.models.base import AppendOnlyModel
from evidence.row_schemas import schema_of, schemas_by_table, with_todays_schemas
from evidence.services.log.adoption import adopt_rows, owes_adoption
from evidence.services.log.rows import check_rows
from tests.evidence.binder_world import fill
from tests.factories import World, make_world
from tests.invariants.conftest import BOUND
from tests.invariants.owner_attacks import (
    as_owner,
    carry_out,
    change_a_column,
    copy_a_row,
    delete_a_row,
    find_missed,
    newest,
    put_an_older_row_in,
)


class Faults(list[str]):
    """What a check of the rows says."""

    def add(self, fault: str) -> None:
        self.append(fault)


def find_faults() -> set[str]:
    """Return what a check of all rows finds now."""
    faults = Faults()
    check_rows(faults)
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
    assert find_missed({model: newest(model) for model in BOUND}, find_faults) == []


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
