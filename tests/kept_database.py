"""A migrated database that is made once for the code there is, and copied wherever a test needs a server with one.

`migrate` takes seconds of processor time on an empty database, and each process of the suite and each whole server that
a test starts needs one. What is kept is the folder of an embedded PostgreSQL that was migrated and stopped, under a
digest of the code that `migrate` may run: who changes any of it has it made anew. Under `make soak`
`test_failed_migration.py` migrates from nothing and compares, so that no digest of too little hides a fault for long.

Django-free: it runs before settings are read.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from bench.server import REPOSITORY, environment_of, migrate
from config import embedded

# Two sessions at once need two folders: set TRACEBINDER_TEST_VAR for the second.
FOLDER: Final = Path(os.environ.get("TRACEBINDER_TEST_VAR", REPOSITORY / "var" / "test")).resolve()
TEMPLATE: Final = "tracebinder_migrated"
"""The migrated database of a server of tests, beside the empty one; the database of the tests is a copy of it."""

_BACK: Final = 4  # migrations of each app


def _state_before(app: str) -> str:
    migrations = sorted((REPOSITORY / app / "migrations").glob("[0-9]*.py"))
    return migrations[-1 - _BACK].name[:4]


EARLIER_STATES: Final = {app: _state_before(app) for app in ("evidence", "requirements", "interpret")}
"""A schema of before, by app: a few migrations ago. The long test of `make soak` starts at each."""
EARLIER: Final = "tracebinder_earlier"
"""The database of that schema, which the other was on its way to the newest."""

# Each of our apps at a state, and Django's at their newest, with the rules of that state's tables.
MIGRATE_EACH: Final = """
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from evidence.table_rules import apply_table_rules
executor = MigrationExecutor(connection)
loader = executor.loader
ours = [loader.get_migration_by_prefix(*pair) for pair in {states}.items()]
executor.migrate([(one.app_label, one.name) for one in ours] + loader.graph.leaf_nodes("auth"))
apply_table_rules("default")
"""

_KEPT_IN: Final = FOLDER / "migrated"
_NOTE: Final = "migrated-by"  # in a folder of servers: the digest of the code that migrated it
_CODE: Final = ("config", "evidence", "interpret", "requirements")
# Folders of code that `migrate` has no use for: doors, and readers and judges of what is stored.
_OF_NO_USE: Final = frozenset(
    {"admin", "api", "pages", "drawings", "otlp", "semconv", "citations", "evals", "statistics", "binder"}
    | {"checks", "lint", "yaml_import", "starter", "probes", "dictionaries", "calibration"}
)
_PORTS: Final = ("postgres_port", "valkey_port")
# Nothing that a test stores has to outlive the machine. And most of it is rolled back: whoever looks at the tables then
# notes that they are empty, and PostgreSQL joins tables without rows in whatever order, also those of the next test.
_CARELESS: Final = "fsync = off\nfull_page_writes = off\nautovacuum = off\n"


def lay_down_migrated(folder: Path) -> None:
    """Put the files of a migrated PostgreSQL into a folder in which none was started yet."""
    digest = digest_of_code()
    with _locked():
        kept = _KEPT_IN / digest
        if not kept.exists():
            _make(kept)
        _copy(kept, folder)
    (folder / _NOTE).write_text(digest, encoding="utf-8")


def lay_down_for_tests(folder: Path) -> None:
    """Put a PostgreSQL with a `TEMPLATE` into a folder, unless one of this code is there from a session before."""
    note = folder / _NOTE
    if note.exists() and note.read_text(encoding="utf-8") == digest_of_code():
        return
    note.unlink(missing_ok=True)
    _remove_postgres(folder)
    lay_down_migrated(folder)
    with (folder / "postgres" / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write(_CARELESS)


def set_template_apart(folder: Path) -> None:
    """On a running server of tests, have the migrated database as `TEMPLATE`, and an empty one in its place."""
    own, template = sql.Identifier(embedded.DATABASE), sql.Identifier(TEMPLATE)
    with _owner_of(folder) as owner:
        if not owner.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
            owner.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(own, template))
            owner.execute(sql.SQL("CREATE DATABASE {}").format(own))


def digest_of_code() -> str:
    """Return what tells code apart that may migrate in another way: many a file, and what the code stands on."""
    found = hashlib.sha256()
    files = [path for part in _CODE for path in sorted((REPOSITORY / part).rglob("*.py"))]
    for path in [*files, REPOSITORY / "constraints.txt", Path(__file__).resolve()]:
        name = path.relative_to(REPOSITORY)
        if not _OF_NO_USE.intersection(name.parts):
            found.update(str(name).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def _make(kept: Path) -> None:
    """Make the files, and put them in place when they are whole; what was kept for other code goes."""
    for of_other_code in filter(Path.is_dir, list(_KEPT_IN.iterdir())):
        _remove_postgres(of_other_code)
        shutil.rmtree(of_other_code)
    making = _KEPT_IN / "making"
    with embedded.running(making, valkey=False):
        _make_earlier(making)
        migrate(making)
    making.rename(kept)


def _make_earlier(folder: Path) -> None:
    """Stop halfway, and keep a copy of what is there."""
    shell = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c"]
    script = MIGRATE_EACH.format(states=EARLIER_STATES)
    subprocess.run([*shell, script], cwd=REPOSITORY, env=environment_of(folder, "owner"), check=True)
    with _owner_of(folder) as owner:
        owner.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(EARLIER), sql.Identifier(embedded.DATABASE)
            )
        )


def _owner_of(folder: Path) -> psycopg.Connection:
    """Return a connection as the owner, to no database of ours."""
    url = embedded.read_plan(folder).database_url(embedded.OWNER_ROLE)
    return psycopg.connect(url.removesuffix(embedded.DATABASE) + "postgres", autocommit=True)


def _copy(kept: Path, folder: Path) -> None:
    """Copy the files, with the passwords that are in them; ports are the folder's own."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(kept / "postgres", folder / "postgres", symlinks=True)
    plan = json.loads((kept / "embedded.json").read_text(encoding="utf-8"))
    of_any_port = {name: value for name, value in plan.items() if name not in _PORTS}
    path = folder / "embedded.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(of_any_port), encoding="utf-8")


def _remove_postgres(folder: Path) -> None:
    """Remove a PostgreSQL; one that a session left running when it was killed is stopped first."""
    folder.mkdir(parents=True, exist_ok=True)
    embedded.stop_postgres(folder)
    shutil.rmtree(folder / "postgres", ignore_errors=True)


@contextmanager
def _locked() -> Iterator[None]:
    """One process at a time makes or copies."""
    _KEPT_IN.mkdir(parents=True, exist_ok=True)
    with (_KEPT_IN / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
