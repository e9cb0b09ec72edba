"""Probes that fit a direction in one domain and read it in another: what is theirs alone is texts, study and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification
from interpret.probes.seed_parts import DEAD, SEEDS
from interpret.probes.session import ModelSession
from interpret.registry import fill_choices, fill_parameters


class DomainStudy(Protocol):
    """One prompt set and one seed's domains, on a model and its dead copy; both return JSON values."""

    def living(self) -> dict[str, Any]:
        """Read the texts of both domains."""

    def dead(self) -> dict[str, Any]:
        """Read them likewise in the dead copy."""


@dataclass(frozen=True, slots=True)
class Question:
    """What such a probe asks.

    Attributes:
        key: its name in the registry.
        texts: the part that reads the texts: "statements".
        read_set: takes the name of a prompt set, and returns it.
        study: takes the set, the models, the specification, its parameters and `again`, 1 for the second seed.
        write: takes the specification, the set, its parameters and what either seed's parts gave.
    """

    key: str
    texts: str
    read_set: Callable[[str], Any]
    study: Callable[..., DomainStudy]
    write: Callable[..., tuple[Measurement, ...]]


class AcrossDomains:
    """A probe of one statement, whose second seed exchanges the domains."""

    code_version = "1"
    question: ClassVar[Question]

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or inputs are given."""
        fill_parameters(self.question.key, specification.parameters)
        self._prompts(specification)
        if specification.inputs:
            raise BadSpecification(
                f"{self.question.key} reads the prompt set that it is told, and no prompts"
            )

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return, for each seed, the texts and the dead model."""
        del specification
        return tuple(f"{seed}: {what}" for seed in SEEDS for what in (self.question.texts, DEAD))

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure one seed's texts, or its dead model's.

        Raises:
            StructureUntold, PairsUnequal: the model's tokenizer does not let the texts be made.
        """
        seed, what = part.split(": ")
        given, prompts = (
            fill_parameters(self.question.key, specification.parameters),
            self._prompts(specification),
        )
        study = self.question.study(prompts, models, specification, given, again=SEEDS.index(seed))
        return study.living() if what == self.question.texts else study.dead()

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Return the measurement, of what is told in a domain that nothing was fitted in."""
        first, second = (
            (measured[f"{seed}: {self.question.texts}"], measured[f"{seed}: {DEAD}"]) for seed in SEEDS
        )
        given = fill_parameters(self.question.key, specification.parameters)
        return self.question.write(specification, self._prompts(specification), given, first, second)

    def _prompts(self, specification: ProbeSpecification) -> Any:
        return self.question.read_set(fill_choices(self.question.key, specification.parameters)["prompt_set"])
