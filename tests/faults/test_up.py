"""`manage.py up` looks after what it started, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bench.server import REPOSITORY, answers, environment_of, find_free_port
from config import embedded
from config.management.commands.up import STEADY_AFTER
from tests.faults.stack import STOPS, children_of, kill, wait_until


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of living processes that were told to work in this folder."""
    marker = f"TRACEBINDER_VAR={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if marker in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def database_answers(port: int) -> bool:
    return answers(port) and answers(port, path="/readyz", status=200)


@pytest.mark.soak
def test_up_starts_again_what_was_killed_and_leaves_nothing_behind(tmp_path: Path) -> None:
    port = find_free_port()
    command = [sys.executable, "manage.py", "up", "--no-interpret", "--port", str(port), "--web-workers", "1"]
    with (tmp_path / "up.log").open("wb") as log:
        up = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment_of(tmp_path, "web"), stdout=log, stderr=log
        )
    try:
        wait_until(lambda: database_answers(port), "it does not start")
        time.sleep(STEADY_AFTER)
        kill(int((tmp_path / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0]))
        kill(int((tmp_path / "valkey" / "valkey.pid").read_text()))
        wait_until(lambda: not database_answers(port), "nothing was killed")
        wait_until(lambda: database_answers(port), "it does not come back")
        time.sleep(STEADY_AFTER)
        for pid in children_of(up.pid):
            kill(pid)
        wait_until(lambda: not answers(port), "nothing was killed")
        wait_until(lambda: database_answers(port), "it does not come back")
        up.terminate()
        assert up.wait(3 * STOPS) == 0, (tmp_path / "up.log").read_text()
        wait_until(lambda: processes_of(tmp_path) == [], "a process is left", seconds=STOPS)
    finally:
        up.kill()
        up.wait()
        embedded.stop_valkey(tmp_path)
        embedded.stop_postgres(tmp_path)
