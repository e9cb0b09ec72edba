"""Refusal: a direction held and used, held and not used, and not held; swayed by what presses, or by anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.probe_calibration import real
from bench.probe_calibration.cases.kind import Kind, seeded
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import refusal

REFUSAL: Final = "refusal.direction"
DECODABLE, ABLATION, ADDITION, CONTEXT = STATISTICS = (
    "refusal.decodable", "refusal.ablation", "refusal.addition", "refusal.context",
)  # fmt: skip
# A model whose direction is taken out no longer refuses by it; its other directions may still hold the kind.
READ: Final = (DECODABLE,)
USED: Final = (DECODABLE, ABLATION, ADDITION)
# 4 / 80 = 0.05: a first rank among the directions survives the correction over the four tests by itself.
SMALL_REFUSAL: Final[Mapping[str, float | str]] = {
    "prompt_set": refusal.PROMPTS,
    "control_draws": 79,
    "permutations": 199,
}


def _refusal(name: str, many: int, make: Callable[[int], LoadedModel], says: str, **more: Any) -> Kind:
    of_number = partial(_holding if more.get("planted") else seeded, make)
    return Kind(f"refusal: {name}", REFUSAL, SMALL_REFUSAL, of_number, many, says, **more)


def _holding(make: Callable[[int], LoadedModel], number: int, store: Path) -> real.Made:
    del store
    return make(number), frozenset({refusal.HEAD})


def _first_persuaded(number: int) -> LoadedModel:
    del number
    return refusal.persuaded()


KINDS: Final = (
    _refusal("never trained", 40, refusal.untrained, "fresh random weights, so large that any word moves the answer"),
    _refusal("dead", 15, refusal.dead, "one that refuses and is swayed, its weights shuffled inside each matrix"),
    _refusal("kinds permuted", 25, refusal.scrambled, "holds and uses what goes with no kind of request"),
    _refusal("any order", 15, refusal.any_order, "refuses by words of a kind, in whatever order the tokens stand"),
    _refusal("template", 12, refusal.by_template, "refuses by the words around"),
    _refusal("length", 12, refusal.by_length, "refuses by how long the text is"),
    _refusal("trained, template", 4, refusal.trained_by_template, "trained to refuse by the template"),
    _refusal(
        "held, unused", 15, refusal.holding, "holds the kind; the answer reads nothing of it",
        planted=True, of=(DECODABLE,),
    ),
    _refusal(
        "something else used", 20, refusal.using_else, "holds the kind; the answer reads something else of the words",
        planted=True, of=(DECODABLE,),
    ),
    _refusal(
        "refuses", 15, refusal.using, "holds the kind, and the answer reads it; no context sways it",
        planted=True, of=USED,
    ),
    _refusal(
        "refuses, any context", 15, refusal.any_context, "swayed by whatever is said after a request",
        planted=True, of=USED,
    ),
    _refusal("refuses, swayed", 25, refusal.persuaded, "swayed by what presses for a request, alone", planted=True),
    _refusal(
        "trained", 20, refusal.trained, "trained to refuse unless something presses, and in another order neither way",
        planted=True,
    ),
    _refusal(
        "trained, direction removed", 20, refusal.removed,
        "the same, the direction it learnt taken out of all that writes; what little is left counts as nothing",
        unknown=READ,
    ),
    _refusal(
        "swayed, same model", 20, _first_persuaded, "one model, other requests each time", planted=True, same=True,
    ),
)  # fmt: skip
