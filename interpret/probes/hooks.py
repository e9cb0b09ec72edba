"""Hooks that are counted: one that never fires raises, because what followed would have measured nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

from interpret.errors import HookNeverFired


@dataclass(frozen=True, slots=True)
class Hook:
    """One function on one module.

    Attributes:
        call: for `before`, (inputs) -> new inputs or None; otherwise (output) -> new output or None.
    """

    name: str
    module: nn.Module
    call: Callable[[Any], Any]
    before: bool = False


@contextmanager
def counted_hooks(hooks: Sequence[Hook]) -> Iterator[dict[str, int]]:
    """Attach `hooks` for the length of the block; yields how often each has fired, by name.

    Raises:
        HookNeverFired: the block ended without an error and a hook was never called.
    """
    counts = dict.fromkeys((hook.name for hook in hooks), 0)
    handles = [_attach(hook, counts) for hook in hooks]
    try:
        yield counts
    finally:
        for handle in handles:
            handle.remove()
    silent = [name for name, count in counts.items() if count == 0]
    if silent:
        raise HookNeverFired(f"never called: {', '.join(silent)}: nothing was read or changed there")


def _attach(hook: Hook, counts: dict[str, int]) -> Any:
    def before(_module: nn.Module, inputs: Any) -> Any:
        counts[hook.name] += 1
        return hook.call(inputs)

    def after(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        counts[hook.name] += 1
        return hook.call(output)

    if hook.before:
        return hook.module.register_forward_pre_hook(before)
    return hook.module.register_forward_hook(after)
