"""What an effect comes to as its cause grows: a line with its interval, and what a control comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evidence.drawings.marks import axis
from evidence.drawings.scale import Scale, scale_over
from evidence.drawings.svg import EM, DrawingError, Element, amount, element, picture, words

LEFT: Final = 64.0  # user units, for the values of the axis
TOP: Final = 30.0  # user units, for its unit
BOTTOM: Final = 44.0  # user units, for the doses
RIGHT: Final = 16.0  # user units
ARM: Final = 4.0  # user units, half the size of a control's cross


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose and what it came to, with its interval, and what a control of the same dose came to, with its own."""

    dose: float
    value: float
    low: float
    high: float
    control: float | None = None
    control_low: float | None = None
    control_high: float | None = None

    @property
    def figures(self) -> str:
        """The numbers, as text."""
        return f"{amount(self.dose)}: {amount(self.value)} [{amount(self.low)}, {amount(self.high)}]"

    @property
    def ends_of_control(self) -> tuple[float, ...]:
        """The control, and the ends of its interval where it has one; empty: there is no control."""
        if self.control is None:
            return ()
        if self.control_low is None or self.control_high is None:
            return (self.control,)
        return (self.control, self.control_low, self.control_high)

    @property
    def figures_of_control(self) -> str:
        """The numbers of the control, as text; empty: there is none."""
        told = [amount(end) for end in self.ends_of_control]
        return f"{told[0]} [{told[1]}, {told[2]}]" if len(told) > 1 else "".join(told)


def doses(
    rows: Sequence[Dose],
    *,
    title: str,
    unit: str,
    dose: str,
    control: str,
    width: float = 620.0,
    height: float = 260.0,
) -> str:
    """Draw what each dose came to, in the order of doses.

    Args:
        dose: what it is a dose of, with its unit, under the axis.
        control: what the crosses are; a line through one is its interval.

    Raises:
        DrawingError: fewer than two doses, one dose twice, an interval upside down, a value that is not finite.
    """
    ordered = sorted(rows, key=lambda row: row.dose)
    if len(ordered) < 2:  # a line has two ends
        raise DrawingError("a response to doses needs two of them")
    if len({row.dose for row in ordered}) < len(ordered):
        raise DrawingError("a dose stands there twice")
    if any(row.low > row.high for row in ordered) or any(_upside_down(row) for row in ordered):
        raise DrawingError("an interval runs from its upper end down to its lower")
    controls = [row for row in ordered if row.ends_of_control]
    values = [each for row in ordered for each in (row.value, row.low, row.high)]
    across = scale_over([row.dose for row in ordered], start=LEFT + 8, end=width - RIGHT)
    up = scale_over(
        [*values, *(end for row in controls for end in row.ends_of_control)],
        start=height - BOTTOM,
        end=TOP,
        air=0.05,
    )
    middle = [(across.place(row.dose), up.place(row.value)) for row in ordered]
    said = "; ".join(row.figures for row in ordered)
    legend = [words(width - RIGHT, 14, f"× {control}", room=width / 2, anchor="end", class_="tb-draw-quiet")]
    return picture(
        *_levels(up, width), words(0, 14, unit, room=width / 2 - 8, class_="tb-draw-quiet"),
        *(legend if controls else []),
        element("path", d=_outline(ordered, across, up), class_="tb-draw-spread"),
        element("path", d=_path(middle), class_="tb-draw-line"),
        *(_control(row, control, across, up) for row in controls),
        *(_point(row, across, up) for row in ordered),
        axis(across, height - BOTTOM, dose),
        width=width, height=height, title=title, description=f"{said} ({unit})",
    )  # fmt: skip


def _levels(up: Scale, width: float) -> list[Element]:
    drawn = []
    for value in up.ticks():
        y = up.place(value)
        drawn.append(element("line", x1=LEFT, y1=y, x2=width - RIGHT, y2=y, class_="tb-draw-grid"))
        drawn.append(
            words(LEFT - 8, y + EM / 3, amount(value), room=LEFT - 8, anchor="end", class_="tb-draw-quiet")
        )
    return drawn


def _outline(rows: Sequence[Dose], across: Scale, up: Scale) -> str:
    upper = [(across.place(row.dose), up.place(row.high)) for row in rows]
    lower = [(across.place(row.dose), up.place(row.low)) for row in reversed(rows)]
    return f"{_path([*upper, *lower])}z"


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in places)


def _point(row: Dose, across: Scale, up: Scale) -> Element:
    return element(
        "circle", element("title", row.figures), cx=across.place(row.dose), cy=up.place(row.value), r=4,
        class_="tb-draw-point tb-draw--plain",
    )  # fmt: skip


def _upside_down(row: Dose) -> bool:
    low, high = row.control_low, row.control_high
    return low is not None and high is not None and low > high


def _control(row: Dose, control: str, across: Scale, up: Scale) -> Element:
    value, *ends = row.ends_of_control
    x, y = across.place(row.dose), up.place(value)
    path = f"M{x - ARM:.2f} {y - ARM:.2f}l{2 * ARM} {2 * ARM}m0 -{2 * ARM}l-{2 * ARM} {2 * ARM}"
    if ends:
        path += _path([(x, up.place(end)) for end in ends])
    return element(
        "path",
        element("title", f"{control}: {row.figures_of_control}"),
        d=path,
        class_="tb-draw-point tb-draw-cross tb-draw--warn",
    )
