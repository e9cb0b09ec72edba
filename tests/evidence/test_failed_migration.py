"""A migration that fails, or a `migrate` that never came to its end, leaves no table half-ruled.

What the other tests run on may have been kept; `make soak` compares it with what migrations make of nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tests.evidence.earlier_schema import Database, database_named, new_database
from tests.kept_database import TEMPLATE

RULED = """
SELECT class.relname, EXISTS (SELECT FROM pg_trigger WHERE tgrelid = class.oid AND tgname = 'tracebinder_append_only'),
    has_table_privilege('tracebinder_runtime', class.oid, 'SELECT, INSERT')
FROM pg_class AS class WHERE class.relname = ANY(%s)
"""

PUT_IN = """
SELECT 'migration', app, name FROM django_migrations
UNION ALL SELECT 'kind', app_label, model FROM django_content_type
UNION ALL SELECT 'permission', model, codename FROM auth_permission
    JOIN django_content_type AS kind ON kind.id = content_type_id
UNION ALL SELECT 'group', auth_group.name, codename FROM auth_group
    JOIN auth_group_permissions ON group_id = auth_group.id JOIN auth_permission ON permission_id = auth_permission.id
ORDER BY 1, 2, 3
"""


MADE_BEFORE = ["evidence_erasure", "evidence_legalhold", "evidence_tracedocument"]  # by migration 0003
AFTER_THE_START = "and now it is migrated"
START_AND_MIGRATE = f"""
import sys
import config.wsgi
from django.core.management import call_command
print({AFTER_THE_START!r}, file=sys.stderr)
call_command("migrate", verbosity=0)
"""


@pytest.fixture
def from_nothing(django_db_setup: None) -> Iterator[Database]:
    del django_db_setup
    with new_database("tracebinder_failed") as database:
        yield database


@pytest.fixture
def migrated(django_db_setup: None) -> Iterator[Database]:
    del django_db_setup
    with new_database(
        "tracebinder_migrated_copy", TEMPLATE if settings.DATABASE_IS_EMBEDDED else ""
    ) as database:
        if not settings.DATABASE_IS_EMBEDDED:
            database.migrate()
        yield database


def fail_halfway(database: Database) -> list[tuple[Any, ...]]:
    """Have a migration fail, and return what holds of the tables that an earlier one made: name, rules, rights."""
    with database.connect() as owner:
        owner.execute("CREATE TABLE evidence_moment ()")  # in the way of migration 0008
        failed = database.manage("migrate", "--verbosity", "0")
        assert failed.returncode != 0
        ruled = owner.execute(RULED, [MADE_BEFORE]).fetchall()
        owner.execute("DROP TABLE evidence_moment")
    return sorted(ruled)


def test_tables_made_before_the_migration_that_failed_have_their_rules(from_nothing: Database) -> None:
    assert fail_halfway(from_nothing) == [(name, True, True) for name in MADE_BEFORE]


@pytest.mark.soak
def test_what_the_other_tests_run_on_is_what_migrations_make_of_nothing(from_nothing: Database) -> None:
    """Also where one of them failed and `migrate` was begun again. A session of CI keeps nothing of one before."""
    fail_halfway(from_nothing)
    from_nothing.migrate()
    kept = database_named(TEMPLATE if settings.DATABASE_IS_EMBEDDED else connection.settings_dict["NAME"])
    assert from_nothing.dump_schema() == kept.dump_schema()
    with from_nothing.connect() as one, kept.connect() as other:
        assert one.execute(PUT_IN).fetchall() == other.execute(PUT_IN).fetchall()


def test_what_a_lost_post_migrate_left_is_said_at_the_next_start_and_put_right_by_the_next_migrate(
    migrated: Database,
) -> None:
    with migrated.connect() as owner:
        owner.execute("DROP TRIGGER tracebinder_append_only ON evidence_claim")
    started = migrated.manage("shell", "-c", START_AND_MIGRATE)
    said, again = started.stderr.split(AFTER_THE_START)
    assert "not ready: database: triggers or rights are not in place" in said
    assert "evidence_claim" in said
    assert "put right: evidence_claim" in again
    assert "not ready" not in migrated.manage("shell", "-c", "import config.wsgi").stderr
