"""Which models of a zoo are measured at every change, and which under `make soak`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest


def cases(zoo: Mapping[str, Any], *, always: Iterable[str]) -> list[Any]:
    """Return the names of a zoo as a test's parameters.

    Args:
        always: those that stand for the rest: what is there, what comes nearest to it, and a dead model. The others
            take minutes together, and are measured by `make soak`.

    Raises:
        KeyError: the zoo has no model of such a name.
    """
    kept = {name: zoo[name] for name in always}
    return [name if name in kept else pytest.param(name, marks=pytest.mark.soak) for name in zoo]
