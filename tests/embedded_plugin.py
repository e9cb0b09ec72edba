"""Starts one PostgreSQL and one Valkey for the whole test session, before settings are read, and stops them after.

The PostgreSQL holds a migrated database from the start (`tests.kept_database`), which that of the tests is a copy of.

Loaded by `-p` in pyproject.toml, so a bare `pytest` works. Where DATABASE_URL and REDIS_URL are set, those are used.
With `-n` each worker process has servers of its own: an open transaction of one would hold back the clock of another.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import sys

import pytest

from config import embedded
from tests.kept_database import FOLDER, lay_down_for_tests, set_template_apart

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
VAR = FOLDER / WORKER

os.environ["TRACEBINDER_VAR"] = str(VAR)
os.environ["TRACEBINDER_PROCESS"] = (
    "owner"  # it creates the test database; connections act as the runtime role
)
# What Python compiled is kept: each worker would compile all tests again, and each process of a test the product.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("TRACEBINDER_LOG_LEVEL", "WARNING")
os.environ.setdefault("TRACEBINDER_PRODUCTION", "false")  # also where it is given servers of somebody's own

# New objects that are not gone again, before garbage is looked for; and how seldom among the old ones. By Python's own
# numbers that was 4 % of what tests compute.
_GARBAGE = (20_000, 20, 20)

_started: list[str] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start what is not configured from outside; not in the process that only hands out tests to workers."""
    if early_config.known_args_namespace.numprocesses and not WORKER:
        return
    atexit.register(_stop)  # pytest calls no hook where Django's set-up fails
    # The database is made anew: keys, blobs and the log's head of the session before belong to another.
    for of_before in ("keys", "public-keys", "blobs"):
        shutil.rmtree(VAR / of_before, ignore_errors=True)
    # WhiteNoise warns of a missing folder, and warnings fail.
    (VAR / "static").mkdir(parents=True, exist_ok=True)
    if not os.environ.get("DATABASE_URL"):
        lay_down_for_tests(VAR)
        if embedded.start_postgres(VAR):
            _started.append("postgres")
        set_template_apart(VAR)
    if not os.environ.get("REDIS_URL") and embedded.start_valkey(VAR):
        _started.append("valkey")


def pytest_collection() -> None:
    """What is imported and collected from here on stays: there is no garbage to look for."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage among what comes after, seldom, and never again among all of that."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    gc.enable()


def _stop() -> None:
    """Stop what was started here, so that nothing outlives the session, however it ends."""
    if "valkey" in _started:
        embedded.stop_valkey(VAR)
    if "postgres" in _started:
        embedded.stop_postgres(VAR)
    _started.clear()
