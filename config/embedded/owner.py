"""Who looks after a server, and stops it in the end: one process at a time.

That is the process that started it; or `manage.py up`, which takes over what it finds running, because it stays; or,
once that process is dead, the next that would have started it. The note of who it is changes together with the server,
under one lock, so that no two think that it is theirs, and nobody stops what has become another's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from config.embedded.plan import locked


class Care(NamedTuple):
    """What came of looking after a server."""

    started: bool  # by this call
    begun: bool  # it became ours by this call


def look_after(var: Path, server: str, start: Callable[[Path], bool], *, takes_over: bool) -> Care:
    """Start a server unless it runs, and note that it is ours where it is.

    Args:
        takes_over: it becomes ours, too, where another process looks after it.
    """
    var.mkdir(parents=True, exist_ok=True)
    with locked(var, f"{server}.owner"):
        started = start(var)
        is_to_be_ours = started or takes_over or _is_orphan(var, server)
        begun = is_to_be_ours and not _is_ours(var, server)
        if begun:
            _path(var, server).write_text(_identity(os.getpid()), encoding="utf-8")
        return Care(started, begun)


def stop_if_ours(var: Path, server: str, stop: Callable[[Path], None]) -> None:
    """Stop a server that is still ours; leave it alone where another process has taken it over."""
    with locked(var, f"{server}.owner"):
        if _is_ours(var, server):
            stop(var)
            _path(var, server).unlink()


def _is_ours(var: Path, server: str) -> bool:
    return _noted(var, server) == _identity(os.getpid())


def _is_orphan(var: Path, server: str) -> bool:
    """Whether whoever looked after a server died without stopping it."""
    noted = _noted(var, server)
    try:
        return bool(noted) and _identity(int(noted.split()[0])) != noted
    except ValueError:
        return True  # cut short by a full disk: nobody is named


def _noted(var: Path, server: str) -> str:
    try:
        return _path(var, server).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _identity(pid: int) -> str:
    """Return the id of a process with the moment it started: another may have its id later."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"{pid} gone"
    return f"{pid} {stat.rpartition(')')[2].split()[19]}"


def _path(var: Path, server: str) -> Path:
    return var / f"{server}.owner"
