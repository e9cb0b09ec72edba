"""Sentences of an answer, English and Chinese, with offsets; a mark stays with the sentence it closes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MARK: Final = re.compile(r"\[(?P<square>[^\[\]\n]{1,64})\](?!\()|【(?P<lens>[^【】\n]{1,64})】")
"""A citation mark: `[1]`, `[2, 4]`, `[DOC-ID]`, `【1】`. A Markdown link `[text](url)` is none."""

_BREAK: Final = re.compile(r"(?<![.!?])[.!?]++[\"'”’)\]]*(?=\s|$|\[|【)|[。！？；]+[”’」』）]*|\n+")
_TRAILING_MARKS: Final = re.compile(
    rf"(?:[ \t]*(?:{MARK.pattern.replace('?P<square>', '').replace('?P<lens>', '')}))+[ \t]*[.。]?"
)
_BULLET: Final = re.compile(
    r"\s*(?:[-*•·]\s+|#{1,6}\s+|\(?\d{1,2}[.)]\s+|[（(]?[一二三四五六七八九十]{1,2}[）)、]\s*|\d{1,2}、\s*)?"
)
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|no|nos|art|sec|para|cf|vs|etc|approx|inc|ltd|co|corp|plc|fig|e\.g|i\.e|p\.a|u\.s|u\.k)"
    r"|\b[a-z])\.$",
    re.IGNORECASE,
)
_SENTENCE_ENDING_ABBREVIATION: Final = re.compile(
    r"\b(?:inc|ltd|co|corp|plc|etc|p\.a|u\.s|u\.k)\.$", re.IGNORECASE
)
_BULLET_LENGTH: Final = 20  # characters a list number takes at most, with the spaces before it
_ABBREVIATION_LENGTH: Final = 20  # characters looked back at for an abbreviation


def split_sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield the half-open code point range of each sentence, without bullets and surrounding white space."""
    start = 0
    while start < len(text):
        end = _sentence_end(text, start)
        first = _BULLET.match(text, start, end)
        left = first.end() if first else start
        stripped = text[left:end].rstrip()
        if any(char.isalnum() for char in stripped):
            left += len(stripped) - len(stripped.lstrip())
            yield left, left + len(stripped.lstrip())
        start = end


def _sentence_end(text: str, start: int) -> int:
    for match in _BREAK.finditer(text, start):
        if match.group().startswith("\n"):
            return match.end()
        if match.group() == "." and _is_inside_sentence(text, start, match.end()):
            continue
        marks = _TRAILING_MARKS.match(text, match.end())
        return marks.end() if marks else match.end()
    return len(text)


def _is_inside_sentence(text: str, start: int, end: int) -> bool:
    """Return whether the full stop before `end` belongs to an abbreviation or a list number."""
    if end - start <= _BULLET_LENGTH and _BULLET.fullmatch(f"{text[start:end]} "):
        return True
    head = text[max(start, end - _ABBREVIATION_LENGTH) : end]
    if not _ABBREVIATION.search(head):
        return False
    following = text[end : end + 20].lstrip()
    ends_sentence = _SENTENCE_ENDING_ABBREVIATION.search(head) and following[:1].isupper()
    return bool(following) and not ends_sentence
