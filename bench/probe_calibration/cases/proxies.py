"""Proxies: an attribute held and used, held and not used, and not held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.probe_calibration import real
from bench.probe_calibration.cases.kind import Kind, Make, seeded
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import proxies

PROXIES: Final = "attribute.proxies"
DECODABLE, REMOVAL, REINJECTION = STATISTICS = "proxies.decodable", "proxies.removal", "proxies.reinjection"
# 3 / 60 = 0.05: a first rank among the directions survives the correction over the three tests by itself.
SMALL_PROXIES: Final[Mapping[str, float | str]] = {
    "prompt_set": proxies.PROMPTS,
    "control_draws": 59,
    "permutations": 199,
}
REAL_PROXIES: Final = {**SMALL_PROXIES, "prompt_set": "credit-gender-en", "pairs": 40}


def _proxy(name: str, many: int, make: Callable[[int], LoadedModel], says: str, **more: Any) -> Kind:
    of_number = partial(_holding if more.get("planted") else seeded, make)
    return Kind(f"proxies: {name}", PROXIES, SMALL_PROXIES, of_number, many, says, **more)


def _real(name: str, many: int, make: Make, says: str) -> Kind:
    return Kind(f"proxies: {name}", PROXIES, REAL_PROXIES, make, many, says, real=True)


def _holding(make: Callable[[int], LoadedModel], number: int, store: Path) -> real.Made:
    del store
    return make(number), frozenset({proxies.HEAD})


def _first_user(number: int) -> LoadedModel:
    del number
    return proxies.using()


KINDS: Final = (
    _proxy("never trained", 130, proxies.untrained, "fresh random weights, so large that any word moves the answer"),
    _proxy("dead", 15, proxies.dead, "one that uses the side, its weights shuffled inside each matrix"),
    _proxy("labels permuted", 25, proxies.scrambled, "holds and uses what goes with no side"),
    _proxy("any order", 15, proxies.any_order, "uses the side of a word, in whatever order its tokens stand"),
    _proxy("template", 12, proxies.by_template, "answers by the words around"),
    _proxy("trained, template", 6, proxies.trained_by_template, "trained to answer by the template"),
    _real("SmolLM2, dead", 10, real.dead, "the real model, its weights shuffled inside each matrix"),
    _real("SmolLM2, permuted", 10, real.permuted, "the real model, the rows of each matrix in another order"),
    _proxy(
        "held, unused", 15, proxies.holding, "holds the side; the answer reads nothing of it",
        planted=True, of=(DECODABLE,),
    ),
    _proxy(
        "something else used", 28, proxies.using_else, "holds the side; the answer reads something else of the word",
        planted=True, of=(DECODABLE,),
    ),
    _proxy("used", 30, proxies.using, "holds the side, and the answer reads it", planted=True),
    _proxy(
        "trained", 10, proxies.trained, "trained to answer by the side, and in another order by nothing",
        planted=True,
    ),
    _proxy("used, same model", 20, _first_user, "one model, other pairs each time", planted=True, same=True),
)  # fmt: skip
