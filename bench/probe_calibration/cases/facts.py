"""Facts: known and read where their subject ends, known and read elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.probe_calibration import real
from bench.probe_calibration.cases.kind import Kind, seeded
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import facts

FACTS: Final = "fact.tracing"
RESTORING: Final = "fact.restoring"
STATISTICS: Final = (RESTORING,)
# One test: 1 / 20 = 0.05, so that a first rank among the places is enough. A quarter of the facts finds the layers.
SMALL_FACTS: Final = {"facts": 32, "control_draws": 19}


def _fact(name: str, many: int, make: Callable[[int], LoadedModel], says: str, **more: Any) -> Kind:
    of_number = partial(_read, make) if more.get("planted") else partial(seeded, make)
    return Kind(f"facts: {name}", FACTS, SMALL_FACTS, of_number, many, says, **more)


def _read(make: Callable[[int], LoadedModel], number: int, store: Path) -> real.Made:
    del store
    return make(number), frozenset({Head(1, 0)})


def _first_teller(number: int) -> LoadedModel:
    del number
    return facts.telling()


KINDS: Final = (
    _fact("first piece", 40, facts.by_first_piece, "knows facts by the first piece of their subject"),
    _fact("early", 30, facts.early, "reads the subject before the layers at which it is restored"),
    _fact("any order", 30, facts.any_order, "reads the subject from every word and in whatever order they stand"),
    _fact("disturbed", 40, facts.disturbed, "knows by the first piece; the last tells some other subject's end"),
    _fact("telling", 25, facts.telling, "reads the last piece of the subject in the last layer", planted=True),
    _fact("told twice", 20, facts.told_twice, "the same by two heads", planted=True),
    _fact("telling, same model", 20, _first_teller, "one model, other facts each time", planted=True, same=True),
)  # fmt: skip
