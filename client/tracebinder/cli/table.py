"""Plain tables for a terminal or a CI log: columns aligned, also where characters are two columns wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from tracebinder.cli.hidden_signs import show_hidden


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their heads; nothing at all when there are no rows."""
    if not rows:
        return
    lines = [list(heads), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(heads))]
    for number, line in enumerate(lines):
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)]
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def print_line(text: str) -> None:
    """Print one line, whatever stands in it: what a binder says may neither drive the terminal nor begin a line."""
    print(printable(text))


def printable(text: str) -> str:
    """Return the text in one line, with marks for what nobody sees: control characters could drive the terminal."""
    return "".join(c if c.isprintable() else " " for c in show_hidden(text))


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
