"""Scenes of a file of tests that are made once a session and laid down again for each test, as worlds are.

A scene is what all tests of a file start from: a gate with its criterion and a run that passes, say. To make one asks
the database some hundred questions. Its rows go through the same triggers each time, into the test's own transaction.
"""

from __future__ import annotations

import atexit
import copy
import functools
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import connection

from tests.kept_worlds import KeptRows, added, all_rows

P = ParamSpec("P")
R = TypeVar("R")

_FOLDERS = ("BLOB_ROOT", "KEY_ROOT", "PUBLIC_KEY_ROOT")


@dataclass(frozen=True)
class _Kept:
    given: dict[str, Any]  # what it was made on top of
    made: Any
    rows: KeptRows
    files: Path

    def lay_down(self, given: dict[str, Any]) -> Any:
        self.rows.store()
        for name in _FOLDERS:
            if (self.files / name).exists():
                shutil.copytree(self.files / name, getattr(settings, name), dirs_exist_ok=True)
        same = {id(mine): theirs for mine, theirs in zip(self.given.values(), given.values(), strict=True)}
        return copy.deepcopy(
            self.made, same
        )  # who is given a world and answers with it answers with that one


def kept_scene(make: Callable[P, R]) -> Callable[P, R]:
    """Keep what a fixture stores; below `@pytest.fixture`, for one that takes other scenes and worlds alone.

    It is made anew where it is given something else than the first time.

    Raises:
        ValueError: it changes a row of before, or what it is given: neither would be done again. Or the test commits.
    """
    kept: _Kept | None = None

    @functools.wraps(make)
    def fixture(*args: P.args, **given: P.kwargs) -> R:
        nonlocal kept
        assert not args, "pytest gives fixtures by name"
        if not connection.in_atomic_block:
            raise ValueError(
                "what is committed is bound to the numbers of its transactions: it cannot be kept"
            )
        if kept is None or kept.given != given:
            kept = None
            as_given = copy.deepcopy(given)
            before = all_rows()
            made = make(*args, **given)
            if as_given != given:
                raise ValueError(f"{make.__qualname__} changes what it is given: leave that to each test")
            files = Path(tempfile.mkdtemp(prefix="kept-scene-"))
            atexit.register(shutil.rmtree, files, ignore_errors=True)
            for name in _FOLDERS:
                if Path(getattr(settings, name)).exists():
                    shutil.copytree(getattr(settings, name), files / name)
            kept = _Kept(*copy.deepcopy((given, made)), added(before, all_rows()), files)
            return made
        answer: R = kept.lay_down(given)
        return answer

    return fixture
