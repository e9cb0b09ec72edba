"""What a gate tells beside its sentences."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evidence.evals.contracts import Direction
from evidence.gate_reasons import stated
from evidence.statistics import estimate_successes
from requirements.checks.contracts import as_measured
from requirements.drafts import Comparator
from requirements.telling import SETTLED_BY, settle
from requirements.verdicts import Rule, judge

ROOM = Path(__file__).parents[2] / "requirements"


def test_each_code_of_an_obstacle_says_what_would_settle_it() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in ROOM.rglob("*.py"))
    codes = set(re.findall(r'Obstacle\(\s*"([a-z_]+)"', source))
    assert len(codes) > 15
    roles = {
        f"{role}_{what}" for role in ("suite", "evaluator", "dataset") for what in ("unregistered", "differs")
    }
    assert codes | roles <= set(SETTLED_BY)


def test_nobody_is_told_to_make_another_release_for_another_look() -> None:
    """A release with trivially other pins begins a new count: to advise it is to advise a look with all of alpha."""
    assert not [code for code, says in SETTLED_BY.items() if re.search(r"(make|freeze) a.* other", says)]
    assert "planned_runs" in SETTLED_BY["beyond_plan"]


def test_numbers_are_rounded_as_stated() -> None:
    assert stated({"value": 0.1 + 0.2, "n": 3, "of": [1 / 3]}) == {
        "value": 0.3,
        "n": 3,
        "of": [0.333333333333],
    }


@pytest.mark.parametrize(
    ("comparator", "threshold", "successes", "missing", "says"),
    [
        (Comparator.AT_LEAST, 0.93, 187, 0, ("units would settle it", "more units like these")),
        (Comparator.AT_LEAST, 0.95, 187, 0, ("settle it: as not met", "would show that it is not met")),
        (Comparator.AT_MOST, 0.95, 187, 0, ("units would settle it", "more units like these")),
        (Comparator.AT_MOST, 0.93, 187, 0, ("settle it: as not met", "would show that it is not met")),
        (Comparator.AT_LEAST, 0.90, 187, 20, ("that are missing could decide it", "do not settle it")),
    ],
)
def test_what_would_settle_it_says_which_way(
    comparator: Comparator, threshold: float, successes: int, missing: int, says: tuple[str, str]
) -> None:
    """187 of 200, or 187 with 20 missing: who reads "about 140 more" takes it for a way to pass, unless told."""
    rule = Rule(comparator, threshold, "share", 1)
    measured = as_measured(
        estimate_successes(successes, 200 - missing // 2, 0.9, missing=missing),
        missing={"errored": missing} if missing else {}, bound_confidence=0.95, inputs={}, unit="share",
        direction=Direction.HIGHER if comparator is Comparator.AT_LEAST else Direction.LOWER,
    )  # fmt: skip
    judgement = judge(rule, measured, None)
    settling = settle(judgement, measured, rule)
    assert judgement.code == "too_few_to_tell"
    assert settling is not None
    assert says[0] in judgement.detail
    assert says[1] in settling["detail"]
    assert ("not met" in judgement.detail) is ("not met" in says[0])
