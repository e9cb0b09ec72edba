"""PostgreSQL and Valkey out of wheels, for whoever has configured neither.

Everything lives below one folder (`var/` by default): data, logs, ports and passwords. Nothing outside it is
touched, no server is looked for, and nothing listens beyond the loopback interface. PostgreSQL refuses to run as
root; where we are root, it is started in a user namespace in which we are not.

Django-free: it runs before settings are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from config.embedded.owner import look_after, stop_if_ours
from config.embedded.plan import (
    DATABASE,
    INTERPRET_ROLE,
    LOG_ROLE,
    OWNER_ROLE,
    PROBE_ROLE,
    RUNTIME_ROLE,
    SIGNER_ROLE,
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
    "LOG_ROLE",
    "OWNER_ROLE",
    "PROBE_ROLE",
    "RUNTIME_ROLE",
    "SIGNER_ROLE",
    "WEB_ROLE",
    "EmbeddedError",
    "Plan",
    "read_plan",
    "revive",
    "running",
    "start_postgres",
    "start_valkey",
    "stop_postgres",
    "stop_valkey",
]


_SERVERS: Final = {"postgres": (start_postgres, stop_postgres), "valkey": (start_valkey, stop_valkey)}


@contextmanager
def running(
    var: Path, *, postgres: bool = True, valkey: bool = True, takes_over: bool = False
) -> Iterator[None]:
    """Have the chosen servers running inside the block; stop afterwards what is ours by then.

    Args:
        takes_over: what runs already becomes ours: whoever started it leaves it alone when they end.
    """
    chosen = [server for server, wanted in (("postgres", postgres), ("valkey", valkey)) if wanted]
    with ExitStack() as ending:
        for server in chosen:
            start, stop = _SERVERS[server]
            if look_after(var, server, start, takes_over=takes_over).begun:
                ending.callback(stop_if_ours, var, server, stop)
        yield


def revive(var: Path, server: str) -> bool:
    """Start a server again that has ended, whoever had started it, and look after it from now on.

    Returns whether this call started it.

    Raises:
        EmbeddedError: it did not come up.
    """
    return look_after(var, server, _SERVERS[server][0], takes_over=True).started
