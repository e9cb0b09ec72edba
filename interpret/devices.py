"""Whether a worker's device is there, asked by processes that must not look at CUDA themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from interpret.contracts import CPU

LOOKED_AT_BY: Final = "interpret.probes.devices"  # run as a program
WITHIN: Final = 60  # seconds in which a driver answers


def fault_of_device(device: str) -> str:
    """Return why no process of this machine can measure on a device; empty: they can.

    A process of its own is asked: CUDA that a worker has looked at does not work in the processes that it forks.
    """
    if device == CPU:
        return ""
    try:
        asked = subprocess.run(  # noqa: S603  # our own module, and a setting that was checked
            [sys.executable, "-m", LOOKED_AT_BY, device],
            cwd=Path(__file__).resolve().parents[1],
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN,
        )
    except subprocess.TimeoutExpired:
        return f"TRACEBINDER_PROBE_DEVICE asks for {device}, whose driver says nothing within {WITHIN} s."
    if not asked.returncode:
        return ""
    last = asked.stderr.strip().rpartition("\n")[2]
    return (
        asked.stdout.strip()
        or f"TRACEBINDER_PROBE_DEVICE asks for {device}, which cannot be looked at: {last}"
    )
