"""When a step of a path ran, as a bar over the time of the whole. The words stand beside it."""

from __future__ import annotations

from typing import Final

from evidence.drawings.svg import check_tone, element

WIDTH: Final = 200.0  # user units
HEIGHT: Final = 8.0
_LEAST: Final = 1.5  # user units: a shorter bar is not seen


def span_bar(start: float, end: float, *, tone: str = "plain") -> str:
    """Draw a bar from one share of the whole, in [0, 1], to another.

    Raises:
        DrawingError: a share that is not finite, or an unknown tone.
    """
    first, last = (min(1.0, max(0.0, share)) * WIDTH for share in (start, end))
    left = min(first, WIDTH - _LEAST)
    bar = element(
        "rect", x=left, y=0, width=max(_LEAST, last - left), height=HEIGHT,
        class_=f"tb-draw-bar tb-draw--{check_tone(tone)}",
    )  # fmt: skip
    return element(
        "svg", bar, class_="tb-span-bar", viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}", width=WIDTH, height=HEIGHT,
        preserveAspectRatio="none", aria_hidden="true",
    ).render()  # fmt: skip
