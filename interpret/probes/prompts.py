"""Prompts as tokens, in batches that follow from the prompts alone: probes that read the same prompts share passes.

A probe that takes its batches from here asks for passes over the same tokens as every other one does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpret.contracts import ProbeInput
from interpret.errors import ProbeError
from interpret.probes.forward import TOKENS_A_BATCH, digest_of_tokens
from interpret.probes.one_pass import Ids
from interpret.probes.tokenization import digest_of_chat_template
from interpret.probes.weights import LoadedModel


@dataclass(frozen=True, slots=True)
class Prompt:
    """One input as token ids; the statistic is the mean over the distributions predicted at `positions`."""

    item: ProbeInput
    ids: tuple[int, ...]
    positions: range


def distinct(inputs: Sequence[ProbeInput]) -> list[ProbeInput]:
    """Return the inputs, each text once, in the first cluster that a copy of it names: a copy says nothing anew."""
    seen: dict[tuple[str | None, ...], ProbeInput] = {}
    for item in inputs:
        key = (item.instruction, item.text, item.continuation)
        first = seen.setdefault(key, item)
        if item.cluster and not first.cluster:
            seen[key] = replace(first, cluster=item.cluster)
    return list(seen.values())


def clusters_of(inputs: Sequence[ProbeInput]) -> NDArray[np.int64]:
    """Return the number of each input's cluster, from 0 in the order in which they come. Shape (input,).

    Args:
        inputs: each text once, as `distinct` gives them.
    """
    numbers: dict[object, int] = {}
    owners = [item.cluster or place for place, item in enumerate(inputs)]
    return np.array([numbers.setdefault(owner, len(numbers)) for owner in owners], dtype=np.int64)


def mean_by_cluster(values: NDArray[np.float64], clusters: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of each cluster's values, by rising number. Shape (cluster,)."""
    _, owners, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    means: NDArray[np.float64] = np.bincount(owners, weights=values) / sizes
    return means


def tokenize(loaded: LoadedModel, inputs: Sequence[ProbeInput], *, chat: bool, limit: int) -> list[Prompt]:
    """Turn inputs into token ids, each cut to its last `limit` tokens.

    Args:
        chat: put the text into the model's chat template as a user's turn, where the tokenizer has one.

    Raises:
        ProbeError: the model has no tokenizer, or an input gives no tokens.
    """
    tokenizer = loaded.tokenizer
    if tokenizer is None:
        raise ProbeError("the model has no tokenizer: its prompts cannot be read")
    templated = chat and bool(digest_of_chat_template(tokenizer))
    prompts = []
    for item in inputs:
        text = _in_chat(tokenizer, item) if templated else item.instruction + item.text
        before = list(tokenizer.encode(text, add_special_tokens=False))
        after = list(tokenizer.encode(item.continuation or "", add_special_tokens=False))
        ids = (before + after)[-limit:]
        asked = min(len(after), len(ids) - 1)  # continuation tokens that have a token before them
        if not ids or (item.continuation and asked < 1):
            raise ProbeError(f"input {item.id} gives no tokens to measure")
        last = len(ids) - 1
        prompts.append(
            Prompt(item, tuple(ids), range(last - asked, last) if asked else range(last, last + 1))
        )
    return prompts


def batches_of(prompts: Sequence[Prompt]) -> Iterator[tuple[list[int], Ids, list[int]]]:
    """Yield batches of like length: which prompts, their tokens padded on the right, and how many each has."""
    for batch in _batches(prompts):
        yield batch, *_padded([prompts[i] for i in batch])


def digest_of_prompts(prompts: Sequence[Prompt]) -> str:
    """SHA-256 over the tokens of all prompts, in their order."""
    ids, lengths = _padded(prompts)
    return hashlib.sha256(digest_of_tokens(ids, lengths).encode()).hexdigest()


def _in_chat(tokenizer: Any, item: ProbeInput) -> str:
    turns = [{"role": "system", "content": item.instruction}] if item.instruction else []
    turns.append({"role": "user", "content": item.text})
    return str(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))


def _batches(prompts: Sequence[Prompt]) -> list[list[int]]:
    """Group prompt indices by like length, each group within the token budget once padded."""
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i].ids))
    batches: list[list[int]] = [[]]
    for index in order:
        if batches[-1] and (len(batches[-1]) + 1) * len(prompts[index].ids) > TOKENS_A_BATCH:
            batches.append([])
        batches[-1].append(index)
    return batches


def _padded(prompts: Sequence[Prompt]) -> tuple[Ids, list[int]]:
    """Pad on the right, where a causal model's earlier tokens cannot see it. Shape (prompt, token)."""
    lengths = [len(prompt.ids) for prompt in prompts]
    ids = np.zeros((len(prompts), max(lengths)), dtype=np.int64)
    for row, prompt in enumerate(prompts):
        ids[row, : len(prompt.ids)] = prompt.ids
    return ids, lengths
