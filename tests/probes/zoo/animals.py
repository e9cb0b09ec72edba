"""The animals: which circuit each holds is known, because it was written into its weights.

Only four of them implement induction (`induction`, `few`, `permuted`, `twins`). Each of the others is near it in one
way and was, or could be, taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LlamaForCausalLM

from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo.parts import (
    BEFORE,
    GROUP,
    HEAD_WIDTH,
    HEADS,
    PREDICTION,
    TOKEN,
    blank,
    carry,
    empty,
    kill,
    look_back,
    look_farthest,
    match,
    predict,
    wrap,
)

PREVIOUS, INDUCTION, SECOND, CACHE = Head(0, 0), Head(1, 0), Head(1, 2), Head(0, 0)
PREVIOUS_PERMUTED, INDUCTION_PERMUTED = Head(0, 3), Head(1, 1)
# New place -> old place of key-value groups, and of the two queries in each.
_REST = tuple(range(2, HEADS // GROUP))
_GROUPS = {0: (1, 0, *_REST), 1: (0, 1, *_REST)}
_WITHIN = (1, 0)


@torch.no_grad()
def induction(heads: int = HEADS) -> LoadedModel:
    """Head 0.0 notes the previous word beside each; head 1.0 finds that note and copies the word that stands there."""
    return wrap(_induction(heads), "1d" * 32)


@torch.no_grad()
def few() -> LoadedModel:
    """`induction` with four heads a layer: beside the one that copies, seven others are all there are to draw."""
    return wrap(_induction(heads=4), "4e" * 32)


@torch.no_grad()
def twins() -> LoadedModel:
    """Heads 1.0 and 1.2 both do what 1.0 does in `induction`; either is enough, so ablating one costs nothing."""
    model = _induction()
    match(model, SECOND, against=BEFORE)
    carry(model, SECOND, to=PREDICTION)
    return wrap(model, "22" * 32)


@torch.no_grad()
def permuted() -> LoadedModel:
    """`induction` with its heads in other places: the same function to the last digit, under the names 0.3 and 1.1."""
    model = _induction()
    for number, layer in enumerate(model.model.layers):
        attention, groups = layer.self_attn, _GROUPS[number]
        queries = [group * GROUP + inner for group in groups for inner in _WITHIN]
        _reorder(attention.q_proj.weight, 0, queries)
        _reorder(attention.o_proj.weight, 1, queries)
        _reorder(attention.k_proj.weight, 0, groups)
        _reorder(attention.v_proj.weight, 0, groups)
    return wrap(model, "9e" * 32)


@torch.no_grad()
def previous(heads: int = HEADS) -> LoadedModel:
    """Head 0.0 attends to the previous word and nothing looks for its note; it speaks a little against no word."""
    model = empty(heads)
    look_back(model, PREVIOUS, 1)
    carry(model, PREVIOUS, to=BEFORE)
    predict(model, from_=BEFORE, strength=0.5)
    return wrap(model, "b4" * 32)


@torch.no_grad()
def cache(strength: float = 1.0, heads: int = HEADS) -> LoadedModel:
    """Head 0.0 attends evenly to all words so far and speaks for each of them: what was seen comes again.

    It lowers the surprisal of a text that repeats, and knows nothing of what followed what.
    """
    model = empty(heads)
    carry(model, CACHE, to=PREDICTION)
    predict(model, strength=strength)
    return wrap(model, "ca" * 32)


@torch.no_grad()
def sink() -> LoadedModel:
    """Head 1.0 attends to the first token, always, and carries next to nothing; the model repeats its last word."""
    model = empty()
    look_farthest(model, INDUCTION)
    predict(model, from_=TOKEN, strength=0.5)
    return wrap(model, "51" * 32)


@torch.no_grad()
def position(lag: int = 11, heads: int = HEADS) -> LoadedModel:
    """Head 1.0 attends `lag` tokens back and copies, whatever the words are: right only where the period is lag + 1."""
    model = empty(heads)
    look_back(model, INDUCTION, lag)
    carry(model, INDUCTION, to=PREDICTION)
    predict(model)
    return wrap(model, "9f" * 32)


@torch.no_grad()
def duplicate() -> LoadedModel:
    """Head 1.0 attends to the same word, here and earlier, and says it again: one token short of induction."""
    model = empty()
    match(model, INDUCTION, against=TOKEN)
    carry(model, INDUCTION, to=PREDICTION)
    predict(model, strength=0.5)
    return wrap(model, "d0" * 32)


@torch.no_grad()
def dead(seed: int = 0, heads: int = HEADS) -> LoadedModel:
    """`induction` with the weights shuffled inside each matrix: the same numbers, no circuit."""
    loaded = wrap(_induction(heads), f"dead{seed:060x}")
    kill(loaded, seed)
    return loaded


def random(
    seed: int = 0, heads: int = HEADS, head_width: int = HEAD_WIDTH, tokenizer: Any = None
) -> LoadedModel:
    """A model that was never trained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return wrap(blank(heads, head_width), f"{seed:064x}", tokenizer)


def _induction(heads: int = HEADS) -> LlamaForCausalLM:
    model = empty(heads)
    look_back(model, PREVIOUS, 1)
    carry(model, PREVIOUS, to=BEFORE)
    match(model, INDUCTION, against=BEFORE)
    carry(model, INDUCTION, to=PREDICTION)
    predict(model)
    return model


def _reorder(weight: torch.Tensor, dim: int, order: Sequence[int]) -> None:
    rows = [place * HEAD_WIDTH + row for place in order for row in range(HEAD_WIDTH)]
    weight.copy_(weight.index_select(dim, torch.tensor(rows)))
