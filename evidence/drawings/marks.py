"""What several drawings share: an interval with its point, an axis, a line to compare with."""

from __future__ import annotations

from evidence.drawings.scale import Scale
from evidence.drawings.svg import EM, Element, amount, check_tone, element, words

_CAP: float = 5.0  # user units, half the height of an interval's end
_POINT: float = 4.5  # user units, half the size of a point


def interval(scale: Scale, low: float, high: float, y: float, tone: str) -> Element:
    """Return a line from `low` to `high` with its ends."""
    left, right = scale.place(low), scale.place(high)
    caps = (
        element("line", x1=x, y1=y - _CAP, x2=x, y2=y + _CAP, class_=f"tb-draw-interval tb-draw--{tone}")
        for x in (left, right)
    )
    line = element("line", x1=left, y1=y, x2=right, y2=y, class_=f"tb-draw-interval tb-draw--{tone}")
    return element("g", line, *caps)


def point(scale: Scale, value: float, y: float, tone: str) -> Element:
    """Return the point of a value: a disc, a diamond, a cross or a ring, so that a tone is not colour alone."""
    x, kind = scale.place(value), f"tb-draw-point tb-draw--{check_tone(tone)}"
    if tone == "warn":
        path = f"M{x:.2f} {y - _POINT:.2f}l{_POINT} {_POINT}l-{_POINT} {_POINT}l-{_POINT} -{_POINT}z"
        return element("path", d=path, class_=kind)
    if tone == "bad":
        start, size = f"M{x - _POINT:.2f} {y - _POINT:.2f}", 2 * _POINT
        return element(
            "path", d=f"{start}l{size} {size}m0 -{size}l-{size} {size}", class_=f"{kind} tb-draw-cross"
        )
    return element("circle", cx=x, cy=y, r=_POINT, class_=f"{kind} tb-draw-ring" if tone == "plain" else kind)


def axis(scale: Scale, y: float, unit: str) -> Element:
    """Return a line with round values under it, and the unit after the last."""
    left, right = sorted((scale.start, scale.end))
    line = element("line", x1=left, y1=y, x2=right, y2=y, class_="tb-draw-axis")
    ticks = scale.ticks()
    room = (right - left) / max(1, len(ticks))
    marks = [
        element(
            "g",
            element(
                "line", x1=scale.place(value), y1=y, x2=scale.place(value), y2=y + 4, class_="tb-draw-axis"
            ),
            words(
                scale.place(value),
                y + 4 + EM,
                amount(value),
                room=room,
                anchor="middle",
                class_="tb-draw-quiet",
            ),
        )
        for value in ticks
    ]
    named = words(right, y + 6 + 2 * EM, unit, room=right - left, anchor="end", class_="tb-draw-quiet")
    return element("g", line, *marks, named)


def reference_line(scale: Scale, value: float, label: str, *, top: float, bottom: float) -> Element:
    """Return a line across a drawing, with its words above, on the side where there is more room."""
    x = scale.place(value)
    left, right = sorted((scale.start, scale.end))
    is_late = x - left > right - x
    return element(
        "g",
        element("line", x1=x, y1=top, x2=x, y2=bottom, class_="tb-draw-reference"),
        words(
            x - 4 if is_late else x + 4, top + EM - 3, label, room=max(x - left, right - x),
            anchor="end" if is_late else "start", class_="tb-draw-words",
        ),
    )  # fmt: skip
