"""Coverage as CSV. A cell that a spreadsheet would take for a formula begins with an apostrophe."""

from __future__ import annotations

import csv
import io
from typing import Final

from evidence.spreadsheet_cells import cell
from requirements.covered import Judged
from requirements.selectors.coverage import Coverage, CoveredRequirement

HEADER: Final = (
    "system", "release", "baseline", "at", "requirement", "version", "layer", "risk_tier", "standing", "covered",
    "criterion", "check", "suite", "verdict", "stale_since", "n", "value", "unit", "low", "high", "bound_confidence",
    "observed_to", "suspect_because",
)  # fmt: skip


def coverage_csv(coverage: Coverage) -> str:
    """Return a line for each criterion of each requirement, and one for a requirement that has none."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for one in coverage.requirements:
        writer.writerows(_line(coverage, one, criterion) for criterion in one.criteria or [None])
    return text.getvalue()


def _line(coverage: Coverage, one: CoveredRequirement, criterion: Judged | None) -> list[str]:
    head = [
        coverage.release.system.key, coverage.release.name, coverage.baseline, coverage.at.isoformat(), one.key,
        one.number, one.layer, one.risk_tier, one.standing.value, "yes" if one.is_covered else "no",
    ]  # fmt: skip
    if criterion is None:
        told: list[object] = [""] * (len(HEADER) - len(head) - 1)
    else:
        since = criterion.stale_since(coverage.at)
        told = [
            criterion.key, criterion.check, criterion.suite, criterion.told,
            since.isoformat() if since else "", criterion.n, criterion.value, criterion.unit, criterion.low,
            criterion.high, criterion.bound_confidence,
            criterion.observed_to.isoformat() if criterion.observed_to else "",
        ]  # fmt: skip
    return [cell(each) for each in (*head, *told, "; ".join(one.suspect_because))]
