"""Binders of every released format verify forever: these files are never made anew."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.client.both import verify_with_both
from tracebinder.verify.trust import parse_trust

GOLDEN = Path(__file__).parent / "golden"
LATER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("folder", sorted(GOLDEN.iterdir()), ids=lambda folder: folder.name)
def test_binder_of_a_released_format_still_verifies(folder: Path) -> None:
    (archive,) = folder.glob("*.zip")
    sidecar = archive.with_name(f"{archive.name}.intoto.jsonl")
    policy = (folder / "trust.json").read_bytes()
    report = verify_with_both(archive, trust=policy, sidecar=sidecar, now=LATER)
    assert report.problems == []
    states = {line.name: line.state for line in report.lines}
    assert states.pop("witnessed") == ("ok" if parse_trust(policy).quorum else "not present")
    assert states.pop("freshness") == "not checked"
    assert set(states.values()) == {"ok"}


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("1.0-people", "3 spans digested again, 3 erased;"),  # binder/2: traces name no spans
        ("1.0-spans", "3 spans digested again, 3 erased;"),  # binder/3: they do
    ],
)
def test_spans_are_digested_again_wherever_they_can_be(folder: str, told: str) -> None:
    (archive,) = (GOLDEN / folder).glob("*.zip")
    report = verify_with_both(archive, trust=(GOLDEN / folder / "trust.json").read_bytes(), now=LATER)
    assert told in {line.name: line.detail for line in report.lines}["completeness"]
