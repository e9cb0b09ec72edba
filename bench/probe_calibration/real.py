"""Copies of SmolLM2 in which nothing is left to find: each by a number, so that there are as many as one likes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from interpret.model_store import SMOLLM2
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel, dead_model, load_causal_lm

Made = tuple[LoadedModel, frozenset[Head]]


def dead(number: int, store: Path) -> Made:
    """Return it with the entries of each weight shuffled."""
    return dead_model(_smollm2(store), 1000 + number), frozenset()


@torch.no_grad()
def permuted(number: int, store: Path) -> Made:
    """Return it with the rows of each matrix in another order: what is in a row stays together and leads elsewhere."""
    loaded, draws = _smollm2(store), torch.Generator().manual_seed(2000 + number)
    for weight in loaded.model.parameters():  # one that is tied comes once
        weight.copy_(weight[torch.randperm(len(weight), generator=draws)])
    return _named(loaded, "permuted", number), frozenset()


def shuffled(number: int, store: Path) -> Made:
    """Return it with its weights as they are, reading another word for each at each place: no repeat is to be seen."""
    loaded = _smollm2(store)
    words = loaded.model.get_input_embeddings()
    loaded.model.set_input_embeddings(_OtherWords(words, 3000 + number))
    return _named(loaded, "shuffled", number), frozenset()


class _OtherWords(torch.nn.Module):
    """An embedding that takes the words of each place in an order of its own."""

    def __init__(self, words: Any, seed: int) -> None:
        super().__init__()
        self._words, self._seed = words, seed

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Embed ids, (text, place)."""
        draws = torch.Generator().manual_seed(self._seed)
        step = torch.randint(self._words.num_embeddings, (ids.shape[-1],), generator=draws)
        embedded: torch.Tensor = self._words((ids + step) % self._words.num_embeddings)
        return embedded


def _smollm2(store: Path) -> LoadedModel:
    return load_causal_lm(store, SMOLLM2.digest, attention="eager")


def _named(loaded: LoadedModel, how: str, number: int) -> LoadedModel:
    digest = f"{how}:{loaded.digest}:{number}"
    return LoadedModel(loaded.model, loaded.tokenizer, digest, loaded.shape, loaded.versions)
