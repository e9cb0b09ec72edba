"""What a stack may be given for itself, where this machine allows it: a small disk to fill, and a clock to set."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DISK_SIZE = "1500m"
SHIM = Path(__file__).with_name("clock_shim.c")
BLOCK = 1 << 20  # bytes


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Have a file system of its own in a folder, in memory. Only the superuser may mount one; for others it is none."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def clock_that_can_be_set(folder: Path) -> Iterator[Path | None]:
    """Have the processes that are started inside the block read a clock that `set_clock` sets; None without a compiler.

    It is preloaded (`clock_shim.c`): the machine's own clock is left alone.
    """
    shim, setting = folder / "clock_shim.so", folder / "clock"
    try:
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O2", "-o", str(shim), str(SHIM), "-ldl"],
            check=True,
            capture_output=True,
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        yield None
        return
    set_clock(setting, 0)
    before = {name: os.environ.get(name) for name in ("LD_PRELOAD", "FAULTS_CLOCK")}
    os.environ |= {"LD_PRELOAD": str(shim), "FAULTS_CLOCK": str(setting)}
    try:
        yield setting
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def set_clock(setting: Path, seconds: int) -> None:
    """Set the clock to so many seconds from the machine's; negative is back."""
    with setting.open("r+b" if setting.exists() else "wb") as file:
        file.write(struct.pack("=q", seconds))


def read_clock(setting: Path) -> int:
    """Return by how many seconds the clock is ahead of the machine's."""
    (seconds,) = struct.unpack("=q", setting.read_bytes())
    return int(seconds)


@contextmanager
def disk_full(folder: Path) -> Iterator[None]:
    """Leave not a byte free on the file system of a folder, inside the block."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = BLOCK
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2
    try:
        yield
    finally:
        ballast.unlink()
