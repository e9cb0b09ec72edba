"""What happened is inserted, never updated or deleted: the database refuses it to everybody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from evidence.access import visible_to
from evidence.errors import AppendOnlyViolation
from evidence.models import AppendOnlyModel, System
from evidence.models.base import StoredModel
from evidence.table_rules import TRIGGER_NAME
from tests.factories import World, acting
from tests.invariants.walk import our_models

pytestmark = pytest.mark.django_db


def tables_of(model: type[Model]) -> list[str]:
    """The table and its partitions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass",
            [model._meta.db_table],
        )
        return [model._meta.db_table, *(name for (name,) in cursor.fetchall())]


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_each_table_is_append_only_or_says_why_its_rows_may_change(model: type[Model]) -> None:
    assert issubclass(model, StoredModel)
    if not issubclass(model, AppendOnlyModel):
        assert model.WORK_ROW, f"{model._meta.label}: why may its rows change? Say so in WORK_ROW"
        return
    assert not model.WORK_ROW, f"{model._meta.label} is append-only: its rows do not change"
    for table in tables_of(model):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = %s",
                [table, TRIGGER_NAME],
            )
            assert cursor.fetchone() == ("O",), f"{table} has no enabled {TRIGGER_NAME} trigger"
            for role in (settings.RUNTIME_ROLE, settings.INTERPRET_ROLE, settings.LOG_ROLE):
                cursor.execute(
                    "SELECT has_table_privilege(%s, %s, 'UPDATE'), has_table_privilege(%s, %s, 'DELETE'),"
                    " has_table_privilege(%s, %s, 'TRUNCATE'), pg_has_role(%s, relowner, 'USAGE')"
                    " FROM pg_class WHERE oid = %s::regclass",
                    [role, table] * 3 + [role, table],
                )
                assert cursor.fetchone() == (False, False, False, False), (
                    f"{role} has too many rights on {table}"
                )


def test_the_runtime_role_may_truncate_and_own_nothing() -> None:
    with connection.cursor() as cursor:
        for role in (settings.RUNTIME_ROLE, settings.INTERPRET_ROLE, settings.LOG_ROLE):
            cursor.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
                " AND (has_table_privilege(%s, oid, 'TRUNCATE') OR pg_has_role(%s, relowner, 'USAGE'))",
                [role, role],
            )
            assert cursor.fetchall() == []
            cursor.execute(
                "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = %s", [role]
            )
            assert cursor.fetchone() == (False, False, False)


def test_even_the_owner_cannot_change_or_delete_a_row(world: World) -> None:
    """Every append-only table that the test world fills, as the role that owns it."""
    checked = 0
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        try:
            for model in our_models():
                table = model._meta.db_table
                if not issubclass(model, AppendOnlyModel) or not model._default_manager.exists():
                    continue
                column = model._meta.pk.column
                for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
                    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                        cursor.execute(statement)
                checked += 1
        finally:
            cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')
    assert checked >= 8


def test_the_orm_says_what_to_do_instead(world: World) -> None:
    with pytest.raises(AppendOnlyViolation, match="add a row that names the old one"):
        System.objects.filter(pk=world.system.pk).update(name="other")
    with pytest.raises(AppendOnlyViolation):
        System.objects.all().delete()


def test_a_table_of_pairs_belongs_to_a_model_whose_rows_may_change() -> None:
    """Django makes such a table without a model that could say why; its rows may be updated and deleted."""
    made = [
        (model, field.remote_field.through)
        for model in our_models()
        for field in model._meta.many_to_many
        if field.remote_field.through and field.remote_field.through._meta.auto_created
    ]
    assert made, "the walk found nothing"
    for model, pairs in made:
        assert model.WORK_ROW, f"{pairs._meta.db_table}: pairs of an append-only row would not be append-only"


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_each_model_leads_to_its_system_and_notes_its_personal_data(model: type[StoredModel]) -> None:
    assert model.PII in {"none", "actor", "payload"}
    if model.SYSTEM_PATH is None:
        assert model.NO_SYSTEM, (
            f"{model._meta.label}: which system does it belong to? Say why none in NO_SYSTEM"
        )
        return
    assert not model.NO_SYSTEM, f"{model._meta.label} belongs to a system"
    of_no_system = replace(acting(), system_ids=frozenset({0}))
    assert visible_to(model._default_manager.all(), of_no_system).count() == 0  # the path is a real lookup
