"""The checks by name. `@check`, on the function that measures, declares one: a file of `declared/` each.

A check of somebody else's is a module of theirs that `settings.CHECKS` names. One that cannot be imported declares
nothing: its criteria are "not assessed", because no check of that name is known, and the log says why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

from django.conf import settings

from evidence.evals.contracts import Direction
from evidence.nearest import nearest_name
from evidence.worded import worded
from requirements.checks.contracts import Check, IndependentUnit, Measure, Words, Worst
from requirements.errors import UnknownCheck

logger = logging.getLogger(__name__)

_FOLDER: Final = "declared"
_declared: dict[str, Check] = {}


def check(
    *,
    name: str,
    version: str,
    title: Words,
    measures: Words,
    unit: str | None,
    direction: Direction | None,
    parameters: Mapping[str, object],
    dimensions: tuple[str, ...] | None,
    reads: tuple[str, ...],
    independent: IndependentUnit,
    worst: Worst | None = None,
) -> Callable[[Measure], Measure]:
    """Declare the function below as the measuring code of a check. What each argument means, `Check` says.

    Raises:
        ValueError: another check has this name.
    """

    def declare(measure: Measure) -> Measure:
        if name in _declared:
            raise ValueError(f"two checks are called {name!r}: {_declared[name].measure} and {measure}")
        _declared[name] = Check(
            name=name,
            measure=measure,
            version=version,
            title=title,
            measures=measures,
            unit=unit,
            direction=direction,
            parameters=parameters,
            dimensions=dimensions,
            reads=reads,
            independent=independent,
            worst=worst,
        )
        return measure

    return declare


def known_checks() -> dict[str, Check]:
    """Return every check by name. The first call imports the modules that declare them, which read models."""
    _import_declarations()
    return _declared


def get_check(name: str) -> Check:
    """Return a check's declaration. Raises `UnknownCheck`, which names the nearest known one."""
    found = known_checks().get(name)
    if found is None:
        nearest = nearest_name(name, sorted(known_checks()))
        raise UnknownCheck(
            worded(
                "no check is called %(name)s; the nearest known check is %(nearest)s",
                name=repr(name),
                nearest=repr(nearest),
            ),
            nearest,
        )
    return found


@cache
def _import_declarations() -> None:
    """Import every module of `declared/` once, which needs to be named nowhere, and then those that a setting names."""
    for module in iter_modules([str(Path(__file__).parent / _FOLDER)], f"{__package__}.{_FOLDER}."):
        import_module(module.name)
    for name in settings.CHECKS:
        try:
            import_module(name)
        except Exception:
            # Of any kind, because the code is somebody else's. What is left is fewer checks, and those pass nothing.
            logger.exception("checks of the module %s cannot be used: it cannot be imported", name)
