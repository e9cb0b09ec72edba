"""What one kind of models is, and how ones with and without a truth in them are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.probe_calibration import real
from bench.probe_calibration.copies import vary
from bench.probe_calibration.told import Told
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel

Make = Callable[[int, Path], real.Made]
Claims = Callable[[int], tuple[Told, ...]]
Others = Callable[[int], Mapping[str, LoadedModel]]


def no_others(number: int) -> Mapping[str, LoadedModel]:
    """Return no model beside the one that is probed."""
    del number
    return {}


@dataclass(frozen=True, slots=True)
class Kind:
    """Models of one kind, as many as one likes, and what is true of them.

    Attributes:
        make: takes a number and the model store; returns a model and the heads in which the truth is; none: a null.
        many: how many runs the page wants.
        same: whether each number gives the same model, so that its runs differ by the probe's seed alone.
        others: takes the number; returns the models that the probe is told beside the one that is probed, by the
            name of its parameter.
        claims: takes the number; returns what is said where no probe says it, and no model is made.
        of: statistics that what is planted is true of; empty: all of the probe.
        unknown: statistics of which nobody knows whether there is something to find: counted in no rate, and told
            by themselves.
    """

    name: str
    probe: str
    parameters: Mapping[str, float | str]
    make: Make = field(repr=False)
    many: int
    says: str
    planted: bool = False
    real: bool = False  # SmolLM2: minutes a run
    same: bool = False
    of: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    others: Others = field(default=no_others, repr=False)
    claims: Claims | None = field(default=None, repr=False)

    def holds(self, statistic: str) -> bool:
        """Whether there is something of this statistic to find."""
        return self.planted and (not self.of or statistic in self.of)


def null(make: Callable[[], LoadedModel], number: int, store: Path) -> real.Made:
    del store
    return vary(make(), number)[0], frozenset()


def seeded(make: Callable[[int], LoadedModel], number: int, store: Path) -> real.Made:
    del store
    return make(number), frozenset()


def planted(make: Callable[[], LoadedModel], heads: tuple[Head, ...], number: int, store: Path) -> real.Made:
    del store
    loaded, places = vary(make(), number)
    return loaded, frozenset(places[head] for head in heads)
