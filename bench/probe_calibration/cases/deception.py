"""Deception: held in both domains, in one, the other way round, in the instruction alone, and not held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.probe_calibration import real
from bench.probe_calibration.cases.kind import Kind, seeded
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import deception

DECEPTION: Final = "deception.signs"
STATISTICS: Final = (DECEPTION,)
SMALL_DECEPTION: Final[Mapping[str, float | str]] = {"prompt_set": deception.PROMPTS, "permutations": 199}


def _deception(name: str, many: int, make: Callable[[int], LoadedModel], says: str, **more: Any) -> Kind:
    of_number = partial(_holding if more.get("planted") else seeded, make)
    return Kind(f"deception: {name}", DECEPTION, SMALL_DECEPTION, of_number, many, says, **more)


def _holding(make: Callable[[int], LoadedModel], number: int, store: Path) -> real.Made:
    del store
    return make(number), frozenset({deception.HEAD})


def _first_knowing(number: int) -> LoadedModel:
    del number
    return deception.knowing()


KINDS: Final = (
    _deception("never trained", 30, deception.untrained, "fresh random weights, large ones"),
    _deception("dead", 15, deception.dead, "one that holds it, its weights shuffled inside each matrix"),
    _deception("endings permuted", 20, deception.scrambled, "holds what goes with no kind of ending"),
    _deception("instruction", 27, deception.by_instruction, "carries the instruction, and nothing of the statement"),
    _deception("one domain", 20, deception.one_domain, "holds it in each domain in a place of its own"),
    _deception("turned", 10, deception.turned, "holds it in the other domain the other way round"),
    _deception("any order", 15, deception.any_order, "holds it in whatever order the tokens stand"),
    _deception("beginning", 10, deception.by_beginning, "holds something of how a statement begins"),
    _deception("held", 25, deception.knowing, "holds it in both domains, whatever it is told", planted=True),
    _deception(
        "trained", 8, deception.trained, "trained to tell it in both domains, and in another order neither way",
        planted=True,
    ),
    _deception(
        "held, same model", 20, _first_knowing, "one model, other statements each time", planted=True, same=True,
    ),
)  # fmt: skip
