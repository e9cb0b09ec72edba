"""The page on sending telemetry: its script runs with its variables and nothing else, and what it says appears."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evidence.models import Scope, Span, Trace
from evidence.services.assembly import assemble_due_traces
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "send-telemetry.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def world() -> World:
    return make_world("loan-desk")


def run_the_script(tmp_path: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the page's script after the page's exports, in an environment that holds nothing but `changes`."""
    script = tmp_path / "try_it.py"
    script.write_text(block("python"))
    commands = f"{block('sh')}\nexec {sys.executable} {script}"
    for name, value in changes.items():
        commands = commands.replace(name, value)
    return subprocess.run(
        ["bash", "-euc", commands],
        env={},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_three_variables_and_a_plain_sdk_are_enough(
    world: World, live_server: Any, tmp_path: Path, settings: Any
) -> None:
    settings.ASSEMBLY_QUIET = 0
    assert block("sh").count("export ") == 3
    token = world.token(Scope.INGEST)
    ran = run_the_script(tmp_path, **{"http://127.0.0.1:8001": live_server.url, "$APP_TOKEN": token})
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    span = Span.objects.get()
    assert (span.system, span.name) == (world.system, "invoke_agent loan-desk")

    assert assemble_due_traces(limit=10) == 1
    trace = Trace.objects.get()
    assert trace.question == "What does early repayment cost?"
    claim = trace.claims.get()
    assert (claim.text, claim.origin) == (trace.answer, "derived")
    assert not claim.citations.exists()
    assert trace.release is None
    assert not trace.versions.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"$APP_TOKEN": "tb_wrong"}, "401"), ({"8001": "8001/v1/traces", "$APP_TOKEN": "{token}"}, "404")],
)
def test_the_sdk_says_what_the_page_says_it_says(
    world: World, live_server: Any, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    token = world.token(Scope.INGEST)
    filled = {name: value.format(token=token) for name, value in changes.items()}
    ran = run_the_script(tmp_path, **filled, **{"http://127.0.0.1:8001": live_server.url})
    assert said in ran.stderr
    assert not Span.objects.exists()
