"""Greedy decoding on a CPU, where reading a prompt is arithmetic and writing an answer is waiting for memory.

Each prompt is therefore read alone, from where it parts with the prompt before it: no token is read twice, none as
padding. The answers are then written together: a step of twenty costs little more than twice a step of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache

RESTACK: Final = 0.75  # share of rows still being written, at or below which the finished ones are taken out


@dataclass(slots=True)
class Written:
    """What a model has written after one prompt so far."""

    budget: int  # tokens, at least 1
    tokens: list[int] = field(default_factory=list)  # the last is the end token where `ended`
    probabilities: list[float] = field(default_factory=list)  # of the tokens it chose, each in (0, 1]
    ended: bool = False  # by itself, not by its budget

    @property
    def over(self) -> bool:
        """Whether nothing more is to be written."""
        return self.ended or len(self.tokens) == self.budget

    @property
    def mean_probability(self) -> float:
        """Mean probability of the tokens it chose, in (0, 1]."""
        return sum(self.probabilities) / len(self.probabilities)


def write_answers(
    model: Any, prompts: Sequence[Sequence[int]], budgets: Sequence[int], *, end_token: int
) -> list[Written]:
    """Go on from each prompt with the likeliest token, until the end token or as many tokens as its budget.

    Args:
        model: a causal language model of transformers.
        prompts: token ids, none empty. In sorted order they share the most.
        budgets: tokens, at least 1, by prompt.
    """
    written = [Written(budget) for budget in budgets]
    with torch.inference_mode():
        logits, batch = _read(model, prompts)
        while True:
            best, chosen = logits.max(dim=-1)
            probabilities = (best - logits.logsumexp(dim=-1)).exp().tolist()
            for row, token, probability in zip(batch.rows, chosen.tolist(), probabilities, strict=True):
                if not written[row].over:
                    written[row].tokens.append(token)
                    written[row].probabilities.append(probability)
                    written[row].ended = token == end_token
            going = [place for place, row in enumerate(batch.rows) if not written[row].over]
            if not going:
                return written
            if len(going) <= RESTACK * len(batch.rows):
                batch.keep(going)
                chosen = chosen[going]
            logits = batch.step(model, chosen)


@dataclass(slots=True)
class _Batch:
    """Prompts that have been read, and what has been written after them."""

    rows: list[int]  # which prompts
    cache: Any  # DynamicCache, padded on the left
    seen: Tensor  # (row, token): 1 where there is one, 0 where there is padding
    lengths: Tensor  # (row,), tokens read and written so far

    def keep(self, places: list[int]) -> None:
        """Take out all rows but those at `places`."""
        self.rows = [self.rows[place] for place in places]
        self.cache.batch_select_indices(torch.tensor(places))
        self.seen, self.lengths = self.seen[places], self.lengths[places]

    def step(self, model: Any, chosen: Tensor) -> Tensor:
        """Put one token behind each row and return the logits of the next, (row, vocabulary)."""
        self.seen = pad(self.seen, (0, 1), value=1)
        out = model(
            input_ids=chosen[:, None],
            attention_mask=self.seen,
            position_ids=self.lengths[:, None],
            past_key_values=self.cache,
            use_cache=True,
        )
        self.lengths = self.lengths + 1
        logits: Tensor = out.logits[:, -1]
        return logits


def _read(model: Any, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, _Batch]:
    """Read the prompts one by one; return the logits after each, (row, vocabulary), and the batch to go on with."""
    logits: list[Tensor] = []
    caches: list[Any] = []  # DynamicCache; its layers are typed as what they might be elsewhere
    for number, prompt in enumerate(prompts):
        known = min(count_shared(prompts[number - 1], prompt), len(prompt) - 1) if number else 0
        cache = DynamicCache(config=model.config)
        for layer, kept in enumerate(caches[-1].layers if known else []):
            cache.update(kept.keys[:, :, :known], kept.values[:, :, :known], layer)
        rest = torch.tensor([list(prompt[known:])])
        out = model(input_ids=rest, past_key_values=cache, use_cache=True, logits_to_keep=1)
        logits.append(out.logits[:, -1])
        caches.append(cache)
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    longest = int(lengths.max())
    seen = (torch.arange(longest)[None, :] >= longest - lengths[:, None]).long()
    rows = list(range(len(prompts)))
    return torch.cat(logits), _Batch(rows, _join(model, caches, longest), seen, lengths)


def _join(model: Any, caches: Sequence[Any], length: int) -> DynamicCache:
    """Make one cache of a batch out of caches of single prompts, with zeros before the shorter ones."""
    joined = DynamicCache(config=model.config)
    for number, layers in enumerate(zip(*(cache.layers for cache in caches), strict=True)):
        keys = torch.cat([_lengthen(layer.keys, length) for layer in layers])
        values = torch.cat([_lengthen(layer.values, length) for layer in layers])
        joined.update(keys, values, number)
    return joined


def _lengthen(states: Tensor, length: int) -> Tensor:
    return pad(states, (0, 0, length - states.shape[2], 0))  # (prompt, head, token, width)


def count_shared(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many tokens two prompts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
