"""One scheme of locks: every name stands in one list, and nobody takes one in an order of their own."""

from __future__ import annotations

import re

import pytest
from django.db import connection

from evidence import locks
from evidence.locks import Lock
from tests.invariants.walk import OUR_APPS, REPOSITORY

TAKES = re.compile(r"pg_\w*advisory\w*")
COMPOSED = re.compile(r"\{numbers_of\(Lock\.\w+|hashtext\('\{Lock\.\w+\}'\)")
OLD = {"evidence/migrations/0001_initial.py"}  # replaced by evidence/partition_rules.py, under the same name


def test_nothing_but_the_list_names_a_lock() -> None:
    found = set()
    for app in (*OUR_APPS, "config"):
        for path in sorted((REPOSITORY / app).rglob("*.py")):
            name = str(path.relative_to(REPOSITORY))
            for line in path.read_text(encoding="utf-8").splitlines():
                if TAKES.search(line) and name != "evidence/locks.py" and not COMPOSED.search(line):
                    found.add(name)
    assert found == OLD


def test_locks_end_with_their_transaction() -> None:
    text = (REPOSITORY / "evidence" / "locks.py").read_text(encoding="utf-8")
    assert set(TAKES.findall(text)) == {"pg_advisory_xact_lock", "pg_try_advisory_xact_lock"}


def test_no_two_names_are_one_lock(db: None) -> None:
    with connection.cursor() as cursor:
        names = [lock.value for lock in Lock]
        cursor.execute("SELECT count(DISTINCT hashtext(name)) FROM unnest(%s::text[]) AS name", [names])
        assert cursor.fetchone() == (len(Lock),)


def test_several_of_one_name_are_taken_in_one_order(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[int | str, ...]] = []
    monkeypatch.setattr(locks, "hold", lambda _, *key: taken.append(key))
    locks.hold_each(Lock.REQUIREMENT_KEY, [(1, "b"), (1, "a"), (1, "b")])
    locks.hold_each(Lock.REQUIREMENT_KEY, [(1, "a"), (1, "b")])
    assert taken == [(1, "a"), (1, "b")] * 2
