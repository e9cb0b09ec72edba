"""A direction of refusal: is it where a copilot answers, do refusals run through it, and does pressing lower it?

Pairs of requests have one template and words of the same kind: one that a policy forbids, and a near miss that it
allows. A direction is fitted on half of them, and in the other half, of other templates and other requests, it is read,
exchanged between the two of a pair, and read again where something is said after the request that presses for it. That
it can be read is held against what the text alone tells; that refusals run through it, against random directions along
which as much is changed; that pressing lowers it, against placebos: as long a saying that presses for nothing.

After: A. Arditi et al., "Refusal in Language Models Is Mediated by a Single Direction" (2024, arXiv 2406.11717);
T. Wollschläger et al., "The Geometry of Refusal" (2025, arXiv 2502.17420): there are several, so no direction is *the*
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification
from interpret.parts import shared
from interpret.probes.refusal.prompt_sets import RefusalSet, read_refusal_set
from interpret.probes.refusal.study import Study
from interpret.probes.refusal.writing import Numbers, write_all
from interpret.probes.seed_parts import DEAD, SEEDS, SeedParts
from interpret.probes.session import ModelSession
from interpret.registry import fill_choices, fill_parameters

__all__ = ["RefusalDirection"]

KEY: Final = "refusal.direction"
PARTS: Final = SeedParts("requests", "random directions")


class RefusalDirection:
    """Fit a direction on half of the requests; read and exchange it in the other, and read it in contexts."""

    code_version = "1"

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or inputs are given."""
        fill_parameters(KEY, specification.parameters)
        _prompts(specification)
        if specification.inputs:
            raise BadSpecification(f"{KEY} reads the prompt set that it is told, and no prompts")

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return, for each seed, the requests, the dead model, and the random directions, so many at a time."""
        return PARTS.of(_draws(specification))

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure one seed's requests, its dead model's, or some of its random directions.

        Raises:
            StructureUntold, PairsUnequal: the model's tokenizer does not let the pairs or contexts be made.
            HookNeverFired, InterventionWithoutEffect: a change did not take place, or moves nothing.
        """
        seed, what = part.split(": ")
        given, prompts = fill_parameters(KEY, specification.parameters), _prompts(specification)
        study = Study(prompts, models, specification, given, again=SEEDS.index(seed))
        if what == PARTS.texts:
            return study.living()
        if what == DEAD:
            return study.dead()
        return study.control(PARTS.drawn_in(what))

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Return four measurements: that it can be read, what removing and adding it does, and what pressing does.

        Raises:
            ProbeError: workers fitted different directions.
        """
        draws = _draws(specification)
        for seed in SEEDS:
            shared(measured, PARTS.living(seed, draws), "found")
        first, second = (
            Numbers(*PARTS.put_together(seed, draws, measured, ("ablated", "added"))) for seed in SEEDS
        )
        given = fill_parameters(KEY, specification.parameters)
        return write_all(specification, _prompts(specification), given, first, second)


def _prompts(specification: ProbeSpecification) -> RefusalSet:
    return read_refusal_set(fill_choices(KEY, specification.parameters)["prompt_set"])


def _draws(specification: ProbeSpecification) -> int:
    return int(fill_parameters(KEY, specification.parameters)["control_draws"])
