"""Attention patterns: heads that look at the token before, the same token, the bracket that is closed, the subject.

Each pattern is looked for in texts made for it, found on some and reported on others (of other templates, where texts
have one), and held against its near miss, the best rule that reads position alone, another order of the same tokens,
and the same search in a dead model. Where the pattern has an outcome, the heads found are ablated beside random sets of
as many.

After: K. Clark et al., "What Does BERT Look At?" (2019, arXiv 1906.04341), which finds heads of fixed offsets and of
grammatical relations; C. Olsson et al., "In-context Learning and Induction Heads" (2022, arXiv 2209.11895),
previous-token heads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification, StructureUntold
from interpret.parts import shared
from interpret.probes.patterns.kinds import PATTERNS
from interpret.probes.patterns.study import Study
from interpret.probes.patterns.writing import Measured, Numbers, write_all
from interpret.probes.session import ModelSession
from interpret.registry import fill_parameters

__all__ = ["AttentionPatterns"]

KEY: Final = "attention.patterns"
SETS_A_PART: Final = 25  # random sets that one part of the work ablates
SEEDS: Final = ("first seed", "second seed")
SEARCH, DEAD, CONTROL, REFUSED = "search", "dead model", "random sets", "refused"
Measurements = Mapping[str, Mapping[str, Any]]  # part -> its numbers


class AttentionPatterns:
    """Find each pattern's heads on one half of its texts, report and ablate them on the other."""

    code_version = "1"

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or inputs are given."""
        fill_parameters(KEY, specification.parameters)
        if specification.inputs:
            raise BadSpecification(f"{KEY} makes its own texts and reads no prompts")

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return, for each pattern and seed, the search, the dead model, and the random sets, so many at a time."""
        return tuple(part for name in PATTERNS for part in _parts_of(name, specification))

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure the heads that the first seed's search finds, or search for them; or say why it cannot be.

        Raises:
            ProbeError: the model has too few heads or words for the parameters.
            HookNeverFired: an ablation or a reading did not take place.
        """
        name, seed, what = part.split(": ")
        given = fill_parameters(KEY, specification.parameters)
        try:
            study = Study(name, models, specification, given, again=SEEDS.index(seed))
        except StructureUntold as reason:
            return {REFUSED: str(reason)}
        if what == SEARCH:
            return study.search()
        if what == DEAD:
            return study.dead()
        start = int(what.rpartition(" ")[2]) - 1
        return study.control(slice(start, start + SETS_A_PART))

    def report(self, specification: ProbeSpecification, measured: Measurements) -> tuple[Measurement, ...]:
        """Return one measurement a head of each pattern, and one of ablating those that do something.

        Raises:
            ProbeError: workers found different heads.
        """
        refused = {
            name: str(measured[first][REFUSED])
            for name in PATTERNS
            if REFUSED in measured[first := _parts_of(name, specification)[0]]
        }
        done = [_put_together(name, specification, measured) for name in PATTERNS if name not in refused]
        return write_all(specification, fill_parameters(KEY, specification.parameters), done, refused)


def _put_together(name: str, specification: ProbeSpecification, measured: Measurements) -> Measured:
    controls = _controls(name, specification)
    shared(measured, [f"{name}: {seed}: {what}" for seed in SEEDS for what in (SEARCH, *controls)], "ablated")
    first, second = (
        Numbers(
            measured[f"{name}: {seed}: {SEARCH}"],
            measured[f"{name}: {seed}: {DEAD}"],
            [cost for what in controls for cost in measured[f"{name}: {seed}: {what}"]["costs"]],
        )
        for seed in SEEDS
    )
    return Measured(name, PATTERNS[name], first, second)


def _parts_of(name: str, specification: ProbeSpecification) -> list[str]:
    """Name one pattern's parts, the search first."""
    whats = (SEARCH, DEAD, *_controls(name, specification))
    return [f"{name}: {seed}: {what}" for seed in SEEDS for what in whats]


def _controls(name: str, specification: ProbeSpecification) -> list[str]:
    """Name the parts in which the random sets are ablated: none where the pattern has no outcome."""
    if PATTERNS[name].outcome is None:
        return []
    sets = int(fill_parameters(KEY, specification.parameters)["control_draws"])
    return [f"{CONTROL} from {start + 1}" for start in range(0, sets, SETS_A_PART)]
