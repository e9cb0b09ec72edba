"""The guides show files; what they show must be what is read."""

from __future__ import annotations

import re
from pathlib import Path

from evidence.evals.formats.native import parse_file
from evidence.statistics import smallest_n_at_least, two_sided
from requirements.yaml_import import parse_requirement_file

GUIDES = Path(__file__).parents[2] / "docs" / "guides"


def shown(guide: str, language: str) -> bytes:
    text = (GUIDES / guide).read_text(encoding="utf-8")
    match = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert match is not None
    return match[1].encode()


def test_the_requirement_in_the_author_guide_is_read() -> None:
    parsed = parse_requirement_file(shown("author.md", "yaml"), "author.md")
    assert parsed.baseline == "credit-1"
    assert len(parsed.requirements[0].criteria[0].slices) == 2


def test_the_eval_file_in_the_ci_guide_is_read() -> None:
    run = parse_file(shown("ci.md", "json"))
    assert (len(run.samples), run.rejects) == (2, ())


def test_the_table_of_observations_is_right() -> None:
    text = (GUIDES / "author.md").read_text(encoding="utf-8")
    thresholds = re.search(r"\| `at_least` \|(.*)\|", text)
    needed = re.search(r"\| observations \|(.*)\|", text)
    assert thresholds is not None
    assert needed is not None
    pairs = zip(thresholds[1].split("|"), needed[1].split("|"), strict=True)
    assert all(smallest_n_at_least(float(t), two_sided(0.95)) == int(n) for t, n in pairs)
