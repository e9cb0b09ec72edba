"""A device that is not the CPU, on a machine that has no other: torch's `meta`, of which each result is zeros.

There a tensor has a shape and a place and no numbers. torch lets some operations take tensors of two places there, as
no real device does, so each is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from typing_extensions import override

from interpret.probes.weights import LoadedModel

META: Final = "meta"
_MOVES: Final = {"aten::_to_copy", "aten::to", "aten::cpu", "aten::copy_"}
_ASKS: Final = {"aten::_local_scalar_dense", "aten::item", "aten::is_nonzero"}


class TwoDevices(RuntimeError):
    """An operation was given tensors of two devices: one was made without being put where the model is."""


class Elsewhere(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it without types
    """While it is on, what computes on `meta` behaves as on a real device; it says what came back, by shape."""

    def __init__(self, *, answer: bool = True) -> None:
        """Answer each question about a number there (is there padding?) with `answer`."""
        super().__init__()  # type: ignore[no-untyped-call]  # likewise
        self.answer = answer
        self.fetched: list[tuple[int, ...]] = []

    @override
    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        named, given = func._schema.name, dict(kwargs or {})
        tensors = [each for each in tree_leaves((args, given)) if isinstance(each, torch.Tensor)]
        if named in _MOVES:
            if args[0].is_meta and torch.device("cpu") in [*args, *given.values()]:
                self.fetched.append(tuple(args[0].shape))
                return torch.zeros(args[0].shape, dtype=given.get("dtype") or args[0].dtype)
        elif named in _ASKS and args[0].is_meta:
            return self.answer if args[0].dtype == torch.bool or named == "aten::is_nonzero" else 0
        elif len({each.device.type for each in tensors if each.dim() or each.is_meta}) > 1:
            raise TwoDevices(f"{named}: {[(each.device.type, tuple(each.shape)) for each in tensors]}")
        return func(*args, **given)


def moved(loaded: LoadedModel) -> LoadedModel:
    """Return the model put there."""
    return replace(loaded, model=loaded.model.to(META))
