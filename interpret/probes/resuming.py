"""Forward passes from the middle: what comes before the first changed head is computed once, and not again.

A pass that changes heads of layer 17 is the same as the unchanged one up to the outputs of layer 17's heads. These, and
what enters that layer, are kept; from there the model itself goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from interpret.probes.hooks import Hook, StandIn
from interpret.probes.sites import attention_sites, blocks_of
from interpret.probes.weights import LoadedModel


class Reached(Exception):  # no error: it ends a pass that has given what was wanted
    """The pass has come as far as it was to go."""


@dataclass(frozen=True, slots=True)
class Middle:
    """Where a pass goes on: at the heads of `layer`.

    Attributes:
        entering: (sequence, token, width), what enters the layer; None at layer 0, where it is the embedding.
        heads: (sequence, token, head * head width), its heads' outputs side by side.
        in_tuple: whether this architecture's layers return a tuple.
    """

    layer: int
    heads: Tensor
    entering: Tensor | None
    in_tuple: bool


def hooks_to_middle(loaded: LoadedModel, layer: int, kept: dict[str, Any]) -> list[Hook]:
    """Return hooks that keep what a `Middle` of `layer` needs, and end the pass there by raising `Reached`."""

    def keep_entering(output: Any) -> None:
        kept["in_tuple"] = isinstance(output, tuple)
        kept["entering"] = output[0] if isinstance(output, tuple) else output

    def keep_heads(inputs: Any) -> None:
        kept["heads"] = inputs[0]
        raise Reached

    hooks = [Hook("heads", attention_sites(loaded)[layer].mix, keep_heads, before=True)]
    if layer:
        hooks.append(Hook("entering", blocks_of(loaded)[layer - 1], keep_entering))
    return hooks


def from_middle(loaded: LoadedModel, middle: Middle, rows: slice) -> list[StandIn]:
    """Return what stands in for the modules before the middle, for these of its sequences."""
    blocks, site = blocks_of(loaded), attention_sites(loaded)[middle.layer]
    stand_ins = [StandIn(site.attention, partial(_mix, site.mix, middle.heads[rows]))]
    if middle.entering is not None:
        wrap = _tuple_of if middle.in_tuple else _itself
        stand_ins += [StandIn(block, partial(_pass_on, wrap)) for block in blocks[: middle.layer - 1]]
        entering = middle.entering[rows]
        stand_ins.append(StandIn(blocks[middle.layer - 1], partial(_give, wrap, entering)))
    return stand_ins


def from_residual(loaded: LoadedModel, layer: int, residual: Tensor, *, in_tuple: bool) -> list[StandIn]:
    """Return what stands in for all layers up to `layer`, so that the model goes on from this residual after it.

    Args:
        residual: (sequence, token, width).
        in_tuple: whether this architecture's layers return a tuple.
    """
    blocks, wrap = blocks_of(loaded), _tuple_of if in_tuple else _itself
    before = [StandIn(block, partial(_pass_on, wrap)) for block in blocks[:layer]]
    return [*before, StandIn(blocks[layer], partial(_give, wrap, residual))]


def _mix(mix: nn.Module, heads: Tensor, *_: Any, **__: Any) -> tuple[Any, None]:
    return mix(heads), None


def _pass_on(wrap: Callable[[Tensor], Any], hidden: Tensor, *_: Any, **__: Any) -> Any:
    return wrap(hidden)


def _give(wrap: Callable[[Tensor], Any], entering: Tensor, *_: Any, **__: Any) -> Any:
    return wrap(entering)


def _itself(hidden: Tensor) -> Tensor:
    return hidden


def _tuple_of(hidden: Tensor) -> tuple[Tensor]:
    return (hidden,)
