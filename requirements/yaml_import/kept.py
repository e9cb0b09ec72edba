"""The files that were read last, kept by their bytes: a plan, the import after it and the same file again read it once.

What a file says follows from its bytes, its name and the rules alone: never from what is stored. So what is kept is
never stale; plan and import compare it with what stands, as if it had just been read. Each process keeps its own.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from django.conf import settings

from evidence.digests import sha256_hex
from requirements.checks.contracts import Check
from requirements.checks.registry import known_checks
from requirements.yaml_import.contracts import RequirementFile
from requirements.yaml_import.parser import parse_requirement_file

_MOST_BYTES: Final = 16_000_000  # of all files that are kept, as they were written
_LIMITS: Final = ("MAX_REQUIREMENTS", "MAX_CRITERIA", "MAX_LINKS", "MAX_SLICES")

_Rules = tuple[tuple[int, ...], tuple[Check, ...]]


def read_requirement_file(source: bytes, file_name: str) -> RequirementFile:
    """Return what `parse_requirement_file` does; the same bytes of the same name are read once.

    Raises:
        RequirementFileInvalid: as there; a file with faults is not kept.
    """
    key = (file_name, sha256_hex(source))
    rules = _rules()
    found = _readings.find(key, rules)
    if found is None:
        found = parse_requirement_file(source, file_name)
        _readings.keep(key, rules, len(source), found)
    return found


def _rules() -> _Rules:
    """Return what decides how a file is read and may be another in this process: the limits set, the checks known."""
    limits: tuple[int, ...] = tuple(getattr(settings, name) for name in _LIMITS)
    return limits, tuple(known_checks().values())


class _Readings:
    """What was read, the last used last; as much as some bytes of source."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[_Rules, int, RequirementFile]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def find(self, key: tuple[str, str], rules: _Rules) -> RequirementFile | None:
        with self._lock:
            found = self._kept.get(key)
            if found is None or found[0] != rules:
                return None
            self._kept.move_to_end(key)
            return found[2]

    def keep(self, key: tuple[str, str], rules: _Rules, size: int, file: RequirementFile) -> None:
        if size > _MOST_BYTES:
            return
        with self._lock:
            if key in self._kept:
                self._bytes -= self._kept.pop(key)[1]
            self._kept[key] = (rules, size, file)
            self._bytes += size
            while self._bytes > _MOST_BYTES:
                self._bytes -= self._kept.popitem(last=False)[1][1]


_readings: Final = _Readings()
