"""The parts of a run from two seeds: of each the texts, the dead model, and what is drawn at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

SEEDS: Final = ("first seed", "second seed")
DEAD: Final = "dead model"
DRAWS_A_PART: Final = 50  # of what is drawn, those that one part of the work tries
# What the texts gave, what the dead model did, and what each of what is drawn comes to, by what was done.
Told: TypeAlias = tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, list[float]]]


@dataclass(frozen=True, slots=True)
class SeedParts:
    """What the parts of a probe's seeds are called.

    Attributes:
        texts: the part that reads and changes them: "pairs".
        control: what is drawn at random: "random directions"; empty where nothing is.
    """

    texts: str
    control: str = ""

    def of(self, draws: int) -> tuple[str, ...]:
        """Return the parts of both seeds."""
        whats = (self.texts, DEAD, *self._controls(draws))
        return tuple(f"{seed}: {what}" for seed in SEEDS for what in whats)

    def living(self, seed: str, draws: int) -> list[str]:
        """Return the parts of a seed that are done on the model itself: workers must have found the same."""
        return [f"{seed}: {what}" for what in (self.texts, *self._controls(draws))]

    def drawn_in(self, what: str) -> slice:
        """Return which of what is drawn a part of this name tries."""
        start = int(what.rpartition(" ")[2]) - 1
        return slice(start, start + DRAWS_A_PART)

    def put_together(
        self, seed: str, draws: int, measured: Mapping[str, Mapping[str, Any]], done: Sequence[str]
    ) -> Told:
        """Return what the parts of one seed gave; `done` names what was done with each of what is drawn."""
        texts, *controls = self.living(seed, draws)
        drawn = {name: [value for part in controls for value in measured[part][name]] for name in done}
        return measured[texts], measured[f"{seed}: {DEAD}"], drawn

    def _controls(self, draws: int) -> list[str]:
        return [f"{self.control} from {start + 1}" for start in range(0, draws, DRAWS_A_PART)]
