"""Induction heads: what attends to the token that followed the last time, and what ablating it costs.

Source: C. Olsson et al., "In-context Learning and Induction Heads" (2022, arXiv 2209.11895), prefix matching.
What is found is held against the same search in a dead model (weights shuffled inside each matrix), the same
heads on the same tokens in another order, and what even attention or a text without repetition gives; and all of it is
measured again with a second seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification
from interpret.parts import shared
from interpret.probes.induction.repeats import compare_periods, make_repeats, prefix_scores
from interpret.probes.induction.study import Study
from interpret.probes.induction.writing import Numbers, Writer
from interpret.probes.session import ModelSession
from interpret.registry import fill_parameters

__all__ = ["InductionHeads", "compare_periods", "make_repeats", "prefix_scores"]

KEY: Final = "induction.heads"
SETS_A_PART: Final = 10  # random sets that one part of the work ablates
SEEDS: Final = ("first seed", "second seed")
SEARCH, DEAD, CONTROL = "search", "dead model", "random sets"


class InductionHeads:
    """Find heads on one half of the sequences, report and ablate them on the other."""

    code_version = "3"

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or inputs are given."""
        fill_parameters(KEY, specification.parameters)
        if specification.inputs:
            raise BadSpecification(f"{KEY} makes its own sequences and reads no prompts")

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return, for each seed, the search, the dead model, and the random sets, so many at a time."""
        return tuple(
            f"{seed}: {what}" for seed in SEEDS for what in (SEARCH, DEAD, *_controls(specification))
        )

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure the heads that the first seed's search finds, or search for them.

        Raises:
            ProbeError: the model has too few heads or words for the parameters.
            HookNeverFired: an ablation or a reading did not take place.
        """
        seed, _, what = part.partition(": ")
        given = fill_parameters(KEY, specification.parameters)
        study = Study(models, specification, given, again=SEEDS.index(seed))
        if what == SEARCH:
            return study.search()
        if what == DEAD:
            return study.dead()
        number = _controls(specification).index(what)
        return study.control(slice(number * SETS_A_PART, (number + 1) * SETS_A_PART))

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Return one measurement a head, and one of ablating those that do something.

        Raises:
            ProbeError: workers found different heads.
        """
        given, controls = fill_parameters(KEY, specification.parameters), _controls(specification)
        shared(measured, [f"{seed}: {what}" for seed in SEEDS for what in (SEARCH, *controls)], "ablated")
        numbers = [
            Numbers(
                measured[f"{seed}: {SEARCH}"],
                measured[f"{seed}: {DEAD}"],
                [cost for what in controls for cost in measured[f"{seed}: {what}"]["costs"]],
                length=int(given["length"]),
            )
            for seed in SEEDS
        ]
        return Writer(specification, given, *numbers).measurements()


def _controls(specification: ProbeSpecification) -> list[str]:
    """Name the parts in which the random sets are ablated."""
    sets = int(fill_parameters(KEY, specification.parameters)["control_draws"])
    return [f"{CONTROL} from {start + 1}" for start in range(0, sets, SETS_A_PART)]
