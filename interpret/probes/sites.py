"""Where the attention heads are in a transformers model: by module, not by guessing at names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn
from typing_extensions import override

from interpret.errors import ProbeError, SiteUnknown
from interpret.probes.weights import LoadedModel

# Llama-like, GPT-2, NeoX.
ATTENTION_NAMES = (("self_attn", "o_proj"), ("attn", "c_proj"), ("attention", "dense"))


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """One query head."""

    layer: int
    head: int

    @override
    def __str__(self) -> str:
        return f"{self.layer}.{self.head}"


@dataclass(frozen=True, slots=True)
class AttentionSite:
    """One layer's attention: the module that gives the pattern, and the one that mixes the heads."""

    layer: int
    attention: nn.Module
    mix: nn.Module  # its input is the heads' outputs side by side, (batch, token, head * head_width)


def attention_sites(loaded: LoadedModel) -> list[AttentionSite]:
    """Return one site a layer, first layer first.

    Raises:
        ProbeError: the layers or their attention are not where any known architecture has them.
    """
    sites = [_site(index, block) for index, block in enumerate(blocks_of(loaded))]
    if len(sites) != loaded.shape.layers:
        raise ProbeError(f"found {len(sites)} attention layers, the config says {loaded.shape.layers}")
    return sites


def check_heads(loaded: LoadedModel, heads: Iterable[Head]) -> None:
    """Refuse a head that the model does not have: a slice of nothing would be replaced, or the last layer's.

    Raises:
        SiteUnknown: naming the nearest head there is.
    """
    shape = loaded.shape
    for head in heads:
        near = Head(min(max(head.layer, 0), shape.layers - 1), min(max(head.head, 0), shape.heads - 1))
        if head != near:
            raise SiteUnknown(
                f"the model has no head {head}: the nearest is {near}; it has {shape.layers} layers of"
                f" {shape.heads} heads, counted from 0.0"
            )


def check_layers(loaded: LoadedModel, layers: Iterable[int]) -> None:
    """Refuse a layer that the model does not have: -1 would be taken for the last.

    Raises:
        SiteUnknown: naming the nearest layer there is.
    """
    for layer in layers:
        near = min(max(layer, 0), loaded.shape.layers - 1)
        if layer != near:
            raise SiteUnknown(f"the model has no layer {layer}: the nearest is {near}")


def blocks_of(loaded: LoadedModel) -> list[nn.Module]:
    """Return the layers, first layer first; raises as `attention_sites` does."""
    lists = [module for module in loaded.model.modules() if isinstance(module, nn.ModuleList)]
    for candidate in lists:
        if len(candidate) == loaded.shape.layers:
            return list(candidate)
    raise ProbeError(f"no list of {loaded.shape.layers} layers in a {loaded.shape.architecture} model")


def _site(index: int, block: Any) -> AttentionSite:
    for attention_name, mix_name in ATTENTION_NAMES:
        attention = getattr(block, attention_name, None)
        mix = getattr(attention, mix_name, None)
        if attention is not None and mix is not None:
            return AttentionSite(index, attention, mix)
    raise ProbeError(f"layer {index} has no attention of a known architecture")
