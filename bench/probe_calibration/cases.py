"""What is measured: models whose truth was written into their weights, and copies of a real one without any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.probe_calibration.copies import vary
from interpret.model_store import SMOLLM2
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel, dead_model, load_causal_lm
from tests.probes.zoo import animals

MATCH, COST = "induction.prefix_match", "induction.ablation_cost"
Made = tuple[LoadedModel, frozenset[Head]]
Make = Callable[[int, Path], Made]


@dataclass(frozen=True, slots=True)
class Kind:
    """Models of one kind, as many as one likes, and what is true of them.

    Attributes:
        make: takes a number and the model store; returns a model and the heads in which the truth is; none: a null.
        many: how many runs the page wants.
        same: whether each number gives the same model, so that its runs differ by the probe's seed alone.
    """

    name: str
    probe: str
    parameters: Mapping[str, float]
    make: Make = field(repr=False)
    many: int
    says: str
    planted: bool = False
    real: bool = False  # SmolLM2: minutes a run
    same: bool = False


def _null(make: Callable[[], LoadedModel], number: int, store: Path) -> Made:
    del store
    return vary(make(), number)[0], frozenset()


def _seeded(make: Callable[[int], LoadedModel], number: int, store: Path) -> Made:
    del store
    return make(number), frozenset()


def _planted(make: Callable[[], LoadedModel], heads: tuple[Head, ...], number: int, store: Path) -> Made:
    del store
    loaded, places = vary(make(), number)
    return loaded, frozenset(places[head] for head in heads)


def _as_it_is(number: int, store: Path) -> Made:
    del number, store
    return animals.induction(), frozenset({animals.INDUCTION})


def _dead_smollm2(number: int, store: Path) -> Made:
    return dead_model(load_causal_lm(store, SMOLLM2.digest, attention="eager"), 1000 + number), frozenset()


SMALL: Final = {"sequences": 40, "length": 32, "heads": 1, "control_draws": 19, "permutations": 199}
TWO: Final = {**SMALL, "heads": 2}
REAL: Final = {"sequences": 40, "length": 24, "heads": 1, "control_draws": 19, "permutations": 999}
INDUCTION: Final = "induction.heads"


def _kind(name: str, many: int, make: Make, says: str, **more: Any) -> Kind:
    return Kind(name, INDUCTION, more.pop("parameters", SMALL), make, many, says, **more)


_BOTH: Final = (animals.INDUCTION, animals.SECOND)
KINDS: Final = (
    _kind("never trained", 40, partial(_seeded, animals.random), "fresh random weights"),
    _kind("dead", 40, partial(_seeded, animals.dead), "a true circuit, its weights shuffled inside each matrix"),
    _kind("cache", 24, partial(_null, animals.cache), "speaks for every word so far, which helps where text repeats"),
    _kind("sink", 24, partial(_null, animals.sink), "attends to the first token, always"),
    _kind("position", 24, partial(_null, animals.position), "copies from 11 tokens back, whatever the words"),
    _kind("duplicate", 24, partial(_null, animals.duplicate), "attends to the same word and says it again"),
    _kind("previous", 24, partial(_null, animals.previous), "attends to the word before; nothing looks for its note"),
    _kind(
        "SmolLM2, dead", 20, _dead_smollm2, "the real model, its weights shuffled inside each matrix",
        parameters=REAL, real=True,
    ),
    _kind(
        "induction", 30, partial(_planted, animals.induction, (animals.INDUCTION,)),
        "the circuit, with noise in the weights, its heads anywhere", planted=True,
    ),
    _kind(
        "twins", 20, partial(_planted, animals.twins, _BOTH), "the circuit's second head twice; both are asked for",
        parameters=TWO, planted=True,
    ),
    _kind("induction, same model", 30, _as_it_is, "one model, other sequences each time", planted=True, same=True),
)  # fmt: skip


def statistics_of(probe: str) -> tuple[str, ...]:
    """Return the statistics of a probe that claim something."""
    return {INDUCTION: (MATCH, COST)}[probe]
