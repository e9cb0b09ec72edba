"""Every setting read from the environment says its unit where it stands."""

from __future__ import annotations

import ast
from pathlib import Path

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
