"""Induction heads: what is planted, what nearly is, and what is dead."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.probe_calibration import real
from bench.probe_calibration.cases.kind import Kind, Make, null, planted, seeded
from tests.probes.zoo import animals

INDUCTION: Final = "induction.heads"
MATCH, COST = STATISTICS = "induction.prefix_match", "induction.ablation_cost"
SMALL: Final = {"sequences": 40, "length": 32, "heads": 1, "control_draws": 19, "permutations": 199}
TWO: Final = {**SMALL, "heads": 2}
NULL: Final = {
    **SMALL,
    "control_draws": 39,
}  # 2 / 40 = 0.05: a first rank survives the correction over both tests
REAL: Final = {"sequences": 40, "length": 16, "heads": 1, "control_draws": 39, "permutations": 999}


def _as_it_is(number: int, store: Path) -> real.Made:
    del number, store
    return animals.induction(), frozenset({animals.INDUCTION})


def _kind(name: str, many: int, make: Make, says: str, **more: Any) -> Kind:
    parameters = more.pop("parameters", SMALL if more.get("planted") else NULL)
    return Kind(name, INDUCTION, parameters, make, many, says, **more)


def _real(name: str, many: int, make: Make, says: str) -> Kind:
    return _kind(name, many, make, says, parameters=REAL, real=True)


_BOTH: Final = (animals.INDUCTION, animals.SECOND)
KINDS: Final = (
    _kind("never trained", 40, partial(seeded, animals.random), "fresh random weights"),
    _kind("dead", 40, partial(seeded, animals.dead), "a true circuit, its weights shuffled inside each matrix"),
    _kind("cache", 24, partial(null, animals.cache), "speaks for every word so far, which helps where text repeats"),
    _kind("sink", 24, partial(null, animals.sink), "attends to the first token, always"),
    _kind("position", 24, partial(null, animals.position), "copies from 11 tokens back, whatever the words"),
    _kind("duplicate", 24, partial(null, animals.duplicate), "attends to the same word and says it again"),
    _kind("previous", 24, partial(null, animals.previous), "attends to the word before; nothing looks for its note"),
    _real("SmolLM2, dead", 8, real.dead, "the real model, its weights shuffled inside each matrix"),
    _real("SmolLM2, permuted", 6, real.permuted, "the real model, the rows of each matrix in another order"),
    _real("SmolLM2, shuffled", 6, real.shuffled, "the real model; what it reads is shuffled, so that nothing repeats"),
    _kind(
        "induction", 30, partial(planted, animals.induction, (animals.INDUCTION,)),
        "the circuit, with noise in the weights, its heads anywhere", planted=True,
    ),
    _kind(
        "twins", 20, partial(planted, animals.twins, _BOTH), "the circuit's second head twice; both are asked for",
        parameters=TWO, planted=True,
    ),
    _kind("induction, same model", 30, _as_it_is, "one model, other sequences each time", planted=True, same=True),
)  # fmt: skip
