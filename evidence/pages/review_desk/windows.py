"""A long text that somebody said in pieces, shown a window at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Piece = tuple[str, str]
"""Who said it, or what it is; and the text."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is shown of some pieces: code points from `start` to `end` of `total`, over all of them."""

    pieces: Sequence[Piece]
    start: int
    end: int
    total: int
    before: int | None  # where the window before begins; None: there is none
    after: int | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.start == 0 and self.end == self.total


def cut_window(pieces: Sequence[Piece], start: int, size: int) -> Window:
    """Return `size` code points of pieces from a place on; from the beginning where the place lies beyond their end."""
    total = sum(len(text) for _, text in pieces)
    start = start if start < total else 0
    end = min(total, start + size)
    shown, at = list[Piece](), 0
    for name, text in pieces:
        inside = text[max(0, start - at) : max(0, end - at)]
        if inside:
            shown.append((name, inside))
        at += len(text)
    return Window(
        shown, start, end, total, max(0, start - size) if start else None, end if end < total else None
    )
