"""Texts in words, some of which are marked, as tokens: which token a mark is, or why the tokenizer cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from interpret.errors import StructureUntold
from interpret.probes.patterns.texts import Material, Texts

MAX_TOKENS = 64  # a text: attention grows with its square


@dataclass(slots=True)
class Marked:
    """A text and where its marks stand.

    Attributes:
        cluster: the template it was made by.
        marks: name -> (start, end), characters.
        links: (query, right, near) by the names of marks.
        outcome: marks whose surprisal the pattern should matter to.
    """

    cluster: str
    text: str = ""
    marks: dict[str, tuple[int, int]] = field(default_factory=dict)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    outcome: tuple[str, ...] = ()

    def write(self, piece: str, mark: str = "") -> None:
        """Append a piece of text, as a mark where it has a name."""
        if mark:
            self.marks[mark] = (len(self.text), len(self.text) + len(piece))
        self.text += piece


def as_texts(tokenizer: Any, marked: Sequence[Marked]) -> Texts:
    """Return the texts as tokens; a mark is the last of its tokens.

    Raises:
        StructureUntold: there is no tokenizer, it does not say where its tokens stand, a token is part of a mark and of
            something else, or a word is unknown to it.
    """
    if tokenizer is None or not getattr(tokenizer, "is_fast", False):
        raise StructureUntold("the model has no tokenizer that says where its tokens stand in a text")
    encoded = [_encode(tokenizer, each) for each in marked]
    lengths = np.array([len(ids) for ids, _ in encoded])
    width = int(lengths.max())
    if width > MAX_TOKENS:
        raise StructureUntold(f"the tokenizer makes {width} tokens of a text: {MAX_TOKENS} are read")
    shape = (len(encoded), width)
    ids, outcome, elsewhere = np.zeros(shape, dtype=np.int64), np.zeros(shape, bool), np.zeros(shape, bool)
    right, near = np.zeros((*shape, width), bool), np.zeros((*shape, width), bool)
    stream = [token for own, _ in encoded for token in own]
    for row, ((own, at), each) in enumerate(zip(encoded, marked, strict=True)):
        start = int(lengths[:row].sum())
        ids[row] = np.resize(np.array(stream[start:] + stream[:start]), width)
        for query, key, miss in each.links:
            right[row, at[query], at[key]] = near[row, at[query], at[miss]] = True
        outcome[row, [at[name] for name in each.outcome]] = True
        elsewhere[row, 1 : len(own)] = True
    near[:, :, 0] = right[:, :, 0] = False
    return Texts(
        ids, lengths, right, near, outcome, elsewhere & ~outcome, tuple(each.cluster for each in marked)
    )


def halves(tokenizer: Any, find: Sequence[Marked], report: Sequence[Marked]) -> Material:
    """Return texts of unlike templates as material; raises as `as_texts` does."""
    first, second = as_texts(tokenizer, find), as_texts(tokenizer, report)
    return Material(first, second, first, second)


def check_told_apart(texts: Texts, marked: Sequence[Marked]) -> None:
    """Refuse a tokenizer for which the right key and the query are one token.

    Raises:
        StructureUntold: naming the text.
    """
    for row, each in enumerate(marked):
        queries, keys = np.nonzero(texts.right[row])
        if (texts.ids[row, queries] == texts.ids[row, keys]).any():
            raise StructureUntold(
                f"to the tokenizer, what opens and what closes are one token in {each.text!r}"
            )


def _encode(tokenizer: Any, each: Marked) -> tuple[list[int], Mapping[str, int]]:
    """Return the tokens of one text, and by mark the last token that is part of it."""
    told = tokenizer(each.text, add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = [int(token) for token in told["input_ids"]], told["offset_mapping"]
    if tokenizer.unk_token_id is not None and tokenizer.unk_token_id in ids:
        raise StructureUntold(f"the tokenizer does not know every word of {each.text!r}")
    at = {name: _last_token(each.text, offsets, start, end) for name, (start, end) in each.marks.items()}
    return ids, at


def _last_token(text: str, offsets: Sequence[tuple[int, int]], start: int, end: int) -> int:
    """Return the last token of the characters from `start` to `end`; blanks beside them may be part of it."""
    own = [number for number, (first, last) in enumerate(offsets) if first < end and last > start]
    for number in own:
        first, last = offsets[number]
        if text[min(first, start) : start].strip() or text[end : max(last, end)].strip():
            raise StructureUntold(
                f"to the tokenizer, {text[start:end]!r} is part of the token {text[first:last]!r} in {text!r}"
            )
    if not own:
        raise StructureUntold(f"the tokenizer makes no token of {text[start:end]!r} in {text!r}")
    return own[-1]
