"""Binders of every released format verify forever: these files are never made anew."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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


def test_witnesses_a_time_stamp_and_a_key_that_was_replaced_are_checked_for_ever() -> None:
    """`binder/4`: the binder before it, two cosignatures, a time-stamp; its log's key had been replaced already."""
    folder = GOLDEN / "1.0-witnessed"
    (archive,) = folder.glob("*.zip")
    policy = _without_sidecar(folder)
    assert len(policy["log"]["formerKeys"]) == 1
    report = verify_with_both(archive, trust=policy, now=LATER)
    assert report.exit_code == 0
    told = report.line("witnessed").detail
    assert told.startswith("cosigned by 2 of 2 trusted witnesses")
    assert "time-stamped at 2026-11-26T12:08" in told
    assert isinstance(report.statement["previousBinder"], dict)


def test_deployments_and_exchanges_are_counted_for_ever() -> None:
    """`binder/8`: a deployment by a gate's decision, and the rollback that undid the next one."""
    folder = GOLDEN / "1.0-deployments"
    (archive,) = folder.glob("*.zip")
    report = verify_with_both(archive, trust=_without_sidecar(folder), now=LATER)
    assert report.exit_code == 0
    told = report.line("completeness").detail
    assert "; 1 deployments by decision, 1 rollbacks;" in told
    assert "1 exchanges, 20 traces from before they were told;" in told


def _without_sidecar(folder: Path) -> dict[str, Any]:
    return {**json.loads((folder / "trust.json").read_bytes()), "requireSidecar": False}
