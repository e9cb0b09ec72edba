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
DOTS: Final = 9.0  # user units below an interval, for the single values behind it
MARGIN: Final = 8.0  # user units at both sides where rows are stacked
STACKED_ROW: Final = 54.0  # user units
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
    dots: tuple[float, ...] = ()  # single values that stand behind it, small

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


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of values behind all rows, and what it is."""

    low: float
    high: float
    label: str


def whiskers(
    rows: Sequence[Whisker], *, title: str, unit: str, reference: Reference | None = None, band: Band | None = None,
    least: Sequence[float] = (), width: float = 760.0, notes: float = NOTES, stacked: bool = False,
) -> str:  # fmt: skip
    """Draw intervals in rows.

    Args:
        least: values the scale holds in any case: (0, 1) for a share.
        width: user units; a page with less room shrinks the drawing.
        notes: of them, the room for the numbers of the rows.
        stacked: names and numbers stand above each interval, not beside it: for narrow pages.

    Raises:
        DrawingError: no rows, an interval upside down, a value that is not finite, an unknown tone.
    """
    for row in rows:
        check_tone(row.tone)
        if row.low > row.high:
            raise DrawingError(f"{row.label}: the interval runs from {row.low} down to {row.high}")
    shown = [value for row in rows for value in (row.value, row.low, row.high, *row.dots)]
    lines = [reference.value] if reference else []
    lines += [band.low, band.high] if band else []
    start, end = (MARGIN, width - MARGIN) if stacked else (LABELS, width - notes)
    scale = scale_over(
        [*shown, *(lines if rows else [])], start=start, end=end, least=least if rows else (), air=0.05
    )
    height = STACKED_ROW if stacked else ROW
    bottom = TOP + height * len(rows)
    places = [TOP + height * number for number in range(len(rows))]
    draw = _stacked_row if stacked else _row
    drawn = [draw(scale, row, top, width, notes) for row, top in zip(rows, places, strict=True)]
    said = [f"{row.label}: {row.figures}" for row in rows]
    said += [f"{reference.label}: {amount(reference.value)}"] if reference else []
    said += [f"{band.label}: {amount(band.low)} – {amount(band.high)}"] if band else []
    return picture(
        *([_band(scale, band, bottom)] if band else []),
        *([_reference(scale, reference, bottom)] if reference else []),
        *drawn, axis(scale, bottom, unit), width=width, height=bottom + BOTTOM, title=title,
        description=f"{'; '.join(said)} ({unit})",
    )  # fmt: skip


def _row(scale: Scale, row: Whisker, top: float, width: float, notes: float) -> Element:
    y = top + ROW / 2
    return element(
        "g",
        words(0, y + 4, row.label, room=LABELS - 16),
        *_marks(scale, row, y),
        words(width - notes + 16, y + 4, row.figures, room=notes - 16, class_="tb-draw-quiet"),
    )


def _stacked_row(scale: Scale, row: Whisker, top: float, width: float, notes: float) -> Element:
    del notes
    return element(
        "g",
        words(MARGIN, top + 13, row.label, room=width - 2 * MARGIN),
        words(MARGIN, top + 28, row.figures, room=width - 2 * MARGIN, class_="tb-draw-quiet"),
        *_marks(scale, row, top + 40),
    )


def _marks(scale: Scale, row: Whisker, y: float) -> list[Element]:
    """Return the interval and its point, and under it the single values behind it."""
    dots = [
        element("circle", cx=scale.place(value), cy=y + DOTS, r=2, class_="tb-draw-dot") for value in row.dots
    ]
    return [*dots, interval(scale, row.low, row.high, y, row.tone), point(scale, row.value, y, row.tone)]


def _reference(scale: Scale, reference: Reference, bottom: float) -> Element:
    top = 0 if reference.label else TOP - 4
    return reference_line(scale, reference.value, reference.label, top=top, bottom=bottom)


def _band(scale: Scale, band: Band, bottom: float) -> Element:
    left, right = sorted((scale.place(band.low), scale.place(band.high)))
    is_late = left - scale.start > scale.end - right
    return element(
        "g",
        element("rect", x=left, y=TOP - 4, width=right - left, height=bottom - TOP + 4, class_="tb-draw-band"),
        words(
            right if is_late else left, TOP - 10, band.label,
            room=max(right - scale.start if is_late else scale.end - left, 0), anchor="end" if is_late else "start",
            class_="tb-draw-quiet",
        ),
    )  # fmt: skip
