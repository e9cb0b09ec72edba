"""What a gate tells beside its sentences."""

from __future__ import annotations

import re
from pathlib import Path

from evidence.gate_reasons import stated
from requirements.telling import SETTLED_BY

ROOM = Path(__file__).parents[2] / "requirements"


def test_each_code_of_an_obstacle_says_what_would_settle_it() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in ROOM.rglob("*.py"))
    codes = set(re.findall(r'Obstacle\(\s*"([a-z_]+)"', source))
    assert len(codes) > 15
    roles = {
        f"{role}_{what}" for role in ("suite", "evaluator", "dataset") for what in ("unregistered", "differs")
    }
    assert codes | roles <= set(SETTLED_BY)


def test_numbers_are_rounded_as_stated() -> None:
    assert stated({"value": 0.1 + 0.2, "n": 3, "of": [1 / 3]}) == {
        "value": 0.3,
        "n": 3,
        "of": [0.333333333333],
    }
