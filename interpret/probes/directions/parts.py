"""The parts of a run that changes a direction: of each seed the texts, the dead model, and the random directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from interpret.parts import shared

SEEDS: Final = ("first seed", "second seed")
DEAD, CONTROL = "dead model", "random directions"
SETS_A_PART: Final = 50  # random directions that one part of the work changes along
# What the texts gave, what the dead model did, and what each random direction comes to, by what was done.
Told: TypeAlias = tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, list[float]]]


def parts_of(texts: str, draws: int) -> tuple[str, ...]:
    """Return the parts of both seeds; `texts` is what the first of each is called."""
    return tuple(f"{seed}: {what}" for seed in SEEDS for what in (texts, DEAD, *_controls(draws)))


def directions_of(what: str) -> slice:
    """Return which of the random directions a part of this name changes along."""
    start = int(what.rpartition(" ")[2]) - 1
    return slice(start, start + SETS_A_PART)


def put_together(
    seed: str, texts: str, draws: int, measured: Mapping[str, Mapping[str, Any]], done: Sequence[str]
) -> Told:
    """Return what the parts of one seed gave; `done` names what was done along each direction.

    Raises:
        ProbeError: workers fitted different directions.
    """
    controls = [f"{seed}: {what}" for what in _controls(draws)]
    shared(measured, [f"{seed}: {texts}", *controls], "found")
    drawn = {name: [value for part in controls for value in measured[part][name]] for name in done}
    return measured[f"{seed}: {texts}"], measured[f"{seed}: {DEAD}"], drawn


def _controls(draws: int) -> list[str]:
    return [f"{CONTROL} from {start + 1}" for start in range(0, draws, SETS_A_PART)]
