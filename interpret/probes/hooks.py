"""Hooks that are counted: one that does not fire once a pass raises, because what followed would mean nothing.

They are the only ones a probe may attach. That a hook changes something is said when it is made: one that reads and
returns, or that changes and returns nothing, raises. Whether a change moves the output is for `ForwardPasses` to prove.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from interpret.errors import HookMiscounted, HookNeverFired, InterventionWithoutEffect, ProbeError


@dataclass(frozen=True, slots=True)
class Hook:
    """One function on one module.

    Attributes:
        call: takes the inputs, for `before`, otherwise the output; returns what goes on instead, where it `changes`.
    """

    name: str
    module: nn.Module
    call: Callable[[Any], Any]
    before: bool = False
    changes: bool = False


@dataclass(frozen=True, slots=True)
class StandIn:
    """A function that is called in the place of a module's own; hooks on the module fire as ever."""

    module: nn.Module
    call: Callable[..., Any]


@contextmanager
def standing_in(stand_ins: Sequence[StandIn]) -> Iterator[None]:
    """Have functions stand in for modules during one forward pass.

    Raises:
        HookNeverFired: the block ended without an error and one was never called.
    """
    called = [0] * len(stand_ins)

    def counting(number: int, *given: Any, **named: Any) -> Any:
        called[number] += 1
        return stand_ins[number].call(*given, **named)

    try:
        for number, each in enumerate(stand_ins):
            vars(each.module)["forward"] = partial(
                counting, number
            )  # before the class's, for this module alone
        yield
    finally:
        for each in stand_ins:
            vars(each.module).pop("forward", None)
    if not all(called):
        raise HookNeverFired(f"{called.count(0)} modules that were to be skipped were never called")


@contextmanager
def counted_hooks(hooks: Sequence[Hook]) -> Iterator[dict[str, int]]:
    """Attach `hooks` for one forward pass; yields how often each has fired, by name.

    Raises:
        HookNeverFired: the block ended without an error and a hook was never called.
        HookMiscounted: it was called more than once.
        InterventionWithoutEffect: a hook that changes returned nothing.
        ProbeError: a hook that only reads returned something, or two have one name.
    """
    counts = dict.fromkeys(_names(hooks), 0)
    handles: list[Any] = []
    try:
        handles.extend(_attach(hook, counts) for hook in hooks)
        yield counts
    finally:
        for handle in handles:
            handle.remove()
    _check_counts(counts)


def _names(hooks: Sequence[Hook]) -> list[str]:
    """Return the names; two hooks of one name would share a count, and the one hide that the other never fired."""
    names = [hook.name for hook in hooks]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ProbeError(f"two hooks are called {', '.join(twice)}: each needs a name of its own")
    return names


def _check_counts(counts: dict[str, int]) -> None:
    silent = [name for name, count in counts.items() if count == 0]
    if silent:
        raise HookNeverFired(f"never called: {', '.join(silent)}: nothing was read or changed there")
    often = [f"{name} ({count} times)" for name, count in counts.items() if count != 1]
    if often:
        raise HookMiscounted(
            f"called more than once in one pass: {', '.join(often)}: its module is used twice"
        )


def _attach(hook: Hook, counts: dict[str, int]) -> Any:
    def fire(given: Any) -> Any:
        counts[hook.name] += 1
        instead = hook.call(given)
        if hook.changes and instead is None:
            raise InterventionWithoutEffect(f"{hook.name}: it is to change its module, and returned nothing")
        if not hook.changes and instead is not None:
            raise ProbeError(f"{hook.name}: it only reads, and returned something that would have gone on")
        return instead

    if hook.before:
        return hook.module.register_forward_pre_hook(lambda _module, inputs: fire(inputs))
    return hook.module.register_forward_hook(lambda _module, _inputs, output: fire(output))
