"""Two models read the same tokens, and what lies between them: in what they predict, and after each layer."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interpret.probes.devices import to_numpy
from interpret.probes.forward import ForwardPasses
from interpret.probes.hooks import Hook, counted_hooks
from interpret.probes.one_pass import Ids, inputs_of
from interpret.probes.residual import massive_tokens
from interpret.probes.sites import blocks_of
from interpret.probes.weights import LoadedModel

Array: TypeAlias = NDArray[np.float64]
TOKENS_A_BATCH: Final = 512  # the logits of two models are held: 2 x 512 x 49,152 float32 are 0.2 GB
ORDINARY, ALL = 0, 1  # tokens: those that are not massive, and all


@dataclass(frozen=True, slots=True)
class Apart:
    """What lies between two models, text by text.

    Attributes:
        divergence: (text,), nats: Kullback-Leibler from the first's next-token distribution to the second's, the mean
            over the text's tokens.
        other_first: (text,), the share of its tokens after which another token is the likeliest.
        products: (layer, ordinary or all, text, 3), sums over tokens: |first|^2, first times second, |second|^2. Empty
            where inner states were not read, as all that follows.
        counts: (layer, ordinary or all, text), tokens in these sums.
        means: (layer, ordinary or all, width), of the first's states.
        massive: (layer,), how many tokens are.
        fired: hook -> calls.
    """

    divergence: Array
    other_first: Array
    products: Array
    counts: Array
    means: Array
    massive: Array
    fired: dict[str, int]

    def spread(self) -> Array:
        """Return the root mean square distance of the first's states from their mean. Shape (layer, tokens)."""
        squares = self.products[..., 0].sum(axis=-1) / np.maximum(self.counts.sum(axis=-1), 1)
        spread: Array = np.sqrt(np.maximum(squares - (self.means**2).sum(axis=-1), 0))
        return spread

    def change(self, halves: tuple[slice, slice], spread: Array) -> Array:
        """Return how far the second's states are from the first's. Shape (layer, ordinary or all, text).

        Of each layer the second's are taken times the one factor that brings them nearest in the other half of the
        texts: what is written larger throughout is the same.

        Args:
            spread: in what it is told; (layer, ordinary or all).
        """
        found = np.empty(self.counts.shape)
        for own, other in (halves, halves[::-1]):
            fitted = self.products[:, :, other].sum(axis=2)  # (layer, ordinary or all, 3)
            factor = fitted[..., 1] / np.where(fitted[..., 2] > 0, fitted[..., 2], 1)
            first, both, second = np.moveaxis(self.products[:, :, own], -1, 0)
            factor = factor[..., None]
            squares = np.maximum(first - 2 * factor * both + factor**2 * second, 0)
            found[:, :, own] = np.sqrt(squares / np.maximum(self.counts[:, :, own], 1))
        change: Array = found / np.where(spread > 0, spread, np.inf)[..., None]
        return change


def lie_apart(
    passes: ForwardPasses,
    first: LoadedModel,
    second: LoadedModel,
    ids: Ids,
    lengths: Sequence[int],
    *,
    states: bool,
) -> Apart:
    """Have both models read the tokens (text, token), and return what lies between them.

    Args:
        states: whether the residual stream after each layer is compared too.

    Raises:
        HookNeverFired: a layer was not reached.
    """
    parts = [_Batch(passes, first, second, ids[rows], lengths[rows], states=states) for rows in _batches(ids)]
    counts = np.concatenate([part.counts for part in parts], axis=2)
    sums = np.sum([part.sums for part in parts], axis=0)  # (layer, ordinary or all, width)
    return Apart(
        divergence=np.concatenate([part.divergence for part in parts]),
        other_first=np.concatenate([part.other_first for part in parts]),
        products=np.concatenate([part.products for part in parts], axis=2),
        counts=counts,
        means=sums / np.maximum(counts.sum(axis=-1), 1)[..., None],
        massive=np.sum([part.massive for part in parts], axis=0),
        fired={name: sum(part.fired[name] for part in parts) for name in parts[0].fired},
    )


