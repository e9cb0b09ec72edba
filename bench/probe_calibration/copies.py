"""Copies of a small model that do the same: other noise in the weights, the heads in other places."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo.parts import GROUP, HEAD_WIDTH, wrap

NOISE = 0.01  # largest standard deviation that is added; what is written into weights is 0.1 to 12


@torch.no_grad()
def vary(loaded: LoadedModel, seed: int) -> tuple[LoadedModel, dict[Head, Head]]:
    """Change a model of the zoo in place; returns it under a digest of its own, and where each head is now."""
    order = torch.Generator().manual_seed(seed)
    spread = NOISE * float(torch.rand(1, generator=order))
    for name, weight in loaded.model.named_parameters():
        if "norm" not in name:
            weight.add_(torch.randn(weight.shape, generator=order), alpha=spread)
    places: dict[Head, Head] = {}
    for layer in range(loaded.shape.layers):
        groups = torch.randperm(loaded.shape.key_value_heads, generator=order).tolist()
        queries = [group * GROUP + inner for group in groups for inner in range(GROUP)]
        _permute(loaded, layer, queries, groups)
        places |= {Head(layer, old): Head(layer, new) for new, old in enumerate(queries)}
    return wrap(loaded.model, f"{loaded.digest[:32]}{seed:032x}"), places


def _permute(loaded: LoadedModel, layer: int, queries: Sequence[int], groups: Sequence[int]) -> None:
    attention = loaded.model.model.layers[layer].self_attn
    for weight, dim, order in (
        (attention.q_proj.weight, 0, queries),
        (attention.o_proj.weight, 1, queries),
        (attention.k_proj.weight, 0, groups),
        (attention.v_proj.weight, 0, groups),
    ):
        rows = [place * HEAD_WIDTH + row for place in order for row in range(HEAD_WIDTH)]
        weight.copy_(weight.index_select(dim, torch.tensor(rows)))
