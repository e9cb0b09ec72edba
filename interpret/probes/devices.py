"""Where a model computes, and the one place in which numbers go there and come back.

`python -m interpret.probes.devices cuda:1` says why nothing can be measured there, and ends with 1; or nothing, with 0.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from interpret.contracts import CPU
from interpret.errors import DeviceMissing


def check_device(name: str) -> None:
    """Refuse a device that is not there: on another one nobody has asked for a measurement.

    Args:
        name: "cpu", "cuda" or "cuda:N".

    Raises:
        DeviceMissing: torch sees no CUDA, or not so many devices.
    """
    if name == CPU:
        return
    if not torch.cuda.is_available():
        built = "" if torch.version.cuda else ", built without CUDA,"
        raise DeviceMissing(
            f"TRACEBINDER_PROBE_DEVICE asks for {name}, and torch {torch.__version__}{built} finds no CUDA device here."
            " Nothing is measured on the CPU instead: install driver and library, or set it to cpu."
        )
    there = torch.cuda.device_count()
    if (torch.device(name).index or 0) >= there:
        raise DeviceMissing(
            f"TRACEBINDER_PROBE_DEVICE asks for {name}, and there are {there} CUDA devices here, counted from cuda:0."
        )


def device_in_words(name: str) -> str:
    """Return what a device is, alike for alike ones: sums on another kind differ in the last digits."""
    return name if name == CPU else f"cuda, {torch.cuda.get_device_name(name)}"


def to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Return an array as a tensor where a model computes; on the CPU, in the same memory."""
    return torch.from_numpy(array).to(device)


def to_numpy(tensor: Tensor) -> NDArray[Any]:
    """Return a tensor as an array, wherever it was computed; from the CPU, in the same memory."""
    array: NDArray[Any] = tensor.cpu().numpy()
    return array


def main(name: str) -> int:
    """Print why nothing can be measured on a device; returns 1 where there is such a reason."""
    try:
        check_device(name)
    except DeviceMissing as exc:
        print(exc)  # noqa: T201  # to the process that asked
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
