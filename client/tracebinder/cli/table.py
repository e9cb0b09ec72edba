"""Plain tables for a terminal or a CI log: columns aligned, also where characters are two columns wide.

A table is as wide as the terminal, and 100 columns in a log. What does not fit is wrapped in its column, never cut off;
where even that does not fit, each row becomes a list.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from tracebinder.cli.hidden_signs import show_hidden, without_commands

WIDTH: Final = 100  # columns, where there is no terminal
MOST: Final = 10  # items of a list that are printed unless all are asked for
_GAP: Final = "  "
_BLANKS: Final = re.compile(r"\s+")
_SEAM: Final = re.compile(r"(?<=[-/.:=])|\s+")  # where a word can be broken as a reader would
_NARROWEST: Final = 8  # columns of a cell, below which a list reads better

Tone = Literal["good", "bad", "open"]
TONES: Final[Mapping[str, Tone]] = {
    "pass": "good", "met": "good", "waived": "good", "success": "good", "verified": "good", "improvement": "good",
    "fail": "bad", "not_met": "bad", "not met": "bad", "error": "bad", "regression": "bad",
    "insufficient": "open", "stale": "open", "not_assessed": "open", "not known": "open",
}  # fmt: skip
_SGR: Final = {"good": "32", "bad": "31", "open": "33"}


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their heads; nothing at all when there are no rows."""
    if not rows:
        return
    lines = [[printable(cell) for cell in row] for row in rows]
    widths = _widths([list(heads), *lines], terminal_width())
    if widths is None:
        _print_lists(heads, lines)
        return
    for line in (list(heads), ["-" * width for width in widths]):
        _print_row(line, widths)
    for line in lines:
        _print_row(line, widths)


def print_marked(text: str) -> None:
    """Print one sentence; in a terminal wrapped, and set in by what it was set in by, and two more.

    In a log it stays one line, which can be searched for.
    """
    line = printable(text)
    if not is_terminal():
        print(line)
        return
    indent = " " * (len(line) - len(line.lstrip()))
    room = terminal_width() - len(indent)
    for number, piece in enumerate(_wrap(line.strip(), room - 2, within_words=False)):
        print(f"{indent}{'  ' if number else ''}{piece}")


def print_verdict(before: str, verdict: str) -> None:
    """Print a line that ends with a verdict, which is coloured where that can be seen."""
    _print_painted(f"{printable(before)}{_painted(printable(verdict), verdict)}")


def print_rest(n_more: int, *, of: str) -> None:
    """Say how many items of a list were not printed."""
    if n_more > 0:
        print(f"and {n_more:,} more {of} (--all)")


def terminal_width() -> int:
    """Return the columns there are: the terminal's, or what a log takes."""
    return max(20, shutil.get_terminal_size((WIDTH, 24)).columns) if is_terminal() else WIDTH


def print_line(text: str) -> None:
    """Print one line, whatever stands in it: what a binder says may neither drive the terminal nor begin a line."""
    print(printable(text))


def printable(text: str) -> str:
    """Return the text in one line, with marks for what nobody sees: control characters could drive the terminal."""
    return "".join(c if c.isprintable() else " " for c in show_hidden(text))


def is_terminal() -> bool:
    """Return whether somebody looks at the output."""
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError):
        return False


def _coloured() -> bool:
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _painted(text: str, word: str) -> str:
    tone = TONES.get(word)
    return f"\x1b[{_SGR[tone]}m{text}\x1b[0m" if tone and _coloured() else text


def _print_painted(line: str) -> None:
    """Print a line whose texts were made printable before it was painted."""
    stream = getattr(sys.stdout, "unmarked", sys.stdout)
    stream.write(f"{without_commands(line)}\n")


def _print_row(cells: Sequence[str], widths: Sequence[int]) -> None:
    pieces = [_wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for number in range(max(map(len, pieces))):
        line, padding = "", ""
        for cell, column, width in zip(cells, pieces, widths, strict=True):
            piece = column[number] if number < len(column) else ""
            if piece:
                line += padding + _painted(piece, cell)
                padding = ""
            padding += " " * (width - _width(piece)) + _GAP
        _print_painted(line)


def _print_lists(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for row in rows:
        for head, cell in zip(heads, row, strict=True):
            if cell and cell != "-":
                print_marked(f"{head}: {cell}")
        print()


def _widths(lines: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return a width for each column, so that all fit; None where they would be too narrow to read.

    The widest gives way first, at blanks; then at the seams of words; within them last, so that a code or a digest is
    kept whole where it can be.
    """
    columns = list(zip(*lines, strict=True))
    widths = [max(map(_width, column)) for column in columns]
    room -= len(_GAP) * (len(columns) - 1)
    words, parts = (
        [max(_width(word) for cell in column for word in between.split(cell)) for column in columns]
        for between in (_BLANKS, _SEAM)
    )
    narrow = [min(_NARROWEST, width) for width in widths]
    for least in (words, parts, narrow):
        while sum(widths) > room:
            widest = max(range(len(widths)), key=lambda k: widths[k] if widths[k] > least[k] else -1)
            if widths[widest] <= least[widest]:
                break
            widths[widest] -= 1
    return widths if sum(widths) <= room else None


def _wrap(text: str, width: int, *, within_words: bool = True) -> list[str]:
    """Return a text in lines of at most `width` columns, broken at blanks, else at a seam, else within a word.

    Args:
        within_words: false leaves a word that is longer whole, as what is to be copied must be.
    """
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if _width(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *broken, line = _break(word, width) if within_words else [word]
        lines += broken
    return [*lines, line]


def _break(word: str, width: int) -> list[str]:
    pieces, piece = [], ""
    for part in _SEAM.split(word):
        if piece and _width(piece + part) > width:
            pieces.append(piece)
            piece = ""
        for character in part:
            if piece and _width(piece + character) > width:
                pieces.append(piece)
                piece = ""
            piece += character
    return [*pieces, piece]


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
