"""The threat model names, for each flow and each letter, the test that answers it; and what nothing answers."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tests.docs.references import DOCS, is_there

PAGE = DOCS / "reference" / "threat-model.md"
FLOWS = ["Trace in", "Eval in", "Probe", "Review", "Binder", "Log", "People and tokens", "Pages"]
LETTERS = set("STRIDE")
STATES = {"met", "partly", "not met", "outside"}
TEST = re.compile(r"`(tests/[\w/]+\.py::test_\w+)`")


def rows_of(heading: str, width: int) -> list[list[str]]:
    """Return the cells of each row of the table below a heading."""
    part = PAGE.read_text(encoding="utf-8").partition(f"{heading}\n")[2]
    lines = [
        line for line in re.split(r"^#", part, flags=re.MULTILINE)[0].splitlines() if line.startswith("|")
    ]
    rows = [re.split(r"\s*\|\s*", line)[1:-1] for line in lines[2:]]
    assert rows
    assert all(len(row) == width for row in rows), rows
    return rows


@pytest.mark.parametrize("flow", FLOWS)
def test_each_flow_has_all_six_letters_each_answered_by_a_test_or_said_not_to_be(flow: str) -> None:
    answered: dict[str, int] = defaultdict(int)
    for letter, threat, how, test in rows_of(f"## {flow}", 4):
        assert letter in LETTERS, threat
        answered[letter] += bool(TEST.fullmatch(test))
        assert TEST.fullmatch(test) or (test == "" and "*not answered*" in how), threat
    assert {letter for letter, tests in answered.items() if tests} == LETTERS


def test_each_requirement_of_the_standard_says_how_far_it_is_met_and_by_which_test() -> None:
    rows = rows_of("# OWASP AISVS 1.0: access and logging", 5)
    for number, asks, state, how, test in rows:
        assert state in STATES, number
        assert asks
        if state in {"met", "partly"}:
            assert how, number
            assert TEST.fullmatch(test), number
    per_chapter = {chapter: sum(row[0].startswith(chapter) for row in rows) for chapter in ("5.", "12.")}
    assert per_chapter == {"5.": 11, "12.": 21}


def test_each_test_that_the_page_names_is_there() -> None:
    named = TEST.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 90
    assert [test for test in named if not is_there(test)] == []
    assert is_there("tests/docs/test_threat_model.py::test_that_nobody_wrote") is False
