"""Probe tests share a small machine with everything else: one thread each, which is also faster for tiny models."""

from __future__ import annotations

import ctypes

import torch

torch.set_num_threads(1)


def _keep_freed_memory() -> None:
    """Have the C library keep what is freed: each pass of a model would ask the system for all its pages again.

    That was a fifth of what probes of tiny models take. Another C library than GNU's goes on as it does.
    """
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # of <malloc.h>
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        for option, count_of_bytes in (
            (mmap_threshold, 32 * 2**20),
            (trim_threshold, 2**30),
            (top_pad, 64 * 2**20),
        ):
            set_option(option, count_of_bytes)


_keep_freed_memory()
