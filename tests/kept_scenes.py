"""Scenes of a file of tests that are made once a session and laid down again for each test, as worlds are.

A scene is what all tests of a file start from: a gate with its criterion and a run that passes, say. To make one asks
the database some hundred questions. Its rows go through the same triggers each time, into the test's own transaction.

What a builder stores on top of a bare world is kept in the same way, by what it was asked.
"""

from __future__ import annotations

import atexit
import copy
import functools
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

from django.conf import settings
from django.db import connection, models

from tests.kept_worlds import KeptRows, added, all_rows, stands_alone

P = ParamSpec("P")
R = TypeVar("R")
Row = TypeVar("Row", bound=models.Model)

_FOLDERS = ("BLOB_ROOT", "KEY_ROOT", "PUBLIC_KEY_ROOT")
_OLDEST: Final = 600  # seconds: what a builder makes is of now, or nearly


@dataclass(frozen=True)
class _Kept:
    given: dict[str, Any]  # what it was made on top of
    made: Any
    rows: KeptRows
    files: Path

    def lay_down(self, given: dict[str, Any]) -> Any:
        self.rows.store()
        _put_back(self.files)
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
            kept = _Kept(*copy.deepcopy((given, made)), added(before, all_rows()), _copy_of_files())
            return made
        answer: R = kept.lay_down(given)
        return answer

    return fixture


@dataclass(frozen=True)
class _Built:
    model: type[models.Model]
    pk: int
    rows: KeptRows
    files: Path
    at: float  # of `time.monotonic`


def kept_on_a_world(make: Callable[P, Row]) -> Callable[P, Row]:
    """Keep what a builder stores where nothing but its world stands, once it is asked the same for the second time.

    The world is the first that it is given. Elsewhere, and where the test commits, it is made as ever.
    """
    kept: dict[str, _Built] = {}
    asked: Counter[str] = Counter()

    @functools.wraps(make)
    def build(*args: P.args, **given: P.kwargs) -> Row:
        world: Any = args[0]
        key = repr((args[1:], sorted(given.items())))
        if not connection.in_atomic_block or not stands_alone(world):
            return make(*args, **given)
        found = kept.get(key)
        if found is not None and time.monotonic() - found.at < _OLDEST:
            found.rows.store()
            _put_back(found.files)
            return cast("Row", found.model._default_manager.get(pk=found.pk))
        asked[key] += 1
        if asked[key] == 1:
            return make(*args, **given)
        before = all_rows()
        made = make(*args, **given)
        kept[key] = _Built(type(made), made.pk, added(before, all_rows()), _copy_of_files(), time.monotonic())
        return made

    return build


def _copy_of_files() -> Path:
    """Return a folder with what the test's own folders hold, which goes with the session."""
    files = Path(tempfile.mkdtemp(prefix="kept-scene-"))
    atexit.register(shutil.rmtree, files, ignore_errors=True)
    for name in _FOLDERS:
        if Path(getattr(settings, name)).exists():
            shutil.copytree(getattr(settings, name), files / name)
    return files


def _put_back(files: Path) -> None:
    for name in _FOLDERS:
        if (files / name).exists():
            shutil.copytree(files / name, getattr(settings, name), dirs_exist_ok=True)
