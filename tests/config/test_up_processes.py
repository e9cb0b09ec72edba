"""`manage.py up` with small programs in place of web and workers: what it does when one cannot run, ends or hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from config import embedded
from config.management.commands import up
from config.processes import ProcessSpec

MIGRATE = up._migrate
STOP_US = "import os, signal; os.kill(os.getppid(), signal.SIGTERM)"  # what an init does to `manage.py up`


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Iterator[None]:
    """No servers and no migrations, and the signal handlers as they were."""
    settings.DATABASE_IS_EMBEDDED = settings.REDIS_IS_EMBEDDED = False
    settings.STATIC_ROOT = tmp_path / "static"
    settings.VAR = tmp_path
    monkeypatch.setattr(up, "_migrate", lambda: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run(monkeypatch: pytest.MonkeyPatch, **programs: str) -> None:
    """Run `up` over programs, by the name each has in the log."""
    specs = [ProcessSpec(name, "web", [sys.executable, "-c", code]) for name, code in programs.items()]
    monkeypatch.setattr(up, "plan_processes", lambda **_: specs)
    monkeypatch.setattr(up, "_check_is_free", lambda _: None)
    call_command("up")


def wait_for(path: Path) -> str:
    """Code that goes on once there is such a file."""
    return f"import pathlib, time\nwhile not pathlib.Path({str(path)!r}).exists(): time.sleep(0.01)\n"


def note_pid(path: Path) -> str:
    """Code that tells the process id of whoever runs it, whole or not at all."""
    return (
        f"import os, pathlib; draft = pathlib.Path({str(path)!r} + '.draft')\n"
        f"draft.write_text(str(os.getpid())); draft.rename({str(path)!r})\n"
    )


def has_ended(pid_file: Path) -> bool:
    """Whether a process is gone, or a corpse that nobody has buried yet."""
    try:
        state = Path(f"/proc/{pid_file.read_text()}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in {"Z", "X"}


def test_a_process_that_cannot_run_ends_all_of_them_and_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pid = tmp_path / "worker.pid"
    with pytest.raises(CommandError, match="web ended by itself with code 3"):
        run(
            monkeypatch,
            worker=note_pid(pid) + "import time; time.sleep(600)",
            web=wait_for(pid) + "raise SystemExit(3)",
        )
    assert has_ended(pid)


def test_a_process_that_had_run_steadily_is_started_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(up, "STEADY_AFTER", 0)
    been_here = tmp_path / "been-here"
    run(
        monkeypatch,
        worker=f"import pathlib; mark = pathlib.Path({str(been_here)!r})\n"
        f"if not mark.exists(): mark.touch(); raise SystemExit(7)\n{STOP_US}; import time; time.sleep(600)",
    )
    assert "worker had ended with code 7 and is started again" in capsys.readouterr().out


def test_what_does_not_stop_when_asked_is_killed_with_all_that_belongs_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(up, "STOP_AFTER", 0.2)
    deaf, child = tmp_path / "deaf.pid", tmp_path / "child.pid"
    started = time.monotonic()
    run(
        monkeypatch,
        web="import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"if os.fork():\n {note_pid(deaf).replace(chr(10), chr(10) + ' ')}\nelse:\n"
        f" {note_pid(child).replace(chr(10), chr(10) + ' ')}\ntime.sleep(600)",
        beat=wait_for(deaf) + wait_for(child) + STOP_US,
    )
    assert time.monotonic() - started < 60
    deadline = time.monotonic() + 10
    while not (has_ended(deaf) and has_ended(child)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert has_ended(deaf)
    assert has_ended(child)


def test_a_process_that_has_run_and_then_ends_at_once_is_given_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on a full disk: three starts in vain, and then there is room again."""
    monkeypatch.setattr(up, "STEADY_AFTER", 0.5)
    monkeypatch.setattr(up, "REST", 0.1)
    starts = tmp_path / "starts"
    run(
        monkeypatch,
        worker=f"import pathlib, time\nstarts = pathlib.Path({str(starts)!r})\n"
        "n = len(starts.read_text()) if starts.exists() else 0\nstarts.write_text('x' * (n + 1))\n"
        f"if n == 0: time.sleep(1)\nif n < 4: raise SystemExit(28)\n{STOP_US}; time.sleep(600)",
    )
    assert len(starts.read_text()) == 5


def test_a_log_that_cannot_be_written_ends_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(up, "announce", lambda *_, **__: None)
    monkeypatch.setattr("rich.console.Console.print", fail)
    done = tmp_path / "done"
    run(
        monkeypatch,
        web="import sys\nfor _ in range(20_000): print('x' * 80)\n"
        + note_pid(done)
        + "import time; time.sleep(600)",
        beat=wait_for(done) + STOP_US + "\nimport time; time.sleep(600)",
    )
    assert done.exists(), "who wrote much was held up for ever"


def test_what_up_started_ends_with_it_even_where_it_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "web.pid"
    code = (
        "import os, sys, time, signal, subprocess\n"
        f"program = {note_pid(pid) + 'import time; time.sleep(600)'!r}\n"
        f"tied = {str(up.TIED)!r}\n"
        "subprocess.Popen([sys.executable, tied, str(os.getpid()), sys.executable, '-c', program],"
        " start_new_session=True)\n"
        f"import pathlib\nwhile not pathlib.Path({str(pid)!r}).exists(): time.sleep(0.01)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while not has_ended(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert has_ended(pid)


def test_a_second_up_in_one_folder_is_refused(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    with up._only_one(settings.VAR), pytest.raises(CommandError, match=r"Another `manage\.py up` is at work"):
        run(monkeypatch, web="raise SystemExit(3)")


def test_a_server_that_ended_is_started_again_and_one_that_cannot_is_said_to(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    def revive(_: Path, server: str) -> bool:
        if server == "postgres":
            return True
        os.kill(os.getpid(), signal.SIGTERM)
        raise embedded.EmbeddedError("its port is taken")

    settings.DATABASE_IS_EMBEDDED = settings.REDIS_IS_EMBEDDED = True
    monkeypatch.setattr(embedded, "running", lambda *_, **__: nullcontext())
    monkeypatch.setattr(embedded, "revive", revive)
    monkeypatch.setattr(up, "LOOK_AFTER", 0)
    run(monkeypatch, web="import time; time.sleep(600)")
    told = capsys.readouterr().out
    assert "postgres had ended and was started again" in told
    assert "valkey has ended and cannot be started: its port is taken" in told


@pytest.mark.parametrize("step", ["migrate", "make_partitions"])
def test_without_its_tables_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path, step: str
) -> None:
    (tmp_path / "manage.py").write_text(
        "import os, sys\nassert os.environ['TRACEBINDER_PROCESS'] == 'owner'\n"
        f"sys.exit(1 if sys.argv[1] == {step!r} else 0)\n"
    )
    settings.BASE_DIR = tmp_path
    monkeypatch.setattr(up, "_migrate", MIGRATE)
    started = tmp_path / "started"
    with pytest.raises(CommandError, match=f"manage.py {step}` failed"):
        run(monkeypatch, web=note_pid(started))
    assert not started.exists()
