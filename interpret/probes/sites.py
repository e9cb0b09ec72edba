"""Where the attention heads are in a transformers model: by module, not by guessing at names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn
from typing_extensions import override

from interpret.errors import ProbeError
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
    sites = [_site(index, block) for index, block in enumerate(_blocks(loaded))]
    if len(sites) != loaded.shape.layers:
        raise ProbeError(f"found {len(sites)} attention layers, the config says {loaded.shape.layers}")
    return sites


def _blocks(loaded: LoadedModel) -> list[nn.Module]:
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
