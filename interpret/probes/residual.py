"""The residual stream: read after any layer, read out as the model itself does, and taken apart so that it adds up."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interpret.errors import ProbeError, SiteUnknown
from interpret.probes.devices import to_device, to_numpy
from interpret.probes.forward import ForwardPasses
from interpret.probes.hooks import Hook, counted_hooks
from interpret.probes.one_pass import Floats, Ids, inputs_of
from interpret.probes.sites import attention_sites, blocks_of
from interpret.probes.weights import LoadedModel

FINAL_NORMS = ("norm", "ln_f", "final_layer_norm")  # Llama-like, GPT-2, NeoX
MASSIVE = (
    10  # times the median norm: beyond it a token is a place where attention rests, and tells of no text
)
ADDS_UP = 1e-3  # of the largest number in the residual: what parts may lack by rounding


@dataclass(frozen=True, slots=True)
class Spread:
    """How much of the variance of activations is in a few massive tokens: both figures, always.

    Attributes:
        variance: mean squared distance from the mean, over all tokens.
        variance_without: the same over the tokens that are not massive.
    """

    tokens: int
    massive: int
    variance: float
    variance_without: float


def read_residual(loaded: LoadedModel, ids: Ids, layer: int, lengths: Sequence[int] = ()) -> Floats:
    """Return the residual stream after `layer`. Shape (sequence, token, width).

    Raises:
        SiteUnknown: the model has no such layer.
        HookNeverFired: the layer was not reached.
    """
    return ForwardPasses().clean(loaded, ids, (), lengths, [layer]).residual[layer]


def contributions(loaded: LoadedModel, ids: Ids) -> dict[str, Floats]:
    """Return what the embedding, each attention and each MLP add to the last layer's residual.

    Returns:
        "embedding", "layer 0 attention", "layer 0 mlp" and so on -> (sequence, token, width).

    Raises:
        ProbeError: they do not add up to it: the model's blocks do more than add (a norm after the attention, say).
    """
    kept: dict[str, Tensor] = {}
    blocks = blocks_of(loaded)
    hooks = [Hook("embedding", blocks[0], partial(_keep_input, kept), before=True)]
    for site, block in zip(attention_sites(loaded), blocks, strict=True):
        mlp = getattr(block, "mlp", None)
        if not isinstance(mlp, nn.Module):
            raise SiteUnknown(f"layer {site.layer} has no `mlp`")
        hooks += [
            _reader(f"layer {site.layer} attention", site.attention, kept),
            _reader(f"layer {site.layer} mlp", mlp, kept),
        ]
    last = _reader("residual", blocks[-1], kept)
    _run(loaded, ids, (), [*hooks, last])
    whole = kept.pop("residual")
    lacking = float((sum(kept.values()) - whole).abs().max() / whole.abs().max())
    if not lacking <= ADDS_UP:
        raise ProbeError(
            f"the parts lack {lacking:.1%} of the residual of a {loaded.shape.architecture} model: its blocks do"
            " more than add what attention and MLP give, so no part's share can be told"
        )
    return {name: to_numpy(part) for name, part in kept.items()}


@torch.inference_mode()
def lens(loaded: LoadedModel, residual: Floats) -> Floats:
    """Read a residual out as the model does with its last: normed by its own scale, then unembedded.

    Args:
        residual: (..., width), after any layer.

    Returns:
        logits, (..., vocabulary); after the last layer, the model's own.

    Raises:
        SiteUnknown: the last norm is not where any known architecture has it.
    """
    body = loaded.model.base_model
    norm = next((getattr(body, name) for name in FINAL_NORMS if hasattr(body, name)), None)
    if norm is None:
        raise SiteUnknown(f"a {loaded.shape.architecture} model has none of {', '.join(FINAL_NORMS)}")
    return to_numpy(loaded.model.get_output_embeddings()(norm(to_device(residual, loaded.device))))


def massive_tokens(activations: Floats) -> NDArray[np.bool_]:
    """Return which tokens are massive: by norm, wherever they stand.

    Args:
        activations: (token, width), of one site.
    """
    norms = np.linalg.norm(activations.astype(np.float64), axis=-1)
    massive: NDArray[np.bool_] = norms > MASSIVE * np.median(norms)
    return massive


def spread_of(activations: Floats) -> Spread:
    """Return the variance of activations (token, width), with and without the massive tokens."""
    massive = massive_tokens(activations)
    return Spread(
        tokens=massive.size,
        massive=int(massive.sum()),
        variance=_variance(activations),
        variance_without=_variance(activations[~massive]),
    )


def _variance(activations: Floats) -> float:
    data = activations.astype(np.float64)
    return float(((data - data.mean(axis=0)) ** 2).sum(axis=-1).mean())


def _reader(name: str, module: nn.Module, kept: dict[str, Tensor]) -> Hook:
    def keep(output: Any) -> None:
        kept[name] = (output[0] if isinstance(output, tuple) else output).float()

    return Hook(name, module, keep)


def _keep_input(kept: dict[str, Tensor], inputs: Any) -> None:
    kept["embedding"] = inputs[0].float()


def _run(loaded: LoadedModel, ids: Ids, lengths: Sequence[int], hooks: Sequence[Hook]) -> None:
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(counted_hooks(hooks))
        loaded.model.base_model(**inputs_of(loaded, ids, lengths))
