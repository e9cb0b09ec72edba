"""Imports of requirements, timed: the part of `bench.requirements` that needs Django and its settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence.access import principal_of_command_line
from evidence.models import System
from requirements.services.importing import (
    ImportPlan,
    ImportResult,
    SourceText,
    import_files,
    plan_import,
    told_plan,
)


class Importer:
    """One file of a system."""

    def __init__(self, file: str, system: str) -> None:
        self._file = f"{file}.yaml"
        self._key = file
        self._system = System.objects.get(key=system)

    def _asked(self, source: bytes) -> dict[str, Any]:
        own = source.replace(b"key: R-", f"key: {self._key}-".encode())  # each size its own keys
        return {
            "principal": principal_of_command_line(),
            "system": self._system,
            "sources": [SourceText(self._file, own)],
        }

    def plan(self, source: bytes) -> ImportPlan:
        """Plan it, with all that is shown of it."""
        plan = plan_import(**self._asked(source))
        told_plan(plan)
        return plan

    def load(self, source: bytes) -> ImportResult:
        """Import it."""
        return import_files(**self._asked(source))

    def measure(self, act: Callable[[bytes], object], source: bytes) -> tuple[int, float, float]:
        """Return how many statements an act took, the seconds that passed, and the CPU seconds of this process."""
        began, cpu = time.perf_counter(), time.process_time()
        with CaptureQueriesContext(connection) as asked:
            act(source)
        return (
            len(asked),
            round(time.perf_counter() - began, 2),
            round(time.process_time() - cpu, 2),
        )
