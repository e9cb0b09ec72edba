"""PostgreSQL and Valkey out of wheels, for whoever has configured neither.

Everything lives below one folder (`var/` by default): data, logs, ports and passwords. Nothing outside it is
touched, no server is looked for, and nothing listens beyond the loopback interface. PostgreSQL refuses to run as
root; where we are root, it is started in a user namespace in which we are not.

Django-free: it runs before settings are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    """Have the chosen servers running inside the block; stop afterwards only what this call started."""
    started_postgres = postgres and start_postgres(var)
    try:
        started_valkey = valkey and start_valkey(var)
        try:
            yield
        finally:
            if started_valkey:
                stop_valkey(var)
    finally:
        if started_postgres:
            stop_postgres(var)
