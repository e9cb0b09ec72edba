"""Cells of CSV files that a spreadsheet opens: none of them is taken for a formula, and numbers stay numbers."""

from __future__ import annotations

from typing import Final

BYTE_ORDER_MARK: Final = "\ufeff"  # by which Excel knows that a file is UTF-8
# By which a spreadsheet knows a formula, or that what follows is a cell of its own; of Chinese keyboards, too.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # these, and no others


def cell(value: object) -> str:
    """Return a value as a cell: a text that a spreadsheet would take for a formula begins with an apostrophe."""
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
