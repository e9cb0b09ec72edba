"""Drift: two releases that are one model in other places or numbers, and two that are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from bench.probe_calibration import real
from bench.probe_calibration.cases.kind import Kind
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import drift

DRIFT: Final = "model.drift"
OUTPUT, LAYERS, FEATURES = STATISTICS = "drift.output", "drift.layers", "drift.features"
ABSENCE: Final = (OUTPUT, LAYERS)  # at a site named before: that nothing changed can be shown
SMALL_DRIFT: Final[Mapping[str, float | str]] = {
    "features": 64,
    "active": 8,
    "samples": 8192,
    "permutations": 199,
}
# Of noise nobody can say whether features of it are one model's: they are not asked for.
WITHOUT_FEATURES: Final[Mapping[str, float | str]] = {"compared": "layers", "permutations": 199}
SOMEWHERE: Final = frozenset({Head(0, 0)})  # that something is planted; findings of drift name no heads


def _releases(
    name: str,
    many: int,
    make: Callable[[int], drift.Pair],
    says: str,
    *,
    without_features: bool = False,
    **more: Any,
) -> Kind:
    return Kind(
        f"drift: {name}",
        DRIFT,
        WITHOUT_FEATURES if without_features else SMALL_DRIFT,
        partial(_newer, make, planted=more.get("planted", False)),
        many,
        says,
        others=partial(_earlier, make),
        **more,
    )


@lru_cache(maxsize=1)
def _pair(make: Callable[[int], drift.Pair], number: int) -> drift.Pair:
    """Return both releases: the newer one is probed, the earlier one told beside it.

    Each kind has earlier models of its own: two kinds of the same ones would be one trial twice.
    """
    return make(number + sum(make.__name__.encode()) * 1000)


def _newer(make: Callable[[int], drift.Pair], number: int, store: Path, *, planted: bool) -> real.Made:
    del store
    return _pair(make, number).newer, SOMEWHERE if planted else frozenset()


def _earlier(make: Callable[[int], drift.Pair], number: int) -> Mapping[str, LoadedModel]:
    return {"against": _pair(make, number).earlier}


def _first_tuned(number: int) -> drift.Pair:
    del number
    return drift.tuned()


KINDS: Final = (
    _releases("copied", 20, drift.copied, "the same model twice"),
    _releases("permuted", 25, drift.permuted, "heads and neurons in other places: it computes the same"),
    _releases("rescaled", 20, drift.rescaled, "the residual stream 1.1 times as large, and read as much smaller"),
    _releases("re-quantised", 25, drift.requantised, "rows rounded to 8 bits"),
    _releases("dead", 25, drift.dead, "a dead model, permuted and rounded to 8 bits"),
    _releases(
        "just below, in states", 20, drift.below_in_states,
        "noise in the weights: states change by nine tenths of what matters, outputs by less", without_features=True,
    ),
    _releases(
        "just below, in outputs", 20, drift.below_in_outputs,
        "noise in the weights: outputs diverge by nine tenths of what matters, states change by more",
        without_features=True, planted=True, of=(LAYERS,),
    ),
    _releases(
        "beyond", 15, drift.beyond_in_outputs, "noise: outputs diverge by one and a half times what matters",
        without_features=True, planted=True, of=(OUTPUT, LAYERS),
    ),
    _releases(
        "coarsely re-quantised", 10, drift.coarse, "rows rounded to 3 bits",
        without_features=True, planted=True, of=(OUTPUT, LAYERS),
    ),
    _releases("planted", 20, drift.planted, "attention writes a direction besides", planted=True),
    _releases("fine-tuned", 20, drift.tuned, "a few steps of training on a new behaviour", planted=True),
    _releases("fine-tuned, same models", 20, _first_tuned, "one pair, other texts each time", planted=True, same=True),
)  # fmt: skip
