"""What `manage.py replay` tells of a verdict: the same, other, by newer code, or gone and why."""

from __future__ import annotations

from typing import Any

from evidence.replay import Replay


def replay(**changes: str) -> Replay:
    same: dict[str, Any] = {
        "kind": "citation", "ref": "7", "stored_verdict": "verbatim", "replayed_verdict": "verbatim",
        "stored_inputs": "a" * 64, "replayed_inputs": "a" * 64, "stored_code": "1", "current_code": "1",
    }  # fmt: skip
    return Replay(**same | changes)


def test_the_same_is_said_in_few_words_even_by_newer_code() -> None:
    assert replay().explain() == "citation 7: verbatim, replayed the same"
    newer = replay(current_code="2")
    assert newer.agrees
    assert newer.explain() == "citation 7: verbatim, replayed the same"


def test_each_difference_is_named() -> None:
    other = replay(replayed_verdict="fuzzy", replayed_inputs="b" * 64, current_code="2")
    assert other.differs
    assert other.explain() == (
        "citation 7: stored verbatim, replayed fuzzy; the inputs are not the same; the code is now 2, it was 1"
    )
    assert replay(replayed_inputs="b" * 64).explain() == "citation 7: the inputs are not the same"


def test_what_is_gone_on_record_neither_agrees_nor_differs() -> None:
    gone = replay(replayed_verdict="erased", gone="its payload was erased on 2026-11-22 (request 17)")
    assert not gone.agrees
    assert not gone.differs
    assert gone.explain() == (
        "citation 7: verbatim, erased: its payload was erased on 2026-11-22 (request 17)"
    )
