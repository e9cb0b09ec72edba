"""The files that were read last, kept by their bytes: a plan, the import after it and the same file again read it once.

What a file says follows from its bytes, its name and the rules alone: never from what is stored. So what is kept is
never stale; plan and import compare it with what stands, as if it had just been read. Each process keeps its own.
"""

from __future__ import annotations

from threading import Lock
from typing import Final, NamedTuple

from cachetools import LRUCache
from django.conf import settings

from evidence.digests import sha256_hex
from requirements.checks.contracts import Check
from requirements.checks.registry import known_checks
from requirements.yaml_import.contracts import RequirementFile
from requirements.yaml_import.parser import parse_requirement_file

_MOST_BYTES: Final = (
    8_000_000  # of all files that are kept, as they were written; what they say takes four times that
)
_LIMITS: Final = ("MAX_REQUIREMENTS", "MAX_CRITERIA", "MAX_LINKS", "MAX_SLICES")


class _Kept(NamedTuple):
    """What a file said, by which rules."""

    rules: object
    size: int  # bytes of its source
    file: RequirementFile


def read_requirement_file(source: bytes, file_name: str) -> RequirementFile:
    """Return what `parse_requirement_file` does; the same bytes of the same name are read once.

    Raises:
        RequirementFileInvalid: as there; a file with faults is not kept.
    """
    key, rules = (file_name, sha256_hex(source)), _rules()
    with _lock:
        found = _files.get(key)
    if found is not None and found.rules == rules:
        return found.file
    file = parse_requirement_file(source, file_name)
    if len(source) <= _files.maxsize:
        with _lock:
            _files[key] = _Kept(rules, len(source), file)
    return file


def _rules() -> tuple[tuple[int, ...], tuple[Check, ...]]:
    """Return what decides how a file is read and may be another in this process: the limits set, the checks known."""
    limits: tuple[int, ...] = tuple(getattr(settings, name) for name in _LIMITS)
    return limits, tuple(known_checks().values())


def _keep(most: int) -> LRUCache[tuple[str, str], _Kept]:
    return LRUCache(most, getsizeof=lambda kept: kept.size)


_files: Final = _keep(_MOST_BYTES)
_lock: Final = Lock()
