"""A migration that fails, or a `migrate` that never came to its end, leaves no table half-ruled.

All of it on a database that is migrated from nothing each time; what the other tests run on may have been kept.
"""

from __future__ import annotations

from collections.abc import Iterator

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


AFTER_THE_START = "and now it is migrated"
START_AND_MIGRATE = f"""
import sys
import config.wsgi
from django.core.management import call_command
print({AFTER_THE_START!r}, file=sys.stderr)
call_command("migrate", verbosity=0)
"""


@pytest.fixture(scope="module")
def database(django_db_setup: None) -> Iterator[Database]:
    del django_db_setup
    with new_database("tracebinder_failed") as database:
        yield database


@pytest.fixture(scope="module")
def migrated(database: Database) -> Database:
    """The same, brought to the newest state after whatever was done to it."""
    database.migrate()
    return database


def test_tables_made_before_the_migration_that_failed_have_their_rules(database: Database) -> None:
    with database.connect() as owner:
        owner.execute("CREATE TABLE evidence_moment ()")  # in the way of migration 0008
        failed = database.manage("migrate", "--verbosity", "0")
        assert failed.returncode != 0
        made = ["evidence_erasure", "evidence_legalhold", "evidence_tracedocument"]  # by migration 0003
        assert sorted(owner.execute(RULED, [made]).fetchall()) == [(name, True, True) for name in made]
        owner.execute("DROP TABLE evidence_moment")


def test_what_the_other_tests_run_on_is_what_migrations_make_of_nothing(migrated: Database) -> None:
    kept = database_named(TEMPLATE if settings.DATABASE_IS_EMBEDDED else connection.settings_dict["NAME"])
    assert migrated.dump_schema() == kept.dump_schema()
    with migrated.connect() as one, kept.connect() as other:
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
