"""`manage.py up` before anything is started: which port, which processes, and what it says of them."""

from __future__ import annotations

import io
import socket

import pytest
from django.core.management import CommandError, call_command
from rich.console import Console

from config.management.commands.up import announce
from config.processes import plan_processes


def said_of(port: int) -> str:
    said = io.StringIO()
    console = Console(file=said, width=200)
    announce(console, plan_processes(port=port, web_workers=1, probe_processes=1), port=port)
    return said.getvalue()


def test_a_port_that_somebody_listens_on_is_refused_with_another_to_try() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as the web server listens
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} cannot be used"):
            call_command("up", "--port", str(port))


@pytest.mark.parametrize("port", ["0", "65536", "eight", "²"])
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(CommandError, match="from 1 to 65535"):
        call_command("up", "--port", port)


def test_probes_are_shared_by_as_many_processes_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())  # torch is installed
    specs = {spec.name: spec for spec in plan_processes(port=8001, web_workers=1, probe_processes=3)}
    command = specs["interpret"].command
    assert command[command.index("-c") + 1] == "3"
    assert "interpret" not in {
        spec.name for spec in plan_processes(port=8001, web_workers=1, probe_processes=0)
    }


def test_where_torch_is_missing_everything_else_runs_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else object())
    specs = plan_processes(port=8001, web_workers=1, probe_processes=1)
    assert [spec.name for spec in specs] == ["web", "worker", "log", "beat"]
    said = said_of(8001)
    assert "http://127.0.0.1:8001/admin/" in said
    assert "No interpret worker" in said
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    assert "No interpret worker" not in said_of(8001)
