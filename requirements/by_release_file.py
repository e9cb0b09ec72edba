"""Requirements by release as CSV: a line for each requirement, four columns for each release. Verdicts are codes.

A cell that a spreadsheet would take for a formula begins with an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from evidence.hidden_signs import show_hidden
from evidence.models import Release, System
from evidence.spreadsheet_cells import BYTE_ORDER_MARK, cell
from requirements.models import Baseline
from requirements.selectors.by_release import Matrix

_OF_ROW: Final = (
    "system", "baseline", "at", "requirement", "version", "layer", "risk_tier", "statement", "criteria",
    "suspect_because",
)  # fmt: skip
_OF_RELEASE: Final = ("standing", "stale_since", "fresh_until", "n")
KEPT: Final = "kept_from_reader"  # in place of a standing


def by_release_csv(
    matrix: Matrix, places: Iterable[int], releases: Sequence[Release], seen: Collection[int],
    statements: Mapping[int, str], of: tuple[System, Baseline | None, datetime],
) -> str:  # fmt: skip
    """Return rows of a matrix as CSV.

    Args:
        places: which rows.
        seen: the columns that the reader may know; of another nothing is told but that.
        statements: what requirement versions say.
        of: the system, the baseline, and as of when.
    """
    system, baseline, at = of
    text = io.StringIO()
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text)
    names = (f"{release.name} {figure}" for release in releases for figure in _OF_RELEASE)
    writer.writerow([cell(each) for each in (*_OF_ROW, *names)])
    head = (system.key, baseline.name if baseline else "", at.isoformat())
    for place in places:
        row = matrix.rows[place]
        told: list[object] = [
            *head, row.key, row.number, row.layer, row.risk_tier, show_hidden(statements.get(row.version_id, "")),
            row.n_criteria, "; ".join(row.suspect_because),
        ]  # fmt: skip
        for column in range(len(releases)):
            told += _cells(matrix, column, place) if column in seen else (KEPT, "", "", "")
        writer.writerow([cell(each) for each in told])
    return text.getvalue()


def _cells(matrix: Matrix, column: int, place: int) -> Sequence[object]:
    found = matrix.columns[column].cell(place)
    if found is None:
        return ("", "", "", "")
    ages = (moment.isoformat() if moment else "" for moment in (found.stale_since, found.fresh_until))
    return (found.standing.value, *ages, found.n)
