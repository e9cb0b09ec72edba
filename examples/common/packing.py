"""Linear layers whose weights lie in the order oneDNN reads them: the same float32 sums, a fifth sooner.

Without this, the matrix library puts the weights in order again at each call, which costs most where few rows meet many
weights: at each step of writing.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from typing_extensions import override

ROWS: Final = 32  # rows a call is expected to have, for oneDNN's choice of an order

# What torch's own compiler calls for a frozen linear layer. It has no public name: torch is pinned to one version.
_OPS: Final[Any] = torch.ops.mkldnn


class PackedLinear(nn.Module):
    """A linear layer for inference, made of another one."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self._weight = _OPS._reorder_linear_weight(layer.weight.detach(), ROWS)  # noqa: SLF001
        bias = dict(layer.named_parameters()).get("bias")
        self._bias = None if bias is None else bias.detach()

    @override
    def forward(self, states: Tensor) -> Tensor:
        """Return what the layer it was made of returns, but for the order of its sums."""
        out: Tensor = _OPS._linear_pointwise(states, self._weight, self._bias, "none", [], "")  # noqa: SLF001
        return out


def pack_linear_layers(model: nn.Module) -> None:
    """Replace every linear layer of a model on the CPU; where this torch has no oneDNN, none."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        return
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.Linear:
                setattr(parent, name, PackedLinear(layer))
