"""The checks by name. `@check`, on the function that measures, declares one; any module of this package may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from evidence.evals.contracts import Direction
from evidence.nearest import nearest_name
from requirements.checks.contracts import Check, Measure, Words
from requirements.errors import UnknownCheck

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
        raise UnknownCheck(f"no check is called {name!r}; the nearest known check is {nearest!r}", nearest)
    return found


@cache
def _import_declarations() -> None:
    """Import every module of this package once: a module that declares a check needs to be named nowhere."""
    for module in iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        import_module(module.name)
