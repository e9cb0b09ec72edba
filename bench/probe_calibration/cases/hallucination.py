"""Claims that are not backed: held in both domains, in one, at the claim alone, as surprise alone, and not held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.probe_calibration import real
from bench.probe_calibration.cases.kind import Kind, seeded
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import hallucination

HALLUCINATION: Final = "hallucination.signs"
STATISTICS: Final = (HALLUCINATION,)
SMALL_HALLUCINATION: Final[Mapping[str, float | str]] = {
    "prompt_set": hallucination.PROMPTS,
    "depth": hallucination.DEPTH,
    "permutations": 199,
}


MIXED: Final = {**SMALL_HALLUCINATION, "prompt_set": hallucination.MIXED}


def _hallucination(
    name: str,
    many: int,
    make: Callable[[int], LoadedModel],
    says: str,
    *,
    asked: Mapping[str, float | str] = SMALL_HALLUCINATION,
    **more: Any,
) -> Kind:
    of_number = partial(_holding if more.get("planted") else seeded, make)
    return Kind(f"hallucination: {name}", HALLUCINATION, asked, of_number, many, says, **more)


def _holding(make: Callable[[int], LoadedModel], number: int, store: Path) -> real.Made:
    del store
    return make(number), frozenset({hallucination.HEAD})


def _first_knowing(number: int) -> LoadedModel:
    del number
    return hallucination.knowing()


KINDS: Final = (
    _hallucination("never trained", 30, hallucination.untrained, "fresh random weights, large ones"),
    _hallucination("dead", 15, hallucination.dead, "one that holds it, its weights shuffled inside each matrix"),
    _hallucination("surprised", 20, hallucination.surprised, "holds it, and is surprised at the claim"),
    _hallucination("labels permuted", 20, hallucination.scrambled, "holds it of each fact either way round"),
    _hallucination("one domain", 15, hallucination.one_domain, "holds it in each domain in a place of its own"),
    _hallucination("turned", 10, hallucination.turned, "holds it in the other domain the other way round"),
    _hallucination("at the claim alone", 10, hallucination.at_claim, "holds it at the claim, and not after it"),
    _hallucination("claim", 15, hallucination.by_claim, "holds what is said, whatever the source says"),
    _hallucination("source", 10, hallucination.by_source, "holds what the source says and what is said, evenly"),
    _hallucination("place", 10, hallucination.by_place, "holds how far a word is from the beginning"),
    _hallucination("held", 25, hallucination.knowing, "holds it in both domains, at the claim and after", planted=True),
    _hallucination(
        "held, same model", 20, _first_knowing, "one model, other facts each time", planted=True, same=True,
    ),
    _hallucination(
        "stood before, mixed", 20, partial(hallucination.knowing, name=hallucination.MIXED),
        "holds that words stood before, where all have", asked=MIXED,
    ),
    _hallucination(
        "bound, mixed", 20, hallucination.bound, "holds of what matter the source says it", asked=MIXED, planted=True,
    ),
)  # fmt: skip
