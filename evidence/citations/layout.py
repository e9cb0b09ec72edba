"""Lines of an answer and what they are: prose, a heading, an item of a list, a row of a table. Code is none of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

BULLET: Final = re.compile(
    r"\s*(?:>\s*)*(?P<sign>[-*+•·▪–]\s+|#{1,6}\s+|\(?\d{1,2}[.)]\s+|\(?[a-z][)]\s+|[①-⑳]\s*"
    r"|[（(]?[一二三四五六七八九十]{1,2}[）)、]\s*|\d{1,2}、\s*)?"
)
"""What stands before the words of a line: a quotation's `>`, a bullet, a number, the signs of a heading."""

_LINE: Final = re.compile(r"[^\n]+")
_FENCE: Final = re.compile(r"[ \t]*(?:`{3,}|~{3,})[ \t]*(?P<language>[\w+-]*)")
_PROSE_LANGUAGES: Final = frozenset({"text", "txt", "markdown", "md"})
_ENDS_SENTENCE: Final = re.compile(r"[.!?。！？][\"'”’」』)）\]】*_]*\s*$")
_RULER: Final = re.compile(r"[ \t]*+\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-*+:?[ \t]*+)+$")
_ROW: Final = re.compile(r"[ \t]*\|.*\|[ \t]*$")
_HEADING: Final = re.compile(r"[ \t]{0,3}#{1,6}[ \t]|[ \t]*(?:\*\*[^*]+\*\*|__[^_]+__)[ \t]*$")
_HAN_HEADING: Final = re.compile(
    r"[ \t]*(?:[（(]?[一二三四五六七八九十]{1,2}[）)、][^。；！？：:]{1,12}|【[^【】\d]{1,20}】)[ \t]*$"
)
_COLON: Final = re.compile(r"[:：][ \t*_]*$")


class Role(Enum):
    """What a line is for its reader."""

    PROSE = "prose"
    HEADING = "heading"
    LEAD_IN = "lead_in"  # ends with a colon: what it says is said by what follows
    ITEM = "item"  # of a list, with no lead-in
    LED_ITEM = "led_item"  # of a list: `lead_in` says what of
    ROW = "row"  # of a table, below its head


@dataclass(frozen=True, slots=True)
class Line:
    """A line at `[start, end)` of the answer, without its line break."""

    start: int
    end: int
    role: Role
    lead_in: str = ""  # the line that leads into a `LED_ITEM`


def read_lines(text: str) -> Iterator[Line]:
    """Yield the lines that say something, in order; those of code, rulers and heads of tables are left out."""
    lead_in = ""
    for start, end, in_table in _without_code(text):
        line = Line(start, end, Role.ROW if in_table else _role_of(text[start:end]))
        if line.role is Role.ITEM and lead_in:
            yield replace(line, role=Role.LED_ITEM, lead_in=lead_in)
            continue
        lead_in = text[start:end] if _COLON.search(text, start, end) else ""
        yield line


def _role_of(line: str) -> Role:
    if _ROW.match(line):
        return Role.ROW
    if (_HEADING.match(line) or _HAN_HEADING.match(line)) and not _ENDS_SENTENCE.search(line):
        return Role.HEADING
    if _COLON.search(line):
        return Role.LEAD_IN
    bullet = BULLET.match(line)
    return Role.ITEM if bullet and bullet["sign"] else Role.PROSE


def _without_code(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield the ranges of lines that are no code, fence, ruler or head of a table, and whether each is below a head."""
    in_table = False
    lines = [match.span() for match in _LINE.finditer(text) if not match.group().isspace()]
    position = 0
    while position < len(lines):
        start, end = lines[position]
        fence = _FENCE.match(text, start, end)
        if fence:
            closing = _closing_fence(text, lines, position)
            if closing and not _holds_prose(text, fence["language"], lines[position + 1 : closing]):
                position = closing
        elif _RULER.match(text, start, end):
            in_table = True
        elif not _is_table_head(text, lines, position):
            in_table = in_table and "|" in text[start:end]
            yield start, end, in_table
        position += 1


def _closing_fence(text: str, lines: list[tuple[int, int]], opening: int) -> int:
    """Return the place of the fence that closes a block; 0 where none does: then nothing is hidden by it."""
    found = (place for place in range(opening + 1, len(lines)) if _FENCE.match(text, *lines[place]))
    return next(found, 0)


def _holds_prose(text: str, language: str, lines: list[tuple[int, int]]) -> bool:
    """Return whether a fenced block is an answer set in a frame rather than code."""
    if language:
        return language.lower() in _PROSE_LANGUAGES
    sentences = sum(_ENDS_SENTENCE.search(text, *line) is not None for line in lines)
    return sentences * 2 > len(lines)


def _is_table_head(text: str, lines: list[tuple[int, int]], place: int) -> bool:
    return (
        place + 1 < len(lines)
        and "|" in text[slice(*lines[place])]
        and bool(_RULER.match(text, *lines[place + 1]))
    )
