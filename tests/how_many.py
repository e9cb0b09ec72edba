"""How many examples a property is tried on: few at each change, other ones each time; many under `make soak`."""

from __future__ import annotations

import os
from typing import Final

_TIMES: Final = int(os.environ.get("TRACEBINDER_EXAMPLES", "1"))


def examples(n: int) -> int:
    """Return this number, or as many times that as are asked for."""
    return n * _TIMES
