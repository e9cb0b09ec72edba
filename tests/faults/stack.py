"""The whole server in a folder of its own, as `manage.py up` runs it, with every process within reach."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.server import REPOSITORY, answers, environment_of, find_free_port, make_token
from config import embedded
from config.processes import plan_processes
from tests.kept_database import lay_down_migrated

SYSTEM = "faults"
COMES_BACK = 120  # seconds until something that was killed must work again; machines of CI are slow
STOPS = 20  # seconds a process has after SIGTERM, as `manage.py up` gives it
WEB_WORKERS = 2
ASSEMBLERS = 2  # processes of the worker, which must keep out of each other's way


SpanIds = set[tuple[str, str]]  # trace id and span id, hexadecimal


class Stack:
    """PostgreSQL, Valkey, web, worker and beat.

    `token` may write spans of `SYSTEM`; `acknowledged` is what all loads so far were promised.
    """

    def __init__(self, folder: Path, clock: Path | None = None) -> None:
        self.folder = folder
        self.clock = clock  # the setting of `surroundings.clock_that_can_be_set`
        self.port = find_free_port()
        self.token = ""
        self.acknowledged: SpanIds = set()
        self.acknowledged_events: set[str] = set()  # of the logs signal, by their explanations
        self.restarts: Counter[str] = Counter()  # of processes that ended by themselves
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start_all(self) -> None:
        lay_down_migrated(self.folder)
        embedded.start_postgres(self.folder)
        embedded.start_valkey(self.folder)
        for name in ("web", "worker", "log", "beat"):
            self.start(name)
        self.token = make_token(self.folder, SYSTEM)
        self.wait_for_web()

    def stop_all(self) -> None:
        for name in list(self._processes):
            self.kill_group(name)
        embedded.stop_valkey(self.folder)
        embedded.stop_postgres(self.folder)

    def start(self, name: str) -> None:
        """Start web, worker or beat without waiting for it."""
        specs = plan_processes(port=self.port, web_workers=WEB_WORKERS, probe_processes=0)
        spec = next(spec for spec in specs if spec.name == name)
        environment = environment_of(self.folder, spec.role) | {"TRACEBINDER_ASSEMBLY_QUIET": "1"}
        more = ["-c", str(ASSEMBLERS)] if name == "worker" else []  # the last one counts
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*spec.command, *more],
                cwd=REPOSITORY,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def supervise(self) -> None:
        """Start again what has ended, as `manage.py up` does: Celery may end when its broker does."""
        for name, process in list(self._processes.items()):
            if process.poll() is not None:
                self.restarts[name] += 1
                self.kill_group(name)
                self.start(name)

    def wait_for_web(self) -> None:
        wait_until(lambda: answers(self.port), "the web process does not answer")

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def kill_group(self, name: str) -> None:
        """Kill a process and all that belongs to it, and bury it."""
        process = self._processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOPS)

    def stop(self, name: str) -> float:
        """Ask a process to stop, as `manage.py up` does; return the seconds it took. Too long is a failure."""
        process, started = self._processes[name], time.monotonic()
        process.terminate()
        process.wait(STOPS)
        self.kill_group(name)
        return time.monotonic() - started

    def postmaster(self) -> int:
        return int((self.folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])

    def valkey(self) -> int:
        return int((self.folder / "valkey" / "valkey.pid").read_text())


@contextmanager
def running_stack(folder: Path, clock: Path | None = None) -> Iterator[Stack]:
    """Have a stack running inside the block; nothing of it is left afterwards."""
    stack = Stack(folder, clock)
    try:
        stack.start_all()
        yield stack
    finally:
        stack.stop_all()


def children_of(pid: int) -> list[int]:
    """Return the ids of a process's children, none where it has ended."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_running(pid: int) -> bool:
    """Whether a process lives; one that has ended and waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_until(condition: Callable[[], bool], complaint: str, *, seconds: float = COMES_BACK) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)
