"""`tracebinder impact`: what a pull request would make suspect, in words, as data, and as an exit code."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from jsonschema import Draft202012Validator

from tests.client.answering import Answering
from tracebinder.cli.main import main
from tracebinder.documents import read_schema

DIGEST = "d" * 64
END = {
    "kind": "prompt",
    "key": "p",
    "version": 0,
    "digest": DIGEST,
    "state": "live",
    "live": True,
    "waiting": "",
}


def answer(**over: Any) -> dict[str, Any]:
    """Return what the server says of a change that touches a link and a criterion."""
    link = {
        "id": 3, "name": "R>prompt:p", "kind": "satisfies", "upstream": {**END, "kind": "requirement", "key": "R"},
        "downstream": END, "suspicion": "direct", "because": ["prompt:p: v1 -> dddddddddddd"],
        "reviewed_at": ["R v1", "prompt:p v1"], "now": ["R v1 approved", "prompt:p dddddddddddd live"],
        "reviewed_by": "person:a", "reviewed_on": "2026-11-22T09:00:00Z", "reason": "",
    }  # fmt: skip
    criterion = {"name": "R/c", "check_name": "evals.metric", "suite": "fees", "verdict": "met", "then": ""}
    return {
        "system": "s", "change": "other versions in place of those of r1", "summary": "1 links and more become suspect",
        "moved": ["prompt:p: v1 -> dddddddddddd"], "n_links": 1, "n_direct": 1, "n_criteria": 1, "n_evidence": 0,
        "links": [link], "criteria": [criterion], "evidence": [], "suites": ["fees"], "instruments": [], **over,
    }  # fmt: skip


def test_what_becomes_suspect_is_told_and_ends_with_1(
    server: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    server.will_answer(200, answer())
    assert main(["impact", "--system", "s", "--prompt", f"p={DIGEST}", "--pin", f"tool:t={DIGEST}"]) == 1
    asked = parse_qs(urlsplit(server.asked[0][0]).query)
    assert asked == {"system": ["s"], "pins": [f"tool:t={DIGEST},prompt:p={DIGEST}"]}
    said = capsys.readouterr().out
    for part in (
        "1 links and more become suspect",
        "R>prompt:p",
        "prompt:p: v1 -> dddddddddddd",
        "R/c",
        "untested",
    ):
        assert part in said


def test_the_answer_as_data_fits_its_schema_and_nothing_suspect_ends_with_0(
    server: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = Draft202012Validator(json.loads(read_schema("impact")))
    server.will_answer(200, answer())
    assert main(["impact", "--system", "s", "--release", "r2", "--json"]) == 1
    schema.validate(json.loads(capsys.readouterr().out))
    server.will_answer(200, answer(links=[], criteria=[], suites=[]))
    assert main(["impact", "--system", "s", "--requirement", "R", "--version", "2", "--json"]) == 0
    assert "version=2" in server.asked[1][0]


@pytest.mark.parametrize("more", [[], ["--release", "r2", "--prompt", f"p={DIGEST}"], ["--version", "2"]])
def test_exactly_one_change_is_named(server: Answering, more: list[str]) -> None:
    assert main(["impact", "--system", "s", *more]) == 3
    assert server.asked == []
