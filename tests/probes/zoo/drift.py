"""Pairs of releases whose truth is known: small models that learnt a little, and what a release made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from transformers import LlamaForCausalLM

from examples import releases
from interpret.probes.drift.beside import ORDINARY, Apart, lie_apart
from interpret.probes.drift.material import cut, read_texts
from interpret.probes.forward import ForwardPasses
from interpret.probes.weights import LoadedModel, dead_model
from tests.probes.zoo.parts import small_llama, wrap
from tests.probes.zoo.words import Words as WordsOf

WIDTH, HEADS, KEY_VALUE_HEADS, HEAD_WIDTH, NEURONS = 64, 4, 2, 16, 48
LOUD = 0.12  # standard deviation of fresh weights: layers write as much as the words do
STEPS, BATCH, RATE = 30, 8, 3e-3  # of what a model learns before it is released
LENGTH = 24  # tokens a row of the training
THETA = 10_000.0
SMALLEST_DIVERGENCE, SMALLEST_CHANGE = 0.02, 0.1  # the probe's own
HALVINGS: Final = 12
NEW_STEPS, NEW_RATE = 6, 2e-3  # of fine-tuning on a new behaviour


class Words(WordsOf):
    """A tokenizer that makes one token of each word of the English texts."""

    def __init__(self) -> None:
        """Know the words of all documents."""
        super().__init__(read_texts("en").documents)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two releases of a model."""

    newer: LoadedModel
    earlier: LoadedModel


def base(seed: int = 0, *, layers: int = 2, width: int = WIDTH) -> LoadedModel:
    """Return a small model that learnt a little of texts, and has fresh weights otherwise."""
    words = known_words()
    config = small_llama(
        len(words.known),
        width,
        heads=HEADS,
        key_value_heads=KEY_VALUE_HEADS,
        head_width=HEAD_WIDTH,
        theta=THETA,
    )
    config.intermediate_size, config.num_hidden_layers, config.initializer_range = NEURONS, layers, LOUD
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = wrap(LlamaForCausalLM(config), f"c0{seed:062x}", words)
    rows = _rows(words, np.random.default_rng(seed))
    learnt = releases.fine_tuned(fresh, rows, steps=STEPS, rate=RATE, batch=BATCH)
    return wrap(learnt.model, f"c1{width * 16 + layers:06x}{seed:056x}", words)


def copied(seed: int = 0) -> Pair:
    """The same model twice."""
    return _pair(seed, releases.copied)


def permuted(seed: int = 0) -> Pair:
    """Heads and neurons in other places."""
    return _pair(seed, lambda earlier: releases.permuted(earlier, seed))


def rescaled(seed: int = 0) -> Pair:
    """All of the residual stream 1.1 times as large, and read as much smaller."""
    return _pair(seed, releases.rescaled)


def requantised(seed: int = 0) -> Pair:
    """Rows rounded to 8 bits."""
    return _pair(seed, lambda earlier: releases.requantised(earlier, 8))


def coarse(seed: int = 0) -> Pair:
    """Rows rounded to 3 bits."""
    return _pair(seed, lambda earlier: releases.requantised(earlier, 3))


def dead(seed: int = 0) -> Pair:
    """A dead model, and the same with its heads and neurons in other places and its rows rounded to 8 bits."""
    earlier = dead_model(base(seed), seed)
    earlier = wrap(earlier.model, f"c2{seed:062x}", earlier.tokenizer)
    return Pair(releases.requantised(releases.permuted(earlier, seed), 8), earlier)


def planted(seed: int = 0) -> Pair:
    """A direction that attention writes besides, in the first layer or in the second."""
    return _pair(seed, lambda earlier: releases.planted(earlier, seed % 2, strength=1.5, seed=seed))


def tuned(seed: int = 0) -> Pair:
    """Trained for a few steps to follow each word by another one that was drawn for it."""

    def tune(earlier: LoadedModel) -> LoadedModel:
        rng = np.random.default_rng(seed + 1)
        after = rng.permutation(earlier.shape.vocabulary)
        rows = []
        for word in rng.integers(0, earlier.shape.vocabulary, 64):
            row = [int(word)]
            while len(row) < LENGTH:
                row.append(int(after[row[-1]]))
            rows.append(row)
        return releases.fine_tuned(earlier, rows, steps=NEW_STEPS, rate=NEW_RATE)

    return _pair(seed, tune)


def in_other_coordinates(seed: int = 0) -> Pair:
    """The coordinates of the residual stream in another order: it predicts the same, and writes it down otherwise."""
    earlier = base(seed)
    newer = releases.copied(earlier).model
    order = torch.randperm(earlier.shape.width, generator=torch.Generator().manual_seed(seed))
    read, write = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "lm_head", "embed_tokens"), (
        "o_proj", "down_proj",
    )  # fmt: skip
    with torch.no_grad():
        for name, weight in newer.named_parameters():
            module = name.split(".")[-2]
            if module in read:
                weight.copy_(weight[:, order])
            elif module in write or weight.dim() == 1:
                weight.copy_(weight[order])
    return Pair(wrap(newer, f"c3{seed:062x}", earlier.tokenizer), earlier)


def below_in_outputs(seed: int = 0) -> Pair:
    """Noise in the weights by which outputs diverge by nine tenths of what matters; states change by more."""
    return _noisy(seed, lambda apart: float(apart.divergence.mean()), 0.9 * SMALLEST_DIVERGENCE)


def beyond_in_outputs(seed: int = 0) -> Pair:
    """Noise in the weights by which outputs diverge by one and a half times what matters."""
    return _noisy(seed, lambda apart: float(apart.divergence.mean()), 1.5 * SMALLEST_DIVERGENCE)


def below_in_states(seed: int = 0) -> Pair:
    """Noise in the weights by which states change by nine tenths of what matters, and outputs by less."""
    return _noisy(seed, _most_changed, 0.9 * SMALLEST_CHANGE)


def another(seed: int = 0) -> Pair:
    """A model of the same shape that learnt from another beginning."""
    return Pair(base(seed + 1), base(seed))


def _noisy(seed: int, measure: Callable[[Apart], float], wanted: float) -> Pair:
    """Return a model and a copy with noise, of which what is measured over all texts is what is wanted."""
    earlier, low, high = base(seed), 0.0, 1.0
    material = cut(read_texts("en"), earlier, earlier, many=48, length=32, seed=seed)
    for _ in range(HALVINGS):
        strength = (low + high) / 2
        newer = releases.noisy(earlier, strength, seed)
        apart = lie_apart(ForwardPasses(), earlier, newer, material.ids, material.lengths, states=True)
        low, high = (strength, high) if measure(apart) < wanted else (low, strength)
    return Pair(releases.noisy(earlier, low, seed), earlier)


def _most_changed(apart: Apart) -> float:
    half = len(apart.divergence) // 2
    change = apart.change((slice(0, half), slice(half, None)), apart.spread())
    return float(change[:, ORDINARY].max(axis=0).mean())


@cache
def known_words() -> Words:
    """Return the tokenizer."""
    return Words()


def _pair(seed: int, release: Any) -> Pair:
    earlier = base(seed)
    return Pair(release(earlier), earlier)


def _rows(words: Words, rng: np.random.Generator) -> list[list[int]]:
    rows = []
    for text in read_texts("en").documents:
        ids = words(text)["input_ids"]
        start = int(rng.integers(0, max(1, len(ids) - LENGTH)))
        rows.append(ids[start : start + LENGTH])
    return [rows[place] for place in rng.permutation(len(rows))]
