"""Sentences of an answer, English and Chinese, with offsets; a mark stays with the sentence it closes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from evidence.citations.layout import BULLET, Line, Role, read_lines

MARK: Final = re.compile(r"\[(?P<square>[^\[\]\n]{1,64})\](?!\()|【(?P<lens>[^【】\n]{1,64})】")
"""A citation mark: `[1]`, `[2, 4]`, `[DOC-ID]`, `【1】`. A Markdown link `[text](url)` is none."""

# A text is searched eight times as fast for a pattern that begins with one of some characters.
_BREAK: Final = re.compile(
    r"[.!?。！？；](?:(?<=[.!?])(?<![.!?].)[.!?]*+[\"'”’)\]*_]*(?=\s|$|\[|【)|(?<=[。！？；])[。！？；]*[”’」』）*]*)"
)
_TRAILING_MARKS: Final = re.compile(
    rf"(?:[ \t]*(?:{MARK.pattern.replace('?P<square>', '').replace('?P<lens>', '')}))+[ \t]*[.。]?"
)
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|no|nos|art|sec|para|cf|vs|etc|approx|inc|ltd|co|corp|plc|fig|e\.g|i\.e|p\.a|u\.s|u\.k)"
    r"|\b[a-z])\.$",
    re.IGNORECASE,
)
_SENTENCE_ENDING_ABBREVIATION: Final = re.compile(
    r"\b(?:inc|ltd|co|corp|plc|etc|p\.a|u\.s|u\.k)\.$", re.IGNORECASE
)
_LETTERED: Final = re.compile(
    r"\b(?:annex|appendix|block|building|category|class|exhibit|grade|group|hepatitis|level|option|part|phase|plan"
    r"|schedule|section|series|team|terminal|tier|type|vitamin|wing|zone) [A-Z]\.$",
    re.IGNORECASE,
)
"""What is named by a letter: `in building B.` ends a sentence, `signed by B. Weiss` does not."""

_BULLET_LENGTH: Final = 20  # characters a list number takes at most, with the spaces before it
_ABBREVIATION_LENGTH: Final = 20  # characters looked back at for an abbreviation


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence, heading, item or row at `[start, end)` of the answer, without bullet and white space around."""

    start: int
    end: int
    line: Line


def split_passages(text: str) -> Iterator[Passage]:
    """Yield what an answer consists of, in order; a row of a table is one passage, whatever stands in its cells."""
    for line in read_lines(text):
        ranges = [_row_range(text, line)] if line.role is Role.ROW else _sentence_ranges(text, line)
        yield from (Passage(start, end, line) for start, end in ranges if _says_something(text, start, end))


def split_sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield the half-open code point range of each passage."""
    return ((passage.start, passage.end) for passage in split_passages(text))


def _row_range(text: str, line: Line) -> tuple[int, int]:
    row = text[line.start : line.end]
    inside = row.strip("| \t")
    start = line.start + row.find(inside)
    return start, start + len(inside)


def _sentence_ranges(text: str, line: Line) -> Iterator[tuple[int, int]]:
    start = line.start
    while start < line.end:
        end = _sentence_end(text, start, line)
        first = BULLET.match(text, start, end)
        left = first.end() if first else start
        stripped = text[left:end].strip()
        left = text.index(stripped, left, end)
        yield left, left + len(stripped)
        start = end


def _says_something(text: str, start: int, end: int) -> bool:
    return any(char.isalnum() for char in text[start:end])


def _sentence_end(text: str, start: int, line: Line) -> int:
    for match in _BREAK.finditer(text, start, line.end):
        if match.group() == "." and _is_inside_sentence(text, start, match.end()):
            continue
        marks = _TRAILING_MARKS.match(text, match.end(), line.end)
        return marks.end() if marks else match.end()
    return line.end


def _is_inside_sentence(text: str, start: int, end: int) -> bool:
    """Return whether the full stop before `end` belongs to an abbreviation or a list number."""
    if end - start <= _BULLET_LENGTH and BULLET.fullmatch(f"{text[start:end]} "):
        return True
    head = text[max(start, end - _ABBREVIATION_LENGTH) : end]
    if not _ABBREVIATION.search(head):
        return False
    following = text[end : end + 20].lstrip()
    may_end = _SENTENCE_ENDING_ABBREVIATION.search(head) or _LETTERED.search(head)
    ends_sentence = may_end and following[:1].isupper()
    return bool(following) and not ends_sentence
