"""A trend in the height of a line of text, and amounts as bars."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evidence.drawings.scale import Scale, scale_over
from evidence.drawings.svg import DrawingError, Element, amount, check_tone, element, picture, words

ROW: Final = 26.0  # user units, of a bar with its space
LABELS: Final = 170.0  # user units at the left, for the names of bars
NUMBERS: Final = 90.0  # user units at the right, for their values


@dataclass(frozen=True, slots=True)
class Bar:
    """An amount with its name."""

    label: str
    value: float
    tone: str = "plain"


def sparkline(
    values: Sequence[float | None], *, title: str, width: float = 140.0, height: float = 28.0
) -> str:
    """Draw values in their order, without axes. `None` is a gap: nothing was measured then.

    Raises:
        DrawingError: no value at all, or one that is not finite.
    """
    measured = [value for value in values if value is not None]
    across = scale_over([0, max(1, len(values) - 1)], start=4, end=width - 4)
    up = scale_over(measured, start=height - 4, end=4)
    places = [
        None if value is None else (across.place(at), up.place(value)) for at, value in enumerate(values)
    ]
    runs = [
        list(run) for is_gap, run in itertools.groupby(places, key=lambda place: place is None) if not is_gap
    ]
    last_x, last_y = next(place for place in reversed(places) if place is not None)
    return picture(
        *(_run([place for place in run if place is not None]) for run in runs),
        element("circle", cx=last_x, cy=last_y, r=2.5, class_="tb-draw-point tb-draw--plain"),
        width=width, height=height, title=title,
        description=", ".join("–" if value is None else amount(value) for value in values),
    )  # fmt: skip


def bars(rows: Sequence[Bar], *, title: str, unit: str, width: float = 560.0) -> str:
    """Draw amounts from zero, those below it to the left.

    Raises:
        DrawingError: no rows, a value that is not finite, an unknown tone.
    """
    if not rows:
        raise DrawingError("there is nothing to draw")
    scale = scale_over([row.value for row in rows], start=LABELS, end=width - NUMBERS, least=(0.0,))
    drawn = [_bar(scale, row, ROW * number, width) for number, row in enumerate(rows)]
    zero, height = scale.place(0.0), ROW * len(rows)
    line = element("line", x1=zero, y1=0, x2=zero, y2=height, class_="tb-draw-axis")
    return picture(
        *drawn, line, width=width, height=height, title=title,
        description=f"{'; '.join(f'{row.label}: {amount(row.value)}' for row in rows)} ({unit})",
    )  # fmt: skip


def _run(places: Sequence[tuple[float, float]]) -> Element:
    """Return a stretch without gaps; a single value is a short dash, or it would not be seen."""
    first = places[0]
    path = f"M{first[0]:.2f} {first[1]:.2f}" + "".join(f"L{x:.2f} {y:.2f}" for x, y in places[1:])
    return element("path", d=path if len(places) > 1 else f"{path}h1", class_="tb-draw-line")


def _bar(scale: Scale, row: Bar, top: float, width: float) -> Element:
    left, right = sorted((scale.place(0.0), scale.place(row.value)))
    kind = f"tb-draw-bar tb-draw--{check_tone(row.tone)}"
    return element(
        "g",
        words(0, top + ROW / 2 + 4, row.label, room=LABELS - 12),
        element("rect", x=left, y=top + 4, width=right - left, height=ROW - 8, class_=kind),
        words(
            width - NUMBERS + 8,
            top + ROW / 2 + 4,
            amount(row.value),
            room=NUMBERS - 8,
            class_="tb-draw-quiet",
        ),
    )
