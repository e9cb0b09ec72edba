"""Binders of every released format verify forever: these files are never made anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.binders import NOW
from tracebinder.verify import load_trust, verify_binder

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("folder", sorted(GOLDEN.iterdir()), ids=lambda folder: folder.name)
def test_binder_of_a_released_format_still_verifies(folder: Path) -> None:
    (archive,) = folder.glob("*.zip")
    sidecar = archive.with_name(f"{archive.name}.intoto.jsonl")
    report = verify_binder(archive, trust=load_trust(folder / "trust.json"), sidecar=sidecar, now=NOW)
    assert report.problems == []
    states = {line.name: line.state for line in report.lines}
    assert {
        states[name] for name in ("integrity", "origin", "log inclusion", "witnessed", "completeness")
    } == {"ok"}
