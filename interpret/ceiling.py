"""How much memory a measurement may take, and what is said of one that takes more. Free of Django and torch."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from interpret.errors import OutOfMemory

# What torch says where there is no room: it raises RuntimeError for that on a CPU, and kinds of it on a GPU.
_NO_ROOM: Final = ("can't allocate memory", "not enough memory")
_NO_ROOM_ON_DEVICE: Final = ("CUDA out of memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")

_ON_DEVICE: Final = (
    "the device that TRACEBINDER_PROBE_DEVICE names has too little memory: ask for fewer or shorter inputs or"
    " sequences, or have the operator name another"
)


@contextmanager
def memory_ceiling(mebibytes: int) -> Iterator[None]:
    """Have what is allocated within the block refused above a ceiling, where the process would be killed for it.

    Args:
        mebibytes: of this process's data, with all that it holds when the block begins; 0: no ceiling. What is on a
            GPU is no part of it.

    Raises:
        OutOfMemory: there was no room, below the ceiling, on the machine or on its GPU.
    """
    before = resource.getrlimit(resource.RLIMIT_DATA)
    if mebibytes:
        resource.setrlimit(resource.RLIMIT_DATA, (_within(mebibytes * 2**20, before[1]), before[1]))
    try:
        yield
    except (MemoryError, RuntimeError) as exc:
        if _is_for_room_on_device(exc):
            raise OutOfMemory(_ON_DEVICE) from exc
        if _is_for_room(exc):
            raise OutOfMemory(_what_to_do(mebibytes)) from exc
        raise
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _within(wanted: int, hard: int) -> int:
    """Return `wanted`, or what the system allows where that is less."""
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _is_for_room(exc: Exception) -> bool:
    return isinstance(exc, MemoryError) or any(words in str(exc) for words in _NO_ROOM)


def _is_for_room_on_device(exc: Exception) -> bool:
    """Whether it is torch's error for that, by the name of its class or, of what a library beside it says, by words."""
    names = {kind.__name__ for kind in type(exc).__mro__}
    return "OutOfMemoryError" in names or any(words in str(exc) for words in _NO_ROOM_ON_DEVICE)


def _what_to_do(mebibytes: int) -> str:
    if mebibytes:
        return (
            f"it takes more than the {mebibytes} MiB that TRACEBINDER_PROBE_MEMORY allows:"
            " ask for fewer or shorter inputs or sequences, or have the operator raise it"
        )
    return "the worker's machine has too little memory: ask for fewer or shorter inputs or sequences"
