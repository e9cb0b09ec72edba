"""Where words and numbers begin and end in a text: what is found of them is found whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evidence.citations.normalise import is_cjk

_MAX_OCCURRENCES: Final = 1_000  # places looked at in one document for one that cuts no word


def find_whole(needle: str, text: str) -> Iterator[int]:
    """Yield where `needle` stands in `text` without cutting a word or a number in two."""
    start = text.find(needle)
    for _ in range(_MAX_OCCURRENCES):
        if start < 0:
            return
        end = start + len(needle)
        if not cuts(text, start) and not cuts(text, end):
            yield start
        start = text.find(needle, start + 1)


def is_cut_off(text: str, start: int, end: int) -> bool:
    """Return whether `[start, end)` begins or ends inside a word or a number, or leaves out the sign of a number."""
    return cuts(text, start) or cuts(text, end) or lacks_its_sign(text, start)


def lacks_its_sign(text: str, start: int) -> bool:
    """Return whether a number begins at `start` whose `±` stands before it."""
    before = text[max(start - 2, 0) : start].rstrip()
    return before.endswith(("±", "∓")) and text[start].isdigit()


def cuts(text: str, position: int) -> bool:
    """Return whether a boundary at `position` would fall inside a word or a number."""
    if position <= 0 or position >= len(text):
        return False
    before, after = text[position - 1], text[position]
    if before.isdigit() and after.isdigit():
        return True
    if after in ".," and before.isdigit():  # 5 | .25
        return position + 1 < len(text) and text[position + 1].isdigit()
    if before in ".," and after.isdigit():  # 5. | 25
        return position >= 2 and text[position - 2].isdigit()
    if before in "-−–" and after.isdigit():  # a minus sign, not a hyphen
        return position < 2 or not _is_word(text[position - 2])
    return _is_word(before) and _is_word(after)


def _is_word(char: str) -> bool:
    return char.isalnum() and not is_cjk(char)


def widen(text: str, start: int, end: int) -> tuple[int, int]:
    """Move both ends of an aligned passage outwards to whole words and numbers, and off spaces."""
    while start > 0 and cuts(text, start):
        start -= 1
    while end < len(text) and cuts(text, end):
        end += 1
    passage = text[start:end]
    return start + len(passage) - len(passage.lstrip()), end - (len(passage) - len(passage.rstrip()))
