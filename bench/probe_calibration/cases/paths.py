"""The answer's path: heads that the answer runs through, and heads that only look as if."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.probe_calibration import real
from bench.probe_calibration.cases.kind import Kind, seeded
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import paths

PATHS: Final = "answer.path"
PATCHING: Final = "path.patching"
STATISTICS: Final = (PATCHING,)
# One test: 1 / 20 = 0.05, so that a first rank among the sets is enough.
SMALL_PATHS: Final = {"pairs": 40, "heads": 1, "control_draws": 19, "checked_heads": 8}


def _path(
    name: str, many: int, make: Callable[[int], LoadedModel], says: str, heads: int = 1, **more: Any
) -> Kind:
    of_number = partial(_along, make) if more.get("planted") else partial(seeded, make)
    return Kind(f"paths: {name}", PATHS, {**SMALL_PATHS, "heads": heads}, of_number, many, says, **more)


def _along(make: Callable[[int], LoadedModel], number: int, store: Path) -> real.Made:
    del store
    return make(number), frozenset(paths.places(number))


def _first_counter(number: int, store: Path) -> real.Made:
    del number, store
    return paths.counting(), frozenset(paths.places(0))


KINDS: Final = (
    _path("never trained", 36, paths.untrained, "fresh random weights, so large that any name moves the answer"),
    _path("dead", 18, paths.dead, "a true path, its weights shuffled inside each matrix"),
    _path("silent", 12, paths.silent, "attends to names where the answer is given; nothing reads what it gives"),
    _path("first named", 12, paths.first_named, "attends to the first name, whoever is named again, and says it"),
    _path("another's name", 26, paths.scrambled, "speaks against some other name for each"),
    _path("any order", 14, paths.any_order, "counts names, from every word and in whatever order they stand"),
    _path("thing", 12, paths.thing, "speaks for names that happen to be near the thing that is given"),
    _path("counting", 15, paths.counting, "one head speaks against names as often as they were said", planted=True),
    _path(
        "moving", 15, paths.moving, "one head finds who was named last, one in the next layer says the other",
        heads=2, planted=True,
    ),
    _path(
        "moving, one asked for", 12, paths.moving,
        "the same; one head is proposed, and the other may be among the random ones", planted=True,
    ),
    _path("twins", 10, paths.twins, "two heads say the other name, each half as loud", heads=3, planted=True),
    Kind(
        "paths: counting, same model", PATHS, SMALL_PATHS, _first_counter, 18,
        "one model, other pairs each time", planted=True, same=True,
    ),
)  # fmt: skip
