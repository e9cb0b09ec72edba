"""The first author's tutorial: each of its commands in a shell, against a server on which only the system is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evidence.models import Scope
from requirements.models import RequirementVersion
from requirements.selectors.requirements import state_of
from tests.factories import World, make_world
from tests.requirements.builders import APPROVER, move

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "first-requirements.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"```(sh|text)\n(.*?)```", re.DOTALL)
BY_ANOTHER = "An approver opens"  # what no command does


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.mark.django_db(transaction=True)
def test_a_first_author_gets_from_a_sentence_to_an_approved_requirement(
    world: World, live_server: Any, tmp_path: Path
) -> None:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'client'}",
        "TRACEBINDER_URL": live_server.url,
        "TRACEBINDER_TOKEN": world.token(Scope.IMPORT, Scope.READ),
    }
    said = ""
    for section in PAGE.split("\n## ")[1:]:
        for kind, text in _BLOCK.findall(section):
            if kind == "text":
                for line in text.splitlines():
                    assert line.strip() in said, (
                        f"the page promises {line!r}, and what was printed is\n{said}"
                    )
                continue
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text], cwd=tmp_path, env=environment, text=True,
                capture_output=True, timeout=120, check=False,
            )  # fmt: skip
            said = done.stdout
            assert done.returncode == 0, f"{text}\n{said}{done.stderr}"
        if BY_ANOTHER in section:
            move(RequirementVersion.objects.get(number=2), "approved", APPROVER)
    assert [state_of(version).value for version in RequirementVersion.objects.order_by("number")] == [
        "draft",
        "approved",
    ]
