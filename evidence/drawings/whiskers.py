"""Intervals in rows, one under another, against a line: a value beside its null, its baseline and its second seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evidence.drawings.marks import axis, interval, point, reference_line
from evidence.drawings.scale import Scale, scale_over
from evidence.drawings.svg import DrawingError, Element, amount, check_tone, element, picture, words

ROW: Final = 30.0  # user units
LABELS: Final = 190.0  # user units at the left, for the names of rows
NOTES: Final = 190.0  # user units at the right, for their numbers, unless said
TOP: Final = 24.0  # user units above the rows, for the words of the reference line
BOTTOM: Final = 40.0  # user units below them, for the axis


@dataclass(frozen=True, slots=True)
class Whisker:
    """A row: a value with its interval. A value may lie outside: a bound can count what the value leaves out."""

    label: str
    value: float
    low: float
    high: float
    tone: str = "plain"
    note: str = ""  # after the numbers: "n 40"

    @property
    def figures(self) -> str:
        """The numbers of the row, as text."""
        numbers = f"{amount(self.value)} [{amount(self.low)}, {amount(self.high)}]"
        return f"{numbers}, {self.note}" if self.note else numbers


@dataclass(frozen=True, slots=True)
class Reference:
    """A value all rows are compared with, and what it is."""

    value: float
    label: str


def whiskers(
    rows: Sequence[Whisker], *, title: str, unit: str, reference: Reference | None = None,
    least: Sequence[float] = (), width: float = 760.0, notes: float = NOTES,
) -> str:  # fmt: skip
    """Draw intervals in rows.

    Args:
        least: values the scale holds in any case: (0, 1) for a share.
        width: user units; a page with less room shrinks the drawing.
        notes: of them, the room for the numbers of the rows.

    Raises:
        DrawingError: no rows, an interval upside down, a value that is not finite, an unknown tone.
    """
    for row in rows:
        check_tone(row.tone)
        if row.low > row.high:
            raise DrawingError(f"{row.label}: the interval runs from {row.low} down to {row.high}")
    shown = [value for row in rows for value in (row.value, row.low, row.high)]
    scale = scale_over(
        [*shown, *([reference.value] if reference and rows else [])], start=LABELS, end=width - notes,
        least=least if rows else (), air=0.05,
    )  # fmt: skip
    bottom = TOP + ROW * len(rows)
    drawn = [_row(scale, row, TOP + ROW * (number + 0.5), width, notes) for number, row in enumerate(rows)]
    line = (
        [reference_line(scale, reference.value, reference.label, top=0, bottom=bottom)] if reference else []
    )
    said = [f"{row.label}: {row.figures}" for row in rows]
    said += [f"{reference.label}: {amount(reference.value)}"] if reference else []
    return picture(
        *line, *drawn, axis(scale, bottom, unit), width=width, height=bottom + BOTTOM, title=title,
        description=f"{'; '.join(said)} ({unit})",
    )  # fmt: skip


def _row(scale: Scale, row: Whisker, y: float, width: float, notes: float) -> Element:
    return element(
        "g",
        words(0, y + 4, row.label, room=LABELS - 16),
        interval(scale, row.low, row.high, y, row.tone),
        point(scale, row.value, y, row.tone),
        words(width - notes + 16, y + 4, row.figures, room=notes - 16, class_="tb-draw-quiet"),
    )
