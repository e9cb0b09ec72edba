"""The running product: `manage.py up` in a process of its own, stopped when the demo ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.embedded.plan import tail_of

READY_WITHIN = 600  # seconds; one that ended is told at once, so only a slow machine waits
STOPPED_WITHIN = 60  # seconds
PROBE_PROCESSES = min(os.cpu_count() or 1, 4)  # each holds a model and its dead copy: 1.2 GB
# For torch in the interpret worker. Threads that share a forward pass wait for each other at each layer; where other
# processes want the cores too, one thread is faster than two, and threads that spin while they wait starve the rest.
FEW_THREADS = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // 2)), "OMP_WAIT_POLICY": "PASSIVE"}


class StackError(Exception):
    """The product did not start; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the product answers, and where it writes its log."""

    url: str
    log: Path


@contextmanager
def running(var: Path) -> Iterator[Stack]:
    """Have the product running on a free port inside the block.

    Raises:
        StackError: it ended, or was not ready in time.
    """
    var.mkdir(parents=True, exist_ok=True)
    log = var / "demo.log"
    port = _free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # our own command
            [
                sys.executable,
                "manage.py",
                "up",
                "--port",
                str(port),
                "--probe-processes",
                str(PROBE_PROCESSES),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**FEW_THREADS, **os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    stack = Stack(f"http://127.0.0.1:{port}", log)
    try:
        _wait_until_ready(stack, process)
        yield stack
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_ready(stack: Stack, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN
    faults = "it does not answer"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StackError(
                f"The product ended with code {process.returncode}. End of {stack.log}:\n{tail_of(stack.log)}"
            )
        try:
            with urllib.request.urlopen(f"{stack.url}/readyz", timeout=5):  # noqa: S310  # our own loopback address
                return
        except urllib.error.HTTPError as exc:
            faults = json.loads(exc.read()).get("faults", faults)
        except OSError:
            pass  # not listening yet
        time.sleep(0.3)
    raise StackError(
        f"The product was not ready in {READY_WITHIN} s: {faults}. End of {stack.log}:\n{tail_of(stack.log)}"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
