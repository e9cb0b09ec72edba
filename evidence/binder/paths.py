"""Which paths a binder may hold: those that unpack to the same place on every file system."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from evidence.binder.errors import UnsafePath

_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|%]")
_UNSAFE_NAME: Final = re.compile(r"[^\w.-]+")
_LONGEST_PATH: Final = 240  # bytes of UTF-8, so that a bag unpacked below a home folder stays under 255


def check_path(path: str) -> str:
    """Return `path` unchanged.

    Raises:
        UnsafePath: absolute, empty or dotted parts, control characters, characters a file system
            refuses, not in Unicode NFC, or longer than 240 bytes.
    """
    parts = path.split("/")
    if not path or any(part in {"", ".", ".."} for part in parts):
        raise UnsafePath(f"a binder path has no empty or dotted parts: {path!r}")
    if _FORBIDDEN.search(path) or unicodedata.normalize("NFC", path) != path:
        raise UnsafePath(f'a binder path holds no control characters or \\ : * ? " < > | %: {path!r}')
    if len(path.encode()) > _LONGEST_PATH:
        raise UnsafePath(f"a binder path is at most {_LONGEST_PATH} bytes: {path!r}")
    return path


def fold_path(path: str) -> str:
    """Return the form under which two paths would collide on some file system."""
    return unicodedata.normalize("NFC", path).casefold()


def file_stem(name: str) -> str:
    """Return `name` with every character outside letters, digits, `.`, `_` and `-` as `-`."""
    stem = _UNSAFE_NAME.sub("-", unicodedata.normalize("NFC", name)).strip(".-")
    return stem[:80] or "unnamed"
