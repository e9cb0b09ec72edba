"""Who looks after a server: the process that started it, or, once that is dead, the next that would have."""

from __future__ import annotations

import os
from pathlib import Path


def note_owner(var: Path, server: str) -> None:
    """Note that this process looks after a server of this folder."""
    _path(var, server).write_text(_identity(os.getpid()), encoding="utf-8")


def forget_owner(var: Path, server: str) -> None:
    """Note that nobody does."""
    _path(var, server).unlink(missing_ok=True)


def is_orphan(var: Path, server: str) -> bool:
    """Whether whoever looked after a server died without stopping it."""
    try:
        noted = _path(var, server).read_text(encoding="utf-8")
        return _identity(int(noted.split()[0])) != noted
    except (OSError, ValueError, IndexError):
        return False


def _identity(pid: int) -> str:
    """Return the id of a process with the moment it started: another may have its id later."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"{pid} gone"
    return f"{pid} {stat.rpartition(')')[2].split()[19]}"


def _path(var: Path, server: str) -> Path:
    return var / f"{server}.owner"
