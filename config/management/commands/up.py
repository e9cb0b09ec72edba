"""`manage.py up`: every process in one terminal, with readable logs; Ctrl-C stops all of them."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.text import Text

from config import embedded, tied
from config.processes import ProcessSpec, environment_for, plan_processes
from evidence.management.service_command import whole_number

STOP_AFTER = 20  # seconds a process gets to finish its work before it is killed
STEADY_AFTER = 10  # seconds; a process that ends before them cannot run, one that ends later is started again
REST = 5  # seconds between two starts of a process that had run and now ends at once
LOOK_AFTER = 2  # seconds between two looks at the embedded servers
TIED = Path(tied.__file__)
COLOURS = ("cyan", "green", "magenta", "yellow")


class Command(BaseCommand):
    """Start PostgreSQL and Valkey where none is configured, migrate, and run web, workers and beat."""

    help = "Start everything in one terminal; Ctrl-C stops it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        port, workers = whole_number(1, 65535), whole_number(1, 999)
        parser.add_argument("--port", type=port, default=8000, help="port of the web process (default 8000)")
        parser.add_argument(
            "--web-workers", type=workers, default=2, help="processes that answer requests (default 2)"
        )
        parser.add_argument(
            "--probe-processes", type=workers, default=1,
            help="processes that share the work of probes, each with the model in memory (default 1)",
        )  # fmt: skip
        parser.add_argument("--no-interpret", action="store_true", help="without the worker that needs torch")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until Ctrl-C, SIGTERM, or a process that cannot run."""
        del args
        with _only_one(settings.VAR):
            self._run(options)

    def _run(self, options: dict[str, Any]) -> None:
        _check_is_free(options["port"])
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        console = Console()
        services = {"postgres": settings.DATABASE_IS_EMBEDDED, "valkey": settings.REDIS_IS_EMBEDDED}
        # WhiteNoise warns in every process without it.
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        with embedded.running(settings.VAR, **services, takes_over=True):
            _migrate()
            specs = plan_processes(
                port=options["port"],
                web_workers=options["web_workers"],
                probe_processes=0 if options["no_interpret"] else options["probe_processes"],
            )
            children = [_Child(spec, console, COLOURS[i % len(COLOURS)]) for i, spec in enumerate(specs)]
            announce(console, specs, port=options["port"])
            try:
                ended = _wait(children, stop, partial(_revive, services, console))
            finally:
                _stop_all([child.process for child in children])
        if ended is not None:
            code = ended.process.returncode
            raise CommandError(f"{ended.spec.name} ended by itself with code {code}; see above.")


def announce(console: Console, specs: Sequence[ProcessSpec], *, port: int) -> None:
    """Say where it answers, and what does not run."""
    address = f"http://127.0.0.1:{port}/admin/"
    console.print(f"[bold]Tracebinder[/] on {address} — Ctrl-C stops everything.", soft_wrap=True)
    if "interpret" not in {spec.name for spec in specs}:
        missing = (
            "No interpret worker: probes wait until one runs. It needs torch, which `make install` adds."
        )
        console.print(missing, soft_wrap=True)


class _Child:
    """A process under our care, started when made."""

    def __init__(self, spec: ProcessSpec, console: Console, colour: str) -> None:
        self.spec, self._console, self._colour = spec, console, colour
        self._has_run = False  # steadily, at least once
        self._start()

    def keep_running(self) -> bool:
        """Start the process again where it has ended; False where it cannot run."""
        is_steady = time.monotonic() - self._started >= STEADY_AFTER
        if self.process.poll() is None:
            self._has_run |= is_steady
            return True
        if not (is_steady or self._has_run):
            return False
        if not is_steady and time.monotonic() - self._started < REST:
            return True  # what ends it, a full disk perhaps, may pass: it has run before
        name, code = self.spec.name, self.process.returncode
        _say(self._console, f"[bold red]{name} had ended with code {code} and is started again.[/]")
        _kill_group(self.process)
        self._start()
        return True

    def _start(self) -> None:
        self.process = _start(self.spec, self._console, self._colour)
        self._started = time.monotonic()


@contextmanager
def _only_one(var: Path) -> Iterator[None]:
    """Refuse a folder in which another `up` is at work; one that was killed holds nothing any more."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "up.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise CommandError(
                f"Another `manage.py up` is at work in {var}: stop it first, or name another folder in TRACEBINDER_VAR."
            ) from exc
        yield


def _say(console: Console, text: str | Text) -> None:
    """Print a line, unless it cannot be: a log on a full disk must end nobody, nor hold up who writes to us."""
    with suppress(OSError):
        console.print(text, soft_wrap=True)


def _check_is_free(port: int) -> None:
    """Refuse a port that somebody listens on: the web server would share it with them in silence."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection of before is no listener
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            raise CommandError(
                f"Port {port} cannot be used ({exc.strerror}): choose another, as in `make up PORT={port % 65535 + 1}`."
            ) from exc


def _migrate() -> None:
    environment = {**os.environ, "TRACEBINDER_PROCESS": "owner"}
    for command in (["migrate", "--verbosity", "0"], ["make_partitions"]):
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py"), *command]
        if subprocess.run(manage, env=environment, check=False).returncode != 0:  # noqa: S603  # our own commands
            raise CommandError(f"`manage.py {command[0]}` failed; the reason is above.")


def _start(spec: ProcessSpec, console: Console, colour: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(  # noqa: S603  # our own commands
        # It ends with us, even where we are killed.
        [sys.executable, str(TIED), str(os.getpid()), *spec.command],
        cwd=settings.BASE_DIR,
        env={**environment_for(spec.role, os.environ), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # Ctrl-C reaches us alone; we pass it on in order
    )

    def copy_lines(lines: IO[str]) -> None:
        with lines:  # one for each start: a process that is started again and again must not use up our files
            for line in lines:
                _say(console, Text(f"{spec.name:>9} │ ", style=colour) + Text(line.rstrip()))

    threading.Thread(target=copy_lines, args=(process.stdout,), daemon=True).start()
    return process


def _wait(children: Sequence[_Child], stop: threading.Event, look_after: Callable[[], None]) -> _Child | None:
    """Return the child that cannot run, or None when asked to stop."""
    next_look = time.monotonic() + LOOK_AFTER
    while not stop.wait(0.2):
        for child in children:
            if not child.keep_running():
                return child
        if time.monotonic() > next_look:
            look_after()
            next_look = time.monotonic() + LOOK_AFTER
    return None


def _revive(services: Mapping[str, bool], console: Console) -> None:
    """Start an embedded server again that has ended; web and workers connect again by themselves."""
    for name, is_embedded in services.items():
        try:
            if is_embedded and embedded.revive(settings.VAR, name):
                _say(console, f"[bold red]{name} had ended and was started again.[/]")
        except (embedded.EmbeddedError, OSError) as exc:  # the disk may be full, and have room again later
            _say(console, Text(f"{name} has ended and cannot be started: {exc}", style="bold red"))


def _stop_all(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_AFTER
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, deadline - time.monotonic()))
        _kill_group(process)
        process.wait()


def _kill_group(process: subprocess.Popen[str]) -> None:
    """Kill what is left of a process: nothing, or children that outlived it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
