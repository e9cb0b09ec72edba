"""Signs of deception: are statements to mislead told from truthful ones, in another domain and without the instruction?

A statement is false after an instruction to mislead, and true after one to be truthful. A direction is fitted on those
of one domain, on the tokens of their endings, and read in another domain, once as they are and once with the words of
the instruction deleted. Only what holds both ways counts, and only beyond what the text alone tells. A direction that
is read where it was fitted is no sign of anything: published ones collapse in another domain, and when what gives the
text away is deleted.

After: N. Goldowsky-Dill et al., "Detecting Strategic Deception Using Linear Probes" (2025, arXiv 2502.03407); textual
leakage: arXiv 2509.21344 (2025); choice of prompts: arXiv 2602.01425 (2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification
from interpret.probes.deception.prompt_sets import StatementSet, read_statement_set
from interpret.probes.deception.study import Study
from interpret.probes.deception.writing import write_all
from interpret.probes.seed_parts import DEAD, SEEDS
from interpret.probes.session import ModelSession
from interpret.registry import fill_choices, fill_parameters

__all__ = ["SignsOfDeception"]

KEY: Final = "deception.signs"
STATEMENTS: Final = "statements"  # the part that reads them


class SignsOfDeception:
    """Fit a direction in one domain; read it in another, with the instruction's words and without."""

    code_version = "1"

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or inputs are given."""
        fill_parameters(KEY, specification.parameters)
        _prompts(specification)
        if specification.inputs:
            raise BadSpecification(f"{KEY} reads the prompt set that it is told, and no prompts")

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return, for each seed, the statements and the dead model."""
        del specification
        return tuple(f"{seed}: {what}" for seed in SEEDS for what in (STATEMENTS, DEAD))

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure one seed's statements, or its dead model's.

        Raises:
            StructureUntold, PairsUnequal: the model's tokenizer does not let the statements be made.
        """
        seed, what = part.split(": ")
        given = fill_parameters(KEY, specification.parameters)
        study = Study(_prompts(specification), models, specification, given, again=SEEDS.index(seed))
        return study.living() if what == STATEMENTS else study.dead()

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Return one measurement: that a direction tells them in the other domain, with the instruction and without."""
        first, second = ((measured[f"{seed}: {STATEMENTS}"], measured[f"{seed}: {DEAD}"]) for seed in SEEDS)
        given = fill_parameters(KEY, specification.parameters)
        return write_all(specification, _prompts(specification), given, first, second)


def _prompts(specification: ProbeSpecification) -> StatementSet:
    return read_statement_set(fill_choices(KEY, specification.parameters)["prompt_set"])
