"""A migration that fails, or a `migrate` that never came to its end, leaves no table half-ruled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.evidence.earlier_schema import Database, new_database

RULED = """
SELECT class.relname, EXISTS (SELECT FROM pg_trigger WHERE tgrelid = class.oid AND tgname = 'tracebinder_append_only'),
    has_table_privilege('tracebinder_runtime', class.oid, 'SELECT, INSERT')
FROM pg_class AS class WHERE class.relname = ANY(%s)
"""


@pytest.fixture(scope="module")
def database(django_db_setup: None) -> Iterator[Database]:
    del django_db_setup
    with new_database("tracebinder_failed") as database:
        yield database


def test_tables_made_before_the_migration_that_failed_have_their_rules(database: Database) -> None:
    database.migrate("evidence", "0002")
    with database.connect() as owner:
        owner.execute("CREATE TABLE evidence_moment ()")  # in the way of migration 0008
        failed = database.manage("migrate", "--verbosity", "0")
        assert failed.returncode != 0
        made = ["evidence_erasure", "evidence_legalhold", "evidence_tracedocument"]  # by migration 0003
        assert sorted(owner.execute(RULED, [made]).fetchall()) == [(name, True, True) for name in made]
        owner.execute("DROP TABLE evidence_moment")
    database.migrate()


def test_what_a_lost_post_migrate_left_is_said_at_the_next_start_and_put_right_by_the_next_migrate(
    database: Database,
) -> None:
    database.migrate()
    with database.connect() as owner:
        owner.execute("DROP TRIGGER tracebinder_append_only ON evidence_claim")
    started = database.manage("shell", "-c", "import config.wsgi")
    assert "not ready: database: triggers or rights are not in place" in started.stderr
    assert "evidence_claim" in started.stderr
    migrated = database.manage("migrate", "--verbosity", "0")
    assert "put right: evidence_claim" in migrated.stderr
    assert "not ready" not in database.manage("shell", "-c", "import config.wsgi").stderr
