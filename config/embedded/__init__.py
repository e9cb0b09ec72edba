"""PostgreSQL and Valkey out of wheels, for whoever has configured neither.

Everything lives below one folder (`var/` by default): data, logs, ports and passwords. Nothing outside it is
touched, no server is looked for, and nothing listens beyond the loopback interface. PostgreSQL refuses to run as
root; where we are root, it is started in a user namespace in which we are not.

Django-free: it runs before settings are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from config.embedded.owner import forget_owner, is_orphan, note_owner
from config.embedded.plan import (
    DATABASE,
    INTERPRET_ROLE,
    OWNER_ROLE,
    PROBE_ROLE,
    RUNTIME_ROLE,
    WEB_ROLE,
    EmbeddedError,
    Plan,
    read_plan,
)
from config.embedded.postgres import start_postgres, stop_postgres
from config.embedded.valkey import start_valkey, stop_valkey

__all__ = [
    "DATABASE",
    "INTERPRET_ROLE",
    "OWNER_ROLE",
    "PROBE_ROLE",
    "RUNTIME_ROLE",
    "WEB_ROLE",
    "EmbeddedError",
    "Plan",
    "read_plan",
    "running",
    "start_postgres",
    "start_valkey",
    "stop_postgres",
    "stop_valkey",
]


@contextmanager
def running(var: Path, *, postgres: bool = True, valkey: bool = True) -> Iterator[None]:
    """Have the chosen servers running inside the block; stop afterwards what this call started, or found orphaned."""
    with ExitStack() as started:
        if postgres:
            started.enter_context(_one_running(var, "postgres", start_postgres, stop_postgres))
        if valkey:
            started.enter_context(_one_running(var, "valkey", start_valkey, stop_valkey))
        yield


@contextmanager
def _one_running(
    var: Path, server: str, start: Callable[[Path], bool], stop: Callable[[Path], None]
) -> Iterator[None]:
    is_ours = start(var) or is_orphan(var, server)
    if not is_ours:
        yield
        return
    try:
        note_owner(var, server)
        yield
    finally:
        stop(var)
        forget_owner(var, server)
