"""Integrated gradients over heads: which of them an answer's change between two texts is likely to run through.

The residual stream at one place, the cut, goes from one text's to the other's in small steps. What all tokens are
given there adds up to the change of the answer, which is checked: beyond `COMPLETE` nothing is returned. What heads are
given, by the same gradients, adds up to nothing: one head's change stands in another's gradient. It proposes heads, and
proves nothing of them.

After: M. Sundararajan et al., "Axiomatic Attribution for Deep Networks" (2017, arXiv 1703.01365); M. Hanna et al.,
"Have Faith in Faithfulness" (2024, arXiv 2403.17806), gradients of inner parts along a path of the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import torch

from interpret.errors import AttributionIncomplete
from interpret.probes.answer_texts import Answers, Array, Tokens, by_length, in_batches, odds_after
from interpret.probes.devices import to_device, to_numpy
from interpret.probes.forward import ForwardPasses
from interpret.probes.hooks import Hook, counted_hooks
from interpret.probes.sites import attention_sites, blocks_of, check_layers
from interpret.probes.weights import LoadedModel

COMPLETE: Final = 0.01  # of the change: what the sum may lack or exceed
LEAST_CHANGE: Final = 0.1  # log-odds: where the answer changes by less, the share is of this
STEPS: Final = (8, 24, 48, 96, 192)  # Gauss-Legendre nodes, raised until the sum is complete
TOKENS_A_GRADIENT: Final = 512  # all that lies between is kept for the way back: 0.8 GB in SmolLM2
EMBEDDING: Final = -1  # the cut before the first layer


@dataclass(frozen=True, slots=True)
class Attribution:
    """What parts are given of each change of the answer, in log-odds.

    Attributes:
        change: (pair,), log-odds after the first text less those after the second.
        at_cut: (pair,), the sum over all that lies at the cut: equal to `change`, but for `error`.
        heads: (pair, layer * head), at all tokens; before the cut 0. Their sum means nothing.
        steps: of the integration.
        error: mean distance of `at_cut` from `change`, as a share of the mean change.
    """

    change: Array
    at_cut: Array
    heads: Array
    steps: int
    error: float


def attribute(
    passes: ForwardPasses,
    loaded: LoadedModel,
    texts: tuple[Sequence[Tokens], Sequence[Tokens]],
    answers: Sequence[Answers],
    *,
    cut: int = EMBEDDING,
    steps: Sequence[int] = STEPS,
    incomplete: bool = False,
) -> Attribution:
    """Attribute how the answer changes from the second text of each pair to the first.

    Args:
        texts: first and second texts, those of a pair of one length.
        cut: the layer after which the residual stream is changed in steps; `EMBEDDING`: before the first.
        steps: to be tried, one after the other, until the sum is complete.
        incomplete: return what the last try gave, whatever it lacks.

    Raises:
        AttributionIncomplete: with no number of steps is the sum within `COMPLETE` of the change.
        SiteUnknown: the model has no such layer.
        HookNeverFired: the cut or a head was not reached.
    """
    if cut != EMBEDDING:
        check_layers(loaded, [cut])
    batches = list(_batches(loaded, texts, answers, cut))
    last: Attribution | None = None
    for many in steps:
        last = _integrate(loaded, batches, len(answers), many)
        if last.error <= COMPLETE:
            break
    passes.made += sum(batch.made for _, batch in batches)
    if last is None or (last.error > COMPLETE and not incomplete):
        raise AttributionIncomplete(
            f"with {steps[-1]} steps the attributions at the cut are {last.error if last else 1:.1%} from the change of"
            f" the answer, of which they are parts: {COMPLETE:.0%} is allowed"
        )
    return last


def _batches(
    loaded: LoadedModel,
    texts: tuple[Sequence[Tokens], Sequence[Tokens]],
    answers: Sequence[Answers],
    cut: int,
) -> Iterator[tuple[list[int], _Rows]]:
    """Yield pairs of one length, so many as one pass takes, by their places."""
    for places in by_length(texts[0]):
        for rows in in_batches(places, len(texts[0][places[0]]), TOKENS_A_GRADIENT):
            first, second, told = (
                to_device(np.asarray([each[row] for row in rows], dtype=np.int64), loaded.device)
                for each in (*texts, answers)
            )
            yield rows, _Rows(loaded, cut, first, second, told)


def _integrate(
    loaded: LoadedModel, batches: Sequence[tuple[list[int], _Rows]], pairs: int, steps: int
) -> Attribution:
    shape = loaded.shape
    change, at_cut, heads = np.zeros(pairs), np.zeros(pairs), np.zeros((pairs, shape.layers * shape.heads))
    for rows, batch in batches:
        change[rows], at_cut[rows], heads[rows] = batch.integrate(steps)
    error = float(np.abs(at_cut - change).mean() / max(np.abs(change).mean(), LEAST_CHANGE))
    return Attribution(change, at_cut, heads, steps, error)


class _Rows:
    """Some pairs of one length, in one batch."""

    def __init__(
        self, loaded: LoadedModel, cut: int, first: torch.Tensor, second: torch.Tensor, answers: torch.Tensor
    ) -> None:
        self._loaded, self._cut, self._answers = loaded, cut, answers
        self._ids, self.made = second, 0
        blocks = blocks_of(loaded)
        self._module = loaded.model.get_input_embeddings() if cut == EMBEDDING else blocks[cut]
        self._sites = [site for site in attention_sites(loaded) if site.layer > cut]
        self._first, self._second = self._read(first), self._read(second)

    def integrate(self, steps: int) -> tuple[Array, Array, Array]:
        """Return the change, what the cut is given of it, and what each head is: (row,), (row,), (row, head)."""
        nodes, weights = np.polynomial.legendre.leggauss(steps)
        shape, rows = self._loaded.shape, len(self._ids)
        slopes = [torch.zeros_like(each) for each in self._first[1:]]
        for some in in_batches(range(steps), rows * self._ids.shape[1], TOKENS_A_GRADIENT):
            share, weight = (
                torch.as_tensor(each[some] / 2, dtype=slopes[0].dtype, device=self._ids.device)
                for each in (nodes + 1, weights)
            )
            for slope, found in zip(slopes, self._slopes(share), strict=True):
                by_node = found.reshape(len(some), rows, *found.shape[1:])
                slope.add_(torch.einsum("n,n...->...", weight, by_node))
        given = [
            slope.double() * (one - other).double()
            for slope, one, other in zip(slopes, self._first[1:], self._second[1:], strict=True)
        ]
        heads = np.zeros((rows, shape.layers, shape.heads))
        for site, each in zip(self._sites, given[1:], strict=True):
            by_head = each.sum(dim=1).reshape(-1, shape.heads, shape.head_width)
            heads[:, site.layer] = to_numpy(by_head.sum(dim=-1))
        change, at_cut = self._first[0] - self._second[0], given[0].sum(dim=(1, 2))
        return to_numpy(change), to_numpy(at_cut), heads.reshape(rows, -1)

    def _read(self, ids: torch.Tensor) -> list[torch.Tensor]:
        """Return the log-odds of one text of each pair, what is at the cut, and what each layer's heads give."""
        kept: dict[int, torch.Tensor] = {}

        def keep(name: int, given: Any) -> None:
            kept[name] = given[0] if isinstance(given, tuple) else given

        cut = Hook("cut", self._module, partial(keep, EMBEDDING))
        with torch.no_grad(), counted_hooks([cut, *self._head_hooks(keep)]):
            odds = odds_after(self._loaded, ids, self._answers)
        self.made += 1
        return [odds, kept[EMBEDDING], *(kept[site.layer] for site in self._sites)]

    def _slopes(self, shares: torch.Tensor) -> list[torch.Tensor]:
        """Return gradients of the log-odds, at the cut and at heads, so far from the second text. (share * row, ...)"""
        second, whole = self._second[1], self._first[1] - self._second[1]
        between = (second + shares.reshape(-1, 1, 1, 1) * whole).flatten(0, 1).requires_grad_()
        kept: dict[int, torch.Tensor] = {}

        def put(output: Any) -> Any:
            return (between, *output[1:]) if isinstance(output, tuple) else between

        def keep(layer: int, inputs: Any) -> None:
            kept[layer] = inputs[0]

        cut, many = Hook("cut", self._module, put, changes=True), len(shares)
        with (
            _weights_resting(self._loaded),
            torch.enable_grad(),
            counted_hooks([cut, *self._head_hooks(keep)]),
        ):
            odds = odds_after(self._loaded, self._ids.repeat(many, 1), self._answers.repeat(many, 1)).sum()
            parts = [between, *(kept[site.layer] for site in self._sites)]
            found = torch.autograd.grad(odds, parts)
        self.made += 1
        return list(found)

    def _head_hooks(self, keep: Any) -> list[Hook]:
        return [
            Hook(f"heads of layer {site.layer}", site.mix, partial(keep, site.layer), before=True)
            for site in self._sites
        ]


@contextmanager
def _weights_resting(loaded: LoadedModel) -> Iterator[None]:
    """Have no gradients of weights within the block."""
    before = [(weight, weight.requires_grad) for weight in loaded.model.parameters()]
    try:
        for weight, _ in before:
            weight.requires_grad_(requires_grad=False)
        yield
    finally:
        for weight, wanted in before:
            weight.requires_grad_(requires_grad=wanted)
