"""The figures of `make attack` in docs/reference/security.md: a section for each part, between two marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "security.md"


def marks_of(part: str) -> tuple[str, str]:
    """Return what stands before and after the figures of a part."""
    return f"<!-- figures of {part} -->\n", f"<!-- end of {part} -->"


def write_figures(part: str, lines: Sequence[str], page: Path = PAGE) -> None:
    """Put the figures of a part in the place of those from before.

    Raises:
        ValueError: the page has no place for them.
    """
    text = page.read_text(encoding="utf-8")
    begin, end = marks_of(part)
    head, found, rest = text.partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        raise ValueError(
            f"{page.name} has no place for the figures of {part}: put {begin.strip()} and {end} there."
        )
    page.write_text(f"{head}{begin}{chr(10).join(lines)}\n{end}{tail}", encoding="utf-8")
