"""Where a text repeats a passage: the stretch of the text that goes along with it, in the text's own words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

_TOKEN: Final = re.compile(r"[A-Za-z0-9]+(?:[.,']\w+)*|[\u4e00-\u9fff]")
GAP_COST: Final = 0.5  # of a token of the text that the passage does not have, against 1 for one it has
LEAST_WORDS: Final = 4  # shared tokens below which a stretch says nothing
LEAST_CHARACTERS: Final = 6  # the same for Chinese, where a token is a character


@dataclass(frozen=True, slots=True)
class Alignment:
    """The stretch [start, end) of a text, in code points, that best goes along with a passage."""

    start: int
    end: int
    shared: int  # tokens of the stretch that the passage has in the same order


def align(text: str, passage: str) -> Alignment | None:
    """Return the stretch of `text` with most shared tokens, each unshared one inside costing `GAP_COST`.

    The words in between stay as they are: where `text` misquotes the passage, the stretch does too. None
    where too few tokens are shared.
    """
    tokens = list(_TOKEN.finditer(text))
    words = [match.group().casefold() for match in tokens]
    others = [match.group().casefold() for match in _TOKEN.finditer(passage)]
    matcher = SequenceMatcher(None, words, others, autojunk=False)
    blocks = [(block.a, block.size) for block in matcher.get_matching_blocks() if block.size > 0]
    best = _best_run(blocks)
    if best is None:
        return None
    first, last, shared = best
    least = LEAST_CHARACTERS if words[first] >= "\u4e00" else LEAST_WORDS
    if shared < least:
        return None
    return Alignment(tokens[first].start(), tokens[last].end(), shared)


def _best_run(blocks: list[tuple[int, int]]) -> tuple[int, int, int] | None:
    """Return (first token, last token, shared tokens) of the run of blocks with the highest score."""
    best: tuple[float, int, int, int] | None = None
    for i, (first, _) in enumerate(blocks):
        shared = 0
        for start, size in blocks[i:]:
            shared += size
            length = start + size - first
            score = shared - GAP_COST * (length - shared)
            if best is None or score > best[0]:
                best = (score, first, start + size - 1, shared)
    return None if best is None else best[1:]
