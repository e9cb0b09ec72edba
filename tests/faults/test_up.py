"""`manage.py up` looks after what it started, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bench.server import REPOSITORY, answers, environment_of, find_free_port, make_token
from config import embedded
from config.management.commands.up import STEADY_AFTER
from tests.faults.checks import checking
from tests.faults.load import Load
from tests.faults.stack import STOPS, SYSTEM, Stack, children_of, kill, wait_until


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


def start_up(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start `manage.py up` in a folder; what it says is added to `up.log` there."""
    command = [sys.executable, "manage.py", "up", "--no-interpret", "--port", str(port), "--web-workers", "1"]
    with (folder / "up.log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=REPOSITORY, env=environment_of(folder, "web"), stdout=log, stderr=log
        )


def stop_and_leave_nothing(up: subprocess.Popen[bytes], folder: Path) -> None:
    """Ask it to stop, and see that it and all that it started have ended."""
    up.terminate()
    assert up.wait(3 * STOPS) == 0, (folder / "up.log").read_text()
    wait_until(lambda: processes_of(folder) == [], "a process is left", seconds=STOPS)


def end(up: subprocess.Popen[bytes], folder: Path) -> None:
    """End whatever is left, however the test went."""
    up.kill()
    up.wait()
    embedded.stop_valkey(folder)
    embedded.stop_postgres(folder)


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_up_that_is_killed_under_load_is_begun_again_and_has_lost_nothing(tmp_path: Path) -> None:
    stack = Stack(tmp_path)  # its processes are those of `up`
    up = start_up(tmp_path, stack.port)
    try:
        wait_until(lambda: database_answers(stack.port), "it does not start")
        stack.token = make_token(tmp_path, SYSTEM)
        with checking(stack) as checks, Load(stack, seed=6) as load:
            for _ in range(2):
                load.wait_for_progress()
                up.kill()
                up.wait()
                wait_until(lambda: not answers(stack.port), "what it started goes on without it")
                up = start_up(tmp_path, stack.port)
                load.wait_for_progress()
                load.pause()
                checks.check_traces()
                checks.check_spans()
                checks.check_log()
                load.go_on()
        assert load.broken_promises == []
        stop_and_leave_nothing(up, tmp_path)
    finally:
        end(up, tmp_path)


@pytest.mark.soak
def test_up_starts_again_what_was_killed_and_leaves_nothing_behind(tmp_path: Path) -> None:
    port = find_free_port()
    up = start_up(tmp_path, port)
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
        stop_and_leave_nothing(up, tmp_path)
    finally:
        end(up, tmp_path)
