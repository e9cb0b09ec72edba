"""Brackets and quotation marks in brackets of the same kind: what a closing one closes, and what it does not.

Each text has a pair inside another of its kind, with something of another kind inside the inner one. To the closing
inner one, the near miss is the opening outer one, farther away; to the closing outer one it is the opening inner one,
nearer. So whoever looks at the nearest one of the kind is right as often as wrong; at the nearest of any kind, always
wrong.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from interpret.probes.patterns.marked import Marked, as_texts, check_told_apart, halves
from interpret.probes.patterns.texts import Material
from interpret.probes.patterns.words import NOUNS

KINDS: Final = ("()", "[]", "{}", "“”", "«»")
MOST_WORDS: Final = 3  # between two brackets


def matched_brackets(texts: int, tokenizer: Any, *, seed: int) -> Material:
    """Draw texts, each with a nesting of its own, which is its template.

    Raises:
        StructureUntold: as `as_texts` and `check_told_apart` do.
    """
    rng, nestings = np.random.default_rng(seed), dict[str, Marked]()
    while len(nestings) < texts:
        drawn = _draw(rng)
        nestings.setdefault(drawn.cluster, drawn)
    marked = list(nestings.values())
    check_told_apart(as_texts(tokenizer, marked), marked)
    return halves(tokenizer, marked[0::2], marked[1::2])


def _draw(rng: np.random.Generator) -> Marked:
    """Draw one text: kinds, how many words stand where, and whether there is another pair beside the inner one."""
    same, other = (KINDS[kind] for kind in rng.permutation(len(KINDS))[:2])
    gaps = [int(gap) for gap in rng.integers(1, MOST_WORDS + 1, size=9)]
    before, after = (bool(flip) for flip in rng.integers(0, 2, size=2))
    text = Marked(cluster=f"{same} {other} {gaps} {before} {after}")

    def words(count: int) -> None:
        for word in rng.choice(NOUNS, count):
            glued = not text.text or text.text[-1] in "([{“«"
            text.write(word if glued else f" {word}")

    def pair(kind: str, count: int) -> None:
        text.write(f" {kind[0]}")
        words(count)
        text.write(kind[1])

    words(gaps[0])
    text.write(" ")
    text.write(same[0], "outer")
    words(gaps[1])
    if before:
        pair(other, gaps[2])
        words(gaps[3])
    text.write(" ")
    text.write(same[0], "inner")
    words(gaps[4])
    pair(other, gaps[5])
    words(gaps[6])
    text.write(same[1], "inner closed")
    words(gaps[7])
    if after:
        pair(other, gaps[2])
        words(gaps[3])
    text.write(same[1], "outer closed")
    words(gaps[8])
    text.links = [("inner closed", "inner", "outer"), ("outer closed", "outer", "inner")]
    text.outcome = ("inner closed", "outer closed")
    return text
