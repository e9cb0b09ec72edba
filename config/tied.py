"""Run a program that is asked to stop when whoever started it dies, however that dies.

A script of its own, run by path: between fork and exec nothing else may happen in a process that has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux; kept across exec


def main() -> None:
    """Tie this process to its parent, and become the program: `tied.py <parent's process id> <program> ...`."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    with suppress(OSError, AttributeError):  # elsewhere than on Linux nothing can be tied
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # it died before it could be noticed
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606  # our own command


if __name__ == "__main__":
    main()
