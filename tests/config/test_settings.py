"""Every setting read from the environment says its unit where it stands, and a process loads what it is for."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.invariants.walk import REPOSITORY

SOURCE = (Path(__file__).parents[2] / "config" / "settings.py").read_text(encoding="utf-8")


def test_each_number_from_the_environment_has_its_unit_beside_it() -> None:
    lines = SOURCE.splitlines()
    numbers = [
        node
        for node in ast.parse(SOURCE).body
        if isinstance(node, ast.Assign) and "env_int(" in ast.unparse(node.value)
    ]
    assert len(numbers) > 20, "the walk found too little"
    without = [
        ast.unparse(node.targets[0])
        for node in numbers
        if not any("#" in line for line in lines[node.lineno - 2 : node.end_lineno])
    ]
    assert without == [], "a comment beside or above each says seconds, bytes, days or what it counts"


LOAD = """
import django, sys
django.setup()
from config.celery import app
app.loader.import_default_modules()
pages = {name for name in sys.modules if name.startswith(("evidence.admin", "interpret.admin", "requirements.admin"))}
print(bool(pages), "rest_framework.views" in sys.modules)
"""


@pytest.mark.parametrize("process", ["worker", "log", "interpret"])
def test_a_worker_loads_no_pages(process: str) -> None:
    """They made each worker hold a third more memory."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "TRACEBINDER_PROCESS": process}
    result = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.split() == ["False", "False"], result.stderr[-2000:]
