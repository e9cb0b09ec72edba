"""A database of its own at an earlier state of the schema, as an upgrade meets it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import psycopg
from django.conf import settings
from django.db import connection
from psycopg.errors import InsufficientPrivilege, ObjectInUse

from config.embedded.postgres import _postgres_binaries
from tests.kept_database import MIGRATE_EACH


@dataclass(frozen=True, slots=True)
class Database:
    """A database beside the one of the tests, on the same server."""

    name: str
    url: str  # as the owner

    def connect(self) -> psycopg.Connection:
        """Return a connection as the owner, who may do what any of the roles may."""
        return psycopg.connect(self.url, autocommit=True)

    def connect_as(self, role: str) -> psycopg.Connection:
        """Return a connection with the rights of one role alone, as a server has one."""
        connection = self.connect()
        connection.execute(f'SET ROLE "{role}"')
        return connection

    def manage(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a management command on it as an operator does, in a process of its own."""
        environment = {
            **os.environ,
            "DATABASE_URL": self.url,
            "DATABASE_OWNER_URL": self.url,
            "TRACEBINDER_PROCESS": "owner",
        }
        return subprocess.run(  # our own command
            [sys.executable, "manage.py", *command],
            cwd=settings.BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def dump_schema(self) -> list[str]:
        """Return what would make its tables, functions, triggers and rights; but not partitions, which come and go."""
        done = subprocess.run(
            [_postgres_binaries() / "pg_dump", "--schema-only", "--exclude-table=evidence_span_*", self.url],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return [
            line for line in done.stdout.splitlines() if not line.startswith("\\")
        ]  # where it holds a secret

    def migrate(self, *target: str) -> None:
        """Bring it to a state; none given: to the newest."""
        done = self.manage("migrate", "--verbosity", "0", *target)
        assert done.returncode == 0, done.stderr

    def migrate_each(self, states: Mapping[str, str]) -> None:
        """Bring each of our apps to a state, and Django's to their newest, with the rules of that state's tables."""
        done = self.manage("shell", "--verbosity", "0", "-c", MIGRATE_EACH.format(states=dict(states)))
        assert done.returncode == 0, done.stderr


def database_named(name: str) -> Database:
    """Return a database of the server of the tests."""
    own = connection.settings_dict
    server = f"postgresql://{own['USER']}:{quote(own['PASSWORD'])}@{own['HOST']}:{own['PORT']}"
    return Database(name, f"{server}/{name}")


@contextmanager
def new_database(name: str, template: str = "") -> Iterator[Database]:
    """Have an empty database, or a copy of another, inside the block."""
    with database_named("postgres").connect() as owner:
        _drop(owner, name)
        owner.execute(f"CREATE DATABASE {name} TEMPLATE {template or 'template1'}")
        try:
            yield database_named(name)
        finally:
            _drop(owner, name)


def _drop(owner: psycopg.Connection, name: str) -> None:
    """Drop a database; a vacuum that PostgreSQL runs in it by itself cannot be ended, but ends."""
    deadline = time.monotonic() + 120  # seconds
    while True:
        try:
            owner.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        except (InsufficientPrivilege, ObjectInUse):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return
