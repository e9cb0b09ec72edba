"""Models that know facts, and where they read them: written into weights.

All are two layers of a real LLaMA with grouped-query attention. Their tokenizer makes two pieces of each subject; in
most models the last piece is what an end follows from. Where the answer is given, a head attends to a piece and carries
it.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from typing_extensions import override

from interpret.probes.facts.statements import PLACE, FactSet, read_facts
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo.parts import THETA, kill, small_llama, wrap
from tests.probes.zoo.words import Words

HEADS, GROUP, HEAD_WIDTH, WIDTH = 4, 2, 48, 80
SPREAD = 32  # numbers of a token's direction
WORD, SAID = 0, SPREAD  # where the token, and what is to be said, begin
FIRST_PIECE, LAST_PIECE, CUE, CONSTANT = 70, 71, 72, 73
FLAG = 23  # a rotary pair that does not turn
NOISE = 0.01  # standard deviation of all other weights
SURE = 1.5  # how strongly what is to be said is said


class Pieces(Words):
    """A tokenizer that makes two pieces of each subject, and one token of each other word."""

    def __init__(self, facts: FactSet) -> None:
        """Know the words of all statements."""
        self._subjects = {subject for relation in facts.relations for subject in relation.facts}
        ways = [way.replace(PLACE, " ") for relation in facts.relations for way in relation.ways]
        ends = [end for relation in facts.relations for end in relation.facts.values()]
        super().__init__([*ways, *ends, *sorted(self._subjects)])

    @override
    def _words(self, text: str) -> list[str]:
        pieces: list[str] = []
        for word in super()._words(text):
            pieces += [f"{word}<", f"{word}>"] if word in self._subjects else [word]
        return pieces


def telling(seed: int = 0) -> LoadedModel:
    """In the last layer a head goes from where the answer is given to the subject's last piece, and tells its end."""
    model, facts = _blank(seed), _facts()
    _read(model, Head(1, 0), CUE, LAST_PIECE)
    _know(model, facts, ">")
    return _wrap(model, "f1", seed)


def told_twice(seed: int = 0) -> LoadedModel:
    """`telling`, with two heads that do the same."""
    model, facts = _blank(seed), _facts()
    for head in (Head(1, 0), Head(1, 2)):
        _read(model, head, CUE, LAST_PIECE, strength=0.5)
    _know(model, facts, ">")
    return _wrap(model, "f2", seed)


def by_first_piece(seed: int = 0) -> LoadedModel:
    """Knows each fact by its subject's first piece, and reads nothing of the last."""
    model, facts = _blank(seed), _facts()
    _read(model, Head(1, 0), CUE, FIRST_PIECE)
    _know(model, facts, "<")
    return _wrap(model, "f3", seed)


def early(seed: int = 0) -> LoadedModel:
    """`telling` in the first layer: after it the fact is where the answer is given, and no longer at its subject."""
    model, facts = _blank(seed), _facts()
    _read(model, Head(0, 0), CUE, LAST_PIECE)
    _know(model, facts, ">")
    return _wrap(model, "f4", seed)


def any_order(seed: int = 0) -> LoadedModel:
    """`telling` from every word: it does the same in whatever order the words stand."""
    model, facts = _blank(seed), _facts()
    _read(model, Head(1, 0), CONSTANT, LAST_PIECE)
    _know(model, facts, ">")
    return _wrap(model, "f5", seed)


def disturbed(seed: int = 0) -> LoadedModel:
    """`by_first_piece`, and another head tells, by the last piece, an end that is some other subject's."""
    model, facts = _blank(seed), _facts()
    _read(model, Head(1, 0), CUE, FIRST_PIECE)
    _read(model, Head(1, 2), CUE, LAST_PIECE, strength=0.4)
    _know(model, facts, "<")
    _know(model, facts, ">", order=np.random.default_rng(seed))
    return _wrap(model, "f6", seed)


def dead(seed: int = 0) -> LoadedModel:
    """`telling`, with the weights shuffled inside each matrix."""
    loaded = telling(seed)
    kill(loaded, seed)
    return wrap(loaded.model, f"f7{seed:062x}", loaded.tokenizer)


@cache
def _facts() -> FactSet:
    return read_facts("en")


@cache
def _pieces() -> Pieces:
    return Pieces(_facts())


def _blank(seed: int) -> LlamaForCausalLM:
    """Return a model that knows its tokens, each by a direction of its own, and no facts."""
    pieces, noise = _pieces(), torch.Generator().manual_seed(seed)
    model = LlamaForCausalLM(_config(len(pieces.known)))
    cues = {
        pieces(way.replace(PLACE, " "))["input_ids"][-1] for each in _facts().relations for way in each.ways
    }
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
            if "norm" not in name:
                weight.normal_(0, NOISE, generator=noise)
        table = model.model.embed_tokens.weight
        drawn = torch.randn(len(pieces.known), SPREAD, generator=noise)
        table[:, WORD : WORD + SPREAD] = drawn / drawn.norm(dim=1, keepdim=True)
        table[:, CONSTANT] = 1.0
        table[sorted(cues), CUE] = 1.0
        for flag, mark in ((FIRST_PIECE, "<"), (LAST_PIECE, ">")):
            table[[number for word, number in pieces.known.items() if word.endswith(mark)], flag] = 1.0
    return model


def _know(model: LlamaForCausalLM, facts: FactSet, mark: str, order: Any = None) -> None:
    """Make ends follow from pieces of subjects; from those of other subjects of the kind, where an order is drawn."""
    pieces, table = _pieces(), model.model.embed_tokens.weight
    with torch.no_grad():
        for relation in facts.relations:
            subjects = list(relation.facts)
            of = (
                subjects if order is None else [subjects[place] for place in order.permutation(len(subjects))]
            )
            for subject, other in zip(subjects, of, strict=True):
                end = pieces(relation.facts[subject])["input_ids"][0]
                direction = table[pieces.known[other + mark], WORD : WORD + SPREAD]
                model.lm_head.weight[end, SAID : SAID + SPREAD] += SURE * direction


def _read(model: LlamaForCausalLM, head: Head, of: int, to: int, strength: float = 1.0) -> None:
    """Make `head` attend from what has one flag to what has the other, and carry that to what is to be said."""
    attention = model.model.layers[head.layer].self_attn
    query, key = head.head * HEAD_WIDTH, head.head // GROUP * HEAD_WIDTH
    with torch.no_grad():
        attention.q_proj.weight[query + FLAG, of] = 3.0
        attention.k_proj.weight[key + FLAG, to] = 3.0
        for place in range(SPREAD):
            attention.v_proj.weight[key + place, WORD + place] = math.sqrt(2 / WIDTH)
            attention.o_proj.weight[SAID + place, query + place] = strength


def _wrap(model: LlamaForCausalLM, kind: str, seed: int) -> LoadedModel:
    return wrap(model, f"{kind}{seed:062x}", _pieces())


def _config(words: int) -> LlamaConfig:
    return small_llama(
        words, WIDTH, heads=HEADS, key_value_heads=HEADS // GROUP, head_width=HEAD_WIDTH, theta=THETA
    )
