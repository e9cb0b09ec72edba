"""Probes that put one set of texts, chosen by name, to a model and its dead copy, from two seeds.

What is a probe's alone is texts, study and words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification, ProbeError
from interpret.parts import shared
from interpret.probes.seed_parts import DEAD, SEEDS, SeedParts
from interpret.probes.session import ModelSession
from interpret.registry import fill_choices, fill_parameters


class Study(Protocol):
    """One seed's texts, on a model and on its dead copy. What is measured are JSON values."""

    def living(self) -> dict[str, Any]:
        """Measure the texts in the model."""

    def dead(self) -> dict[str, Any]:
        """Measure them likewise in its dead copy."""


class DrawnStudy(Study, Protocol):
    """One beside which something is drawn at random: directions, places, sets of heads."""

    def control(self, part: slice) -> dict[str, Any]:
        """Try what is drawn, those of it that one part of the work tries."""


StudyT_co = TypeVar("StudyT_co", bound=Study, covariant=True)


@dataclass(frozen=True, slots=True)
class Question(Generic[StudyT_co]):
    """What such a probe asks.

    Attributes:
        key: its name in the registry, where the one choice that it has names the texts.
        parts: what the parts of its work are called.
        reads: what it does instead of reading prompts: "states its own facts, and reads no prompts".
        read_texts: takes what was chosen, and returns the texts.
        study: takes the texts, the models, the specification, its parameters and `again`, 1 for the second seed.
        write: takes the specification, the texts, its parameters and what either seed's parts gave.
    """

    key: str
    parts: SeedParts
    reads: str
    read_texts: Callable[[str], Any]
    study: Callable[..., StudyT_co]
    write: Callable[..., tuple[Measurement, ...]]


class OwnTexts(Generic[StudyT_co]):
    """A probe that asks a `Question`, but for its `report`: parts, measuring and words. It draws nothing at random."""

    question: Question[StudyT_co]

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or inputs are given."""
        fill_parameters(self.question.key, specification.parameters)
        self._texts(specification)
        if specification.inputs:
            raise BadSpecification(f"{self.question.key} {self.question.reads}")

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return, for each seed, the texts, the dead model, and what is drawn at random, so many at a time."""
        return self.question.parts.of(self._draws(specification))

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure one seed's texts, or its dead model's.

        Raises:
            StructureUntold, PairsUnequal: the model's tokenizer does not let the texts be made.
            FactsUnknown: the model knows next to none of the facts.
            AttributionIncomplete: attributions do not add up to what they are parts of.
            HookNeverFired, InterventionWithoutEffect: a change did not take place, or moves nothing.
            ProbeError: the probe has no such part, or the study cannot be done on this model.
        """
        seed, what = part.split(": ")
        study = self._study(specification, models, seed)
        if what == self.question.parts.texts:
            return study.living()
        if what == DEAD:
            return study.dead()
        raise ProbeError(f"{self.question.key} has no part {part!r}")

    def write(self, specification: ProbeSpecification, first: Any, second: Any) -> tuple[Measurement, ...]:
        """Put in words what either seed's parts gave."""
        given = fill_parameters(self.question.key, specification.parameters)
        return self.question.write(specification, self._texts(specification), given, first, second)

    def _texts(self, specification: ProbeSpecification) -> Any:
        (chosen,) = fill_choices(self.question.key, specification.parameters).values()
        return self.question.read_texts(chosen)

    def _draws(self, specification: ProbeSpecification) -> int:  # noqa: ARG002  # those that draw read it
        return 0

    def _study(self, specification: ProbeSpecification, models: ModelSession, seed: str) -> StudyT_co:
        texts = self._texts(specification)
        given = fill_parameters(self.question.key, specification.parameters)
        return self.question.study(texts, models, specification, given, again=SEEDS.index(seed))


@dataclass(frozen=True, slots=True)
class Drawn:
    """How the report reads what was drawn at random.

    Attributes:
        numbers: takes what one seed's texts gave, its dead model's, and what each of what was drawn comes to.
        done: what was done with each: "removed".
        found: what workers must have found alike.
        once: the second seed reports on what the first one found; otherwise each finds anew.
    """

    numbers: Callable[..., Any]
    done: tuple[str, ...]
    found: str
    once: bool


class AgainstDrawn(OwnTexts[DrawnStudy]):
    """A probe whose changes are held against as large ones, `control_draws` of them, that are drawn at random."""

    drawn: ClassVar[Drawn]

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Measure one seed's texts, its dead model's, or some of what is drawn at random; raises as without it."""
        seed, what = part.split(": ")
        if what in (self.question.parts.texts, DEAD):
            return super().measure(specification, models, part)
        return self._study(specification, models, seed).control(self.question.parts.drawn_in(what))

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Return the measurements.

        Raises:
            ProbeError: workers found different things.
        """
        parts, draws = self.question.parts, self._draws(specification)
        for seeds in [SEEDS] if self.drawn.once else [(seed,) for seed in SEEDS]:
            alike = [part for seed in seeds for part in parts.living(seed, draws)]
            shared(measured, alike, self.drawn.found)
        first, second = (
            self.drawn.numbers(*parts.put_together(seed, draws, measured, self.drawn.done)) for seed in SEEDS
        )
        return self.write(specification, first, second)

    def _draws(self, specification: ProbeSpecification) -> int:
        return int(fill_parameters(self.question.key, specification.parameters)["control_draws"])
