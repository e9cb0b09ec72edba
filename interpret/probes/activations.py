"""What forward passes gave, in files that are mapped into memory: by digest, under a limit, gone with the process.

They are made of texts that may have to be erased, so they outlive nobody: no file has a name, and each goes when the
last who reads it is done, however the process ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
# Bytes. In SmolLM2 attention to 24 sequences of 48 tokens is 60 MB, to 50 prompts of 256 tokens 3.5 GB.
LIMIT: Final = 2 * 2**30


class Activations:
    """Arrays by key; beyond `limit` bytes those that were asked for longest ago go."""

    def __init__(self, limit: int = LIMIT) -> None:
        """Keep up to `limit` bytes; the newest is kept whatever its size."""
        self._limit = limit
        self._kept: dict[str, Arrays] = {}  # asked for longest ago first

    @property
    def bytes(self) -> int:
        """Return how much is kept."""
        return sum(array.nbytes for arrays in self._kept.values() for array in arrays.values())

    def get(self, key: str) -> Arrays | None:
        """Return what is kept under `key`; None: nothing is, or no longer."""
        arrays = self._kept.pop(key, None)
        if arrays is not None:
            self._kept[key] = arrays
        return arrays

    def keep(self, key: str, arrays: Arrays) -> Arrays:
        """Write the arrays and return them mapped from their files."""
        self._kept.pop(key, None)
        self._kept[key] = {name: _mapped(array) for name, array in arrays.items()}
        while len(self._kept) > 1 and self.bytes > self._limit:
            del self._kept[next(iter(self._kept))]
        return self._kept[key]


def _mapped(array: NDArray[Any]) -> NDArray[Any]:
    with TemporaryFile(prefix="tracebinder-activations-") as file:
        mapped: NDArray[Any] = np.memmap(file, dtype=array.dtype, mode="w+", shape=array.shape)
    mapped[:] = array
    return mapped
