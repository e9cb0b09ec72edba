"""A table of amounts as squares: the larger the amount the larger the square, hollow where it lies below zero.

Size and not hue carries the amount, so it can be read in both schemes, in grey and by whoever does not tell hues apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from evidence.drawings.svg import DrawingError, Element, amount, element, picture, width_of, words

CELL: Final = 22.0  # user units
MOST_NAME: Final = 120.0  # user units, for the names of rows
TOP: Final = 44.0  # user units, for the names of columns
BOTTOM: Final = 34.0  # user units, for the legend
LEGEND: Final = 480.0  # user units that it takes at least
UNIT_ROOM: Final = 140.0  # user units of the legend, for the unit
RIGHT: Final = 24.0  # user units
LEAST: Final = 0.08  # of a cell: the side of a square that can still be seen


def heat(
    values: Sequence[Sequence[float]], *, rows: Sequence[str], columns: Sequence[str], row: str, column: str,
    unit: str, title: str,
) -> str:  # fmt: skip
    """Draw a square for each amount; each says what it is.

    Args:
        row: what the rows are: "layer"; `column` likewise.

    Raises:
        DrawingError: no cells, another number of names than of cells, a value that is not finite.
    """
    if not rows or not columns or len(values) != len(rows):
        raise DrawingError("there are no cells, or not one row for each name")
    if any(len(line) != len(columns) for line in values):
        raise DrawingError("a row has not one cell for each column")
    every = [value for line in values for value in line]
    if not all(math.isfinite(value) for value in every):
        raise DrawingError("a value that is not finite has no place in a drawing")
    most = max(map(abs, every))
    left = min(MOST_NAME, max(width_of(name) for name in [*rows, row]) + 12)
    low, high = min(every), max(every)
    scale = [-most, *_steps(most)] if low < 0 else _steps(most)
    width = left + max(CELL * len(columns) + RIGHT, LEGEND, sum(map(_room, scale)) + UNIT_ROOM)
    bottom = TOP + CELL * len(rows)
    ground = element(
        "rect", x=left, y=TOP, width=CELL * len(columns), height=CELL * len(rows), class_="tb-draw-ground"
    )
    cells = [
        _cell(
            left + CELL * x, TOP + CELL * y, value, most,
            f"{row} {rows[y]}, {column} {columns[x]}: {amount(value)} {unit}",
        )
        for y, line in enumerate(values) for x, value in enumerate(line)
    ]  # fmt: skip
    return picture(
        ground, *_names_of_rows(rows, row, left), *_names_of_columns(columns, column, left), *cells,
        *_legend(left, bottom + 12, scale, unit), width=width, height=bottom + BOTTOM, title=title,
        description=f"{row} {len(rows)} × {column} {len(columns)}: {amount(low)} – {amount(high)} ({unit})",
    )  # fmt: skip


def _cell(x: float, y: float, value: float, most: float, said: str) -> Element:
    side = _side(value, most)
    at = (CELL - side) / 2
    kind = "tb-draw-cell tb-draw-cell--below" if value < 0 else "tb-draw-cell"
    return element(
        "g",
        element("title", said),
        element("rect", x=x, y=y, width=CELL, height=CELL, class_="tb-draw-mesh"),
        element("rect", x=x + at, y=y + at, width=side, height=side, class_=kind),
    )


def _side(value: float, most: float) -> float:
    """Return the side of a square whose area goes with the amount."""
    share = math.sqrt(abs(value) / most) if most else 0.0
    return (CELL - 3) * max(share, LEAST)


def _names_of_rows(names: Sequence[str], noun: str, left: float) -> list[Element]:
    told = [words(left - 6, TOP - 8, noun, room=left - 6, anchor="end", class_="tb-draw-quiet")]
    return told + [
        words(left - 6, TOP + CELL * number + 15, name, room=left - 6, anchor="end")
        for number, name in enumerate(names)
    ]


def _names_of_columns(names: Sequence[str], noun: str, left: float) -> list[Element]:
    """Return the names of as many columns as there is room for, at equal steps."""
    step = max(1, math.ceil((max(map(width_of, names)) + 6) / CELL))
    step = min(step, 6)
    told = [words(left, 14, noun, room=200, class_="tb-draw-quiet")]
    return told + [
        words(left + CELL * (number + 0.5), TOP - 8, names[number], room=CELL * step - 2, anchor="middle")
        for number in range(0, len(names), step)
    ]


def _steps(most: float) -> list[float]:
    return [most / 4, most / 2, most] if most else []


def _room(value: float) -> float:
    """Return how wide an amount of the legend is, with its square."""
    return CELL + 12 + width_of(amount(value))


def _legend(left: float, top: float, scale: Sequence[float], unit: str) -> list[Element]:
    drawn: list[Element] = []
    x = left
    for value in scale:
        text = amount(value)
        drawn += [
            _cell(x, top, value, max(scale), text),
            words(x + CELL + 4, top + 15, text, room=width_of(text), class_="tb-draw-quiet"),
        ]
        x += _room(value)
    return [*drawn, words(x + 4, top + 15, unit, room=UNIT_ROOM - 4, class_="tb-draw-quiet")]
