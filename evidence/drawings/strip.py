"""Single values as dots along a line, piled where they are many, with the least and the greatest named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evidence.drawings.marks import axis, reference_line
from evidence.drawings.scale import Scale, scale_over
from evidence.drawings.svg import DrawingError, Element, amount, element, picture, words
from evidence.drawings.whiskers import Reference

MARGIN: Final = 16.0  # user units at both sides
TOP: Final = 40.0  # user units above the dots, for the words of line and ends
PILE: Final = 84.0  # user units: the height that the highest pile may have
STEP: Final = 8.0  # user units: a dot with its space
BOTTOM: Final = 40.0  # user units, for the axis


@dataclass(frozen=True, slots=True)
class Dot:
    """A value with its name."""

    label: str
    value: float


def strip(
    dots: Sequence[Dot], *, title: str, unit: str, reference: Reference | None = None, width: float = 700.0
) -> str:
    """Draw values as dots in piles. Each dot says which it is, and the two at the ends are named.

    Raises:
        DrawingError: no dots, or a value that is not finite.
    """
    if not dots:
        raise DrawingError("there is nothing to draw")
    values = [dot.value for dot in dots] + ([reference.value] if reference else [])
    scale = scale_over(values, start=MARGIN, end=width - MARGIN, air=0.05)
    piles = _piles(scale, dots)
    bottom = TOP + max(2 * STEP, min(PILE, STEP * max(map(len, piles))))
    least, greatest = min(dots, key=_by_value), max(dots, key=_by_value)
    line = (
        [reference_line(scale, reference.value, reference.label, top=0, bottom=bottom)] if reference else []
    )
    told = f"{least.label}: {amount(least.value)}; {greatest.label}: {amount(greatest.value)}"
    return picture(
        *line, *_piled(scale, piles, bottom), *_ends(least, greatest, width), axis(scale, bottom, unit),
        width=width, height=bottom + BOTTOM, title=title, description=f"{len(dots)}; {told} ({unit})",
    )  # fmt: skip


def _by_value(dot: Dot) -> float:
    return dot.value


def _piles(scale: Scale, dots: Sequence[Dot]) -> list[list[Dot]]:
    """Return the dots that would cover each other, together."""
    piles: dict[int, list[Dot]] = defaultdict(list)
    for dot in sorted(dots, key=_by_value):
        piles[round(scale.place(dot.value) / STEP)].append(dot)
    return list(piles.values())


def _piled(scale: Scale, piles: Sequence[Sequence[Dot]], bottom: float) -> list[Element]:
    step = min(STEP, PILE / max(map(len, piles)))
    return [
        element(
            "circle", element("title", f"{dot.label}: {amount(dot.value)}"),
            cx=scale.place(dot.value), cy=bottom - STEP / 2 - step * number, r=3.2, class_="tb-draw-dot",
        )
        for pile in piles for number, dot in enumerate(pile)
    ]  # fmt: skip


def _ends(least: Dot, greatest: Dot, width: float) -> list[Element]:
    room = width / 2 - MARGIN - 8
    texts = [f"{dot.label}: {amount(dot.value)}" for dot in (least, greatest)]
    return [
        words(MARGIN, TOP - 10, texts[0], room=room, class_="tb-draw-quiet"),
        words(width - MARGIN, TOP - 10, texts[1], room=room, anchor="end", class_="tb-draw-quiet"),
    ]
