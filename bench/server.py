"""The real server in a folder of its own: migrated database, token, web process. For benchmarks and fault tests."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from config import embedded
from config.processes import web_command

REPOSITORY: Final = Path(__file__).resolve().parent.parent
START_TIMEOUT: Final = 60  # seconds
STOP_TIMEOUT: Final = 30  # seconds
_CONFIGURED_OUTSIDE: Final = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_INTERPRET_URL", "REDIS_URL")


@dataclass(frozen=True, slots=True)
class WebProcess:
    """A running web server with its workers, which are its process group."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def pid(self) -> int:
        """The id of the process that the workers are children of."""
        return self.process.pid

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the whole group a signal and wait until it is gone."""
        os.killpg(self.process.pid, number)
        self.process.wait(STOP_TIMEOUT)


@contextmanager
def own_database() -> Iterator[Path]:
    """Have a migrated database of this process's own, and Django set up on it as its owner; yield the folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {
            "TRACEBINDER_VAR": name,
            "TRACEBINDER_PROCESS": "owner",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "TRACEBINDER_LOG_LEVEL": "WARNING",
        }
        with embedded.running(folder, valkey=False):
            migrate(folder)
            import django  # noqa: PLC0415  # settings need the database's address

            django.setup()
            yield folder


def prepare_database(folder: Path, system: str) -> str:
    """Migrate the folder's database, and return the text of a token that may write to a new system."""
    migrate(folder)
    return make_token(folder, system)


def migrate(folder: Path) -> None:
    """Bring the folder's database up to date."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=REPOSITORY, env=environment_of(folder, "owner"), check=True)


def make_token(folder: Path, system: str) -> str:
    """Register a system and return the text of a token that may write to it."""
    command = [sys.executable, "-m", "bench.make_token", system]
    environment = environment_of(folder, "web")
    made = subprocess.run(
        command, cwd=REPOSITORY, env=environment, check=True, capture_output=True, text=True
    )
    return made.stdout.strip()


def start_web(folder: Path, port: int, workers: int, log: Path | None = None) -> WebProcess:
    """Start the web process as `manage.py up` does, and wait until it answers.

    Args:
        log: a file for what it says; otherwise it is said here.
    """
    command = web_command(port, workers, log_level="error")
    environment = environment_of(folder, "web")
    with log.open("ab") if log else nullcontext() as said:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=said, stderr=said, start_new_session=True
        )
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if answers(port):
            return WebProcess(process, port)
        time.sleep(0.05)
    raise SystemExit("the web process did not start; its reason is above")


@contextmanager
def running_web(folder: Path, port: int, workers: int, log: Path | None = None) -> Iterator[WebProcess]:
    """Have the web process running inside the block."""
    web = start_web(folder, port, workers, log)
    try:
        yield web
    finally:
        web.stop()


def environment_of(folder: Path, role: str) -> dict[str, str]:
    """Return the environment of a process of this folder's server, whatever server we are configured for."""
    ours = {name: value for name, value in os.environ.items() if name not in _CONFIGURED_OUTSIDE}
    return {
        **ours,
        "TRACEBINDER_VAR": str(folder),
        "TRACEBINDER_PROCESS": role,
        "TRACEBINDER_LOG_LEVEL": "CRITICAL",
        "PYTHONWARNINGS": "ignore",
    }


def find_free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def connect_as_owner(folder: Path) -> psycopg.Connection[Any]:
    """Return a connection that may read and create everything, one transaction a statement."""
    plan = embedded.read_plan(folder)
    return psycopg.connect(plan.database_url(embedded.OWNER_ROLE), autocommit=True)


def answers(port: int, path: str = "/healthz", status: int | None = None) -> bool:
    """Whether a web process on this port answers, with this status where one is asked for."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return status in {None, response.status}