@torch.no_grad()
def in_other_numbers(loaded: LoadedModel) -> LoadedModel:
    """Return a copy whose weights are rounded to float16: the same model, as it would be served."""
    model = copy.deepcopy(loaded.model)
    for weight in model.parameters():
        weight.copy_(weight.to(torch.float16))
    return LoadedModel(model, loaded.tokenizer, f"float16:{loaded.digest}", loaded.shape, loaded.versions)


class _Batch:
    """What lies between two models on some texts: as of `Apart`, and the sums of the first's states."""

    def __init__(
        self,
        passes: ForwardPasses,
        first: LoadedModel,
        second: LoadedModel,
        ids: Ids,
        lengths: Sequence[int],
        *,
        states: bool,
    ) -> None:
        one, other = (_read(loaded, ids, lengths, states=states) for loaded in (first, second))
        passes.made += 2
        self.fired = one.fired
        apart = [
            _divergence(a[:length], b[:length])
            for a, b, length in zip(one.logits, other.logits, lengths, strict=True)
        ]
        self.divergence, self.other_first = np.array(apart, dtype=np.float64).T
        told = np.arange(ids.shape[1])[None, :] < np.asarray(lengths)[:, None]  # (text, token)
        layers = [_compare(a, b, told) for a, b in zip(one.states, other.states, strict=True)]
        width = first.shape.width
        self.products = np.array([each[0] for each in layers]).reshape(-1, 2, len(ids), 3)
        self.counts = np.array([each[1] for each in layers]).reshape(-1, 2, len(ids))
        self.sums = np.array([each[2] for each in layers]).reshape(-1, 2, width)
        self.massive = np.array([each[3] for each in layers], dtype=np.float64)


@dataclass(slots=True)
class _Read:
    """What one model gave: logits (text, token, vocabulary), and each layer's states (text, token, width)."""

    logits: Tensor
    states: list[Tensor]
    fired: dict[str, int]


def _read(loaded: LoadedModel, ids: Ids, lengths: Sequence[int], *, states: bool) -> _Read:
    kept: dict[int, Tensor] = {}

    def keep(layer: int, output: Any) -> None:
        kept[layer] = (output[0] if isinstance(output, tuple) else output).float()

    blocks = blocks_of(loaded) if states else []
    hooks = [Hook(f"layer {layer}", block, partial(keep, layer)) for layer, block in enumerate(blocks)]
    with torch.inference_mode(), counted_hooks(hooks) as fired:
        logits = loaded.model(**inputs_of(loaded, ids, lengths)).logits.float()
    return _Read(logits, [kept[layer] for layer in sorted(kept)], dict(fired))


@torch.inference_mode()
def _divergence(first: Tensor, second: Tensor) -> tuple[float, float]:
    """Return the mean divergence over tokens, in nats, and the share of them with another likeliest next token."""
    one, other = (torch.log_softmax(logits, dim=-1) for logits in (first, second))
    each = (one.exp() * (one - other)).sum(dim=-1).clamp_min(0).double()
    moved = first.argmax(dim=-1) != second.argmax(dim=-1)
    return float(each.mean()), float(moved.double().mean())


def _compare(first: Tensor, second: Tensor, told: NDArray[np.bool_]) -> tuple[Array, Array, Array, int]:
    """Return of one layer the products, counts and sums of ordinary tokens and of all, and how many are massive."""
    massive = np.zeros(told.shape, dtype=bool)
    massive[told] = massive_tokens(to_numpy(first)[told]) | massive_tokens(to_numpy(second)[told])
    one, other = (to_numpy(states).astype(np.float64) for states in (first, second))
    each = np.stack([(one * one).sum(-1), (one * other).sum(-1), (other * other).sum(-1)], axis=-1)
    wanted = np.stack([told & ~massive, told]).astype(np.float64)  # (ordinary or all, text, token)
    return (
        np.einsum("kit,itp->kip", wanted, each),
        wanted.sum(axis=2),
        np.einsum("kit,itw->kw", wanted, one),
        int(massive.sum()),
    )


def _batches(ids: Ids) -> Iterator[slice]:
    rows = max(1, TOKENS_A_BATCH // ids.shape[1])
    for start in range(0, len(ids), rows):
        yield slice(start, start + rows)
