"""Where is a fact when it is told? Causal tracing of facts that a model demonstrably knows.

A fact is known where its end beats the ends of all other facts of its kind, in two ways of saying it. In two other ways
the subject is exchanged for another's of equal length, and the residual stream at the subject's last token is restored
from the true statement, through a window of layers that other facts proposed. Whether the answer comes back is held
against a third subject's residual in the same place, a dead model, another order, and other places and layers.

After: K. Meng et al., "Locating and Editing Factual Associations in GPT" (2022, arXiv 2202.05262); P. Hase et al.,
"Does Localization Inform Editing?" (2023, arXiv 2301.04213): it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification
from interpret.parts import shared
from interpret.probes.facts.statements import FactSet, read_facts
from interpret.probes.facts.study import Study
from interpret.probes.facts.writing import Numbers, write
from interpret.probes.seed_parts import DEAD, SEEDS, SeedParts
from interpret.probes.session import ModelSession
from interpret.registry import fill_choices, fill_parameters

__all__ = ["FactTracing"]

KEY: Final = "fact.tracing"
PARTS: Final = SeedParts("facts", "random places")


class FactTracing:
    """Find which facts a model knows, and restore them where their subject ends."""

    code_version = "1"

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or inputs are given."""
        fill_parameters(KEY, specification.parameters)
        _facts(specification)
        if specification.inputs:
            raise BadSpecification(f"{KEY} states its own facts, and reads no prompts")

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return, for each seed, the facts, the dead model, and the random places, so many at a time."""
        return PARTS.of(_draws(specification))

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure one seed's facts, its dead model's, or some of its random places.

        Raises:
            StructureUntold: the model's tokenizer does not let the statements be made.
            FactsUnknown: the model knows next to none of the facts.
            HookNeverFired, InterventionWithoutEffect: a change did not take place, or moves nothing.
        """
        seed, what = part.split(": ")
        given = fill_parameters(KEY, specification.parameters)
        study = Study(_facts(specification), models, specification, given, again=SEEDS.index(seed))
        if what == PARTS.texts:
            return study.living()
        if what == DEAD:
            return study.dead()
        return study.control(PARTS.drawn_in(what))

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Return one measurement: what restoring a fact's subject does.

        Raises:
            ProbeError: workers found different layers.
        """
        draws = _draws(specification)
        shared(measured, [part for seed in SEEDS for part in PARTS.living(seed, draws)], "found")
        first, second = (Numbers(*PARTS.put_together(seed, draws, measured, ("moved",))) for seed in SEEDS)
        given = fill_parameters(KEY, specification.parameters)
        return (write(specification, _facts(specification), given, first, second),)


def _facts(specification: ProbeSpecification) -> FactSet:
    return read_facts(fill_choices(KEY, specification.parameters)["language"])


def _draws(specification: ProbeSpecification) -> int:
    return int(fill_parameters(KEY, specification.parameters)["control_draws"])
