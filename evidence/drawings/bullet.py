"""One measured value against its threshold: how far, how sure, and on which side it must be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evidence.drawings.marks import axis, interval, point, reference_line
from evidence.drawings.scale import scale_over
from evidence.drawings.svg import DrawingError, check_tone, element, picture

MARGIN: Final = 14.0  # user units at both sides
TRACK: Final = (24.0, 20.0)  # user units: top and height of the bar
HEIGHT: Final = 78.0  # user units
WIDTH: Final = (
    340.0  # user units: as wide as the narrowest page has room for, so that its words are never shrunk
)


def bullet(
    *, value: float, low: float | None, high: float | None, threshold: float, at_least: bool, unit: str, tone: str,
    title: str, threshold_label: str, caption: str,
    least: Sequence[float] = (), width: float = WIDTH,
) -> str:  # fmt: skip
    """Draw a value with its interval on a bar whose shaded part is where it has to be.

    Args:
        low: of the interval; with `high` None where there is no interval.
        at_least: whether the value must be at or above the threshold; at or below it otherwise.
        least: values that the scale shows at the least: 0 and 1 of a share.
        threshold_label: its words: "at least 0.8".
        caption: the numbers in words, with n: "0.91 share [0.83, 0.96], n 40". It is read out with the drawing; whoever
            sees it reads them beside it, where a line may be as long as it is.

    Raises:
        DrawingError: half an interval, one upside down, a value that is not finite, an unknown tone.
    """
    check_tone(tone)
    if (low is None) != (high is None):
        raise DrawingError("an interval has two ends")
    ends = [] if low is None or high is None else [low, high]
    if ends != sorted(ends):
        raise DrawingError(f"the interval runs from {ends[0]} down to {ends[1]}")
    scale = scale_over([value, threshold, *ends], start=MARGIN, end=width - MARGIN, least=least, air=0.05)
    top, thick = TRACK
    from_, to = sorted((scale.place(threshold), scale.end if at_least else scale.start))
    middle = top + thick / 2
    return picture(
        element("rect", x=MARGIN, y=top, width=width - 2 * MARGIN, height=thick, class_="tb-draw-track"),
        element("rect", x=from_, y=top, width=to - from_, height=thick, class_="tb-draw-zone"),
        reference_line(scale, threshold, threshold_label, top=6, bottom=top + thick),
        *([interval(scale, ends[0], ends[1], middle, tone)] if ends else []),
        point(scale, value, middle, tone),
        axis(scale, top + thick, unit),
        width=width, height=HEIGHT, title=title,
        description=f"{caption}; {threshold_label}",
    )  # fmt: skip
