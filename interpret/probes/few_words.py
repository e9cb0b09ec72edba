"""What a model remembers of texts, and how it reads out a few words: no more of either than a change needs.

What is left out is not computed in another way: the numbers are those of the whole, to the last bit (a test compares).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import nn
from transformers.cache_utils import DynamicLayer

from interpret.probes.hooks import StandIn
from interpret.probes.weights import LoadedModel

ROWS: Final = 64  # of the unembedding, read at once: products as narrow as a few words round in another way
MANY_WORDS: Final = 4096  # fewer are all read out


def read_out_few(loaded: LoadedModel, words: Sequence[int]) -> tuple[StandIn | None, list[int]]:
    """Return what stands in for the unembedding so that it gives `words` alone, and the columns they then have.

    None, and the words themselves, where all are read out: there are few, or it is no plain product on a CPU.
    """
    unembedding = loaded.model.get_output_embeddings()
    plain = type(unembedding) is nn.Linear and unembedding.weight.shape[0] == loaded.shape.vocabulary
    if not plain or loaded.shape.vocabulary < MANY_WORDS or loaded.device.type != "cpu":
        return None, [*words]
    if len(words) > ROWS:
        return None, [*words]
    read = torch.tensor([*words, *range(ROWS - len(words))], device=loaded.device)
    weight = unembedding.weight.detach()[read]
    bias = None if unembedding.bias is None else unembedding.bias.detach()[read]

    def few(hidden: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(hidden, weight, bias)

    return StandIn(unembedding, few), list(range(len(words)))


def remembered_of(before: Any, rows: torch.Tensor, *, above: int) -> Any:
    """Return what a model remembers (a transformers cache) of some texts, to go on from; `before` stays as it is.

    Args:
        above: the first layer that runs; what those below remember is not read, and stays that of all texts.
    """
    layers = getattr(before, "layers", [])
    if not layers or any(type(each) is not DynamicLayer for each in layers):
        own = copy.deepcopy(before)
        own.batch_select_indices(rows)
        return own
    own = copy.copy(before)
    own.layers = [copy.copy(each) for each in layers]  # to go on from one puts new tensors in it
    for each in own.layers[above:]:
        each.batch_select_indices(rows)
    return own
