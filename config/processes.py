"""The processes of a running server, as `manage.py up` starts them and as benchmarks and fault tests do.

Django-free: the programs named here read the settings themselves.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.production import KEPT_FROM_PROBES

WEB_THREADS: Final = 16  # requests a web process answers at once; each holds a database connection


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: its name in the log, the database role it gets, and what it runs."""

    name: str
    role: str
    command: list[str]


def environment_for(role: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process of a role: a worker that runs probes is given nobody else's secrets."""
    kept_back = {name + suffix for name in KEPT_FROM_PROBES for suffix in ("", "_FILE")}
    given = {
        name: value for name, value in environment.items() if role != "interpret" or name not in kept_back
    }
    return {**given, "TRACEBINDER_PROCESS": role}


def plan_processes(*, port: int, web_workers: int, probe_processes: int) -> list[ProcessSpec]:
    """Return web, workers and beat; and the interpret worker where torch is installed.

    Exports share a worker with assembly, to save memory. It has two processes for both: one export keeps no trace
    waiting, two at once do until one is done. None of it can hold the log up, which has a worker of its own.

    Args:
        probe_processes: that share the work of probes, each with the model in its memory; 0: no interpret worker.
    """
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "config"]
    specs = [
        ProcessSpec("web", "web", web_command(port, web_workers)),
        ProcessSpec("worker", "worker", _worker_command("default", "export", processes=2)),
        ProcessSpec("log", "log", _worker_command("log", processes=1)),
        ProcessSpec("beat", "worker", [*celery, "beat", "--loglevel", "WARNING"]),
    ]
    if probe_processes and importlib.util.find_spec("torch") is not None:
        specs.append(
            ProcessSpec("interpret", "interpret", _worker_command("interpret", processes=probe_processes))
        )
    return specs


def web_command(port: int, workers: int, log_level: str = "warning") -> list[str]:
    """Return the command of the web server. A web process that dies is replaced; the others go on meanwhile."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", str(workers), "--blocking-threads", str(WEB_THREADS), "--log-level", log_level,
        "--respawn-failed-workers", "config.wsgi:application",
    ]  # fmt: skip


def _worker_command(*queues: str, processes: int) -> list[str]:
    """Return the command of a worker of these queues."""
    return [
        sys.executable, "-m", "celery", "--quiet", "-A", "config", "worker", "--loglevel", "WARNING",
        "--without-gossip", "--without-mingle", "-Q", ",".join(queues), "-c", str(processes),
        "-n", f"{queues[0]}@%h",
    ]  # fmt: skip
