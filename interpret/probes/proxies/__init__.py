"""Proxies for a sensitive attribute: can it be read off the model where it answers, and does the answer use it?

Pairs of texts of a copilot differ in nothing but the words of one side of an attribute for those of the other. A
direction is fitted on half of them, and in the other half, of other templates and other words, it is read, removed, and
exchanged between the two sides of a pair. That it can be read is held against what the text alone tells; that it is
used, against random directions along which as much is changed.

After: "Fair outputs, biased internals" (2026, arXiv 2605.15217), which puts a removed direction back and finds that
models may hold what their answers do not show; S. Marks and M. Tegmark, "The Geometry of Truth" (2023, arXiv
2310.06824), the difference in means; Y. Elazar et al., "Amnesic Probing" (2021, TACL 9): what can be read need not be
used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification
from interpret.parts import shared
from interpret.probes.proxies.prompt_sets import PromptSet, read_prompt_set
from interpret.probes.proxies.study import Study
from interpret.probes.proxies.writing import Numbers, write_all
from interpret.probes.seed_parts import DEAD, SEEDS, SeedParts
from interpret.probes.session import ModelSession
from interpret.registry import fill_choices, fill_parameters

__all__ = ["AttributeProxies"]

KEY: Final = "attribute.proxies"
PARTS: Final = SeedParts("pairs", "random directions")
CHANGES: Final = ("removed", "exchanged")  # what is done along a direction


class AttributeProxies:
    """Fit a direction on half of the pairs; read, remove and exchange it in the other."""

    code_version = "1"

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or inputs are given."""
        fill_parameters(KEY, specification.parameters)
        _prompts(specification)
        if specification.inputs:
            raise BadSpecification(f"{KEY} reads the prompt set that it is told, and no prompts")

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return, for each seed, the pairs, the dead model, and the random directions, so many at a time."""
        return PARTS.of(_draws(specification))

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure one seed's pairs, its dead model's, or some of its random directions.

        Raises:
            StructureUntold, PairsUnequal: the model's tokenizer does not let the pairs be made.
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
        """Return three measurements: that the attribute can be read, and what removing and exchanging it does.

        Raises:
            ProbeError: workers fitted different directions.
        """
        draws = _draws(specification)
        for seed in SEEDS:
            shared(measured, PARTS.living(seed, draws), "found")
        first, second = (
            Numbers(*PARTS.put_together(seed, draws, measured, ("removed", "exchanged"))) for seed in SEEDS
        )
        given = fill_parameters(KEY, specification.parameters)
        return write_all(specification, _prompts(specification), given, first, second)


def _prompts(specification: ProbeSpecification) -> PromptSet:
    return read_prompt_set(fill_choices(KEY, specification.parameters)["prompt_set"])


def _draws(specification: ProbeSpecification) -> int:
    return int(fill_parameters(KEY, specification.parameters)["control_draws"])
