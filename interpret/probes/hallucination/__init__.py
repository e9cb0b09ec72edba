"""An inside signal of hallucination: is there, in a claim that is not backed by its source, more than its words tell?

Each fact stands in four texts: either of two things is said, by the source and by the answer. So each claim and each
source is as often on one side as on the other, and no word tells which it is. A direction is fitted on answers of one
domain and read in another, at the tokens of the claim's own words and, by one fitted there, at what follows them,
which is the same on both sides. Only what both tell counts, beyond the best of what the model's output and the words
alone tell.

After: O. Obeso et al., "Real-Time Detection of Hallucinated Entities in Long-Form Generation" (2025, arXiv 2509.03531).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification
from interpret.probes.hallucination.prompt_sets import ClaimSet, read_claim_set
from interpret.probes.hallucination.study import Study
from interpret.probes.hallucination.writing import write_all
from interpret.probes.seed_parts import DEAD, SEEDS
from interpret.probes.session import ModelSession
from interpret.registry import fill_choices, fill_parameters

__all__ = ["SignsOfHallucination"]

KEY: Final = "hallucination.signs"
ANSWERS: Final = "answers"  # the part that reads them


class SignsOfHallucination:
    """Fit directions in one domain; read them in another, at the claim and after it."""

    code_version = "1"

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or inputs are given."""
        fill_parameters(KEY, specification.parameters)
        _prompts(specification)
        if specification.inputs:
            raise BadSpecification(f"{KEY} reads the prompt set that it is told, and no prompts")

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return, for each seed, the answers and the dead model."""
        del specification
        return tuple(f"{seed}: {what}" for seed in SEEDS for what in (ANSWERS, DEAD))

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure one seed's answers, or its dead model's.

        Raises:
            StructureUntold, PairsUnequal: the model's tokenizer does not let the answers be made.
        """
        seed, what = part.split(": ")
        given = fill_parameters(KEY, specification.parameters)
        study = Study(_prompts(specification), models, specification, given, again=SEEDS.index(seed))
        return study.living() if what == ANSWERS else study.dead()

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Return one measurement: how well a direction tells unbacked claims in the other domain, at both places."""
        first, second = ((measured[f"{seed}: {ANSWERS}"], measured[f"{seed}: {DEAD}"]) for seed in SEEDS)
        given = fill_parameters(KEY, specification.parameters)
        return write_all(specification, _prompts(specification), given, first, second)


def _prompts(specification: ProbeSpecification) -> ClaimSet:
    return read_claim_set(fill_choices(KEY, specification.parameters)["prompt_set"])
