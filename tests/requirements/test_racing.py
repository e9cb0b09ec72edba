"""Every two acts on one requirement, and on one link, at once: what comes of it is what one after the other gives.

That is all that "no pair ends in a state neither asked for" can mean, so nothing else is written down here: each pair
is first done in both orders, one act after the other on what both had read before, and then at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from random import Random
from typing import Any, Final

import pytest
from django.utils.module_loading import import_string

from requirements.life import STEPS
from tests.emptied import Emptier
from tests.interleaving import interleave
from tests.invariants.walk import service_graph
from tests.requirements.racing import (
    ELSEWHERE,
    LINK_ACTS,
    PAIRS,
    REQUIREMENT_ACTS,
    REQUIREMENT_SCENES,
    SCENES,
    Pair,
    Ready,
    Scene,
    Stage,
    outcome_of,
    picture,
)

IN_THE_SUITE: Final = 8  # pairs
SEEDS: Final = range(3)  # of each pair, in the soak


@dataclass
class Happened:
    """What came of two acts, and what whoever did each was told."""

    told: tuple[object, object]
    stands: dict[str, Any]


class Races:
    """Pairs of acts, each race in its scene and alone in the database."""

    def __init__(self) -> None:
        self._emptier = Emptier()
        self._stages: dict[str, Stage] = {}

    @contextmanager
    def _ready(self, pair: Pair) -> Iterator[tuple[Scene, list[Ready]]]:
        """Set the scene, and have both read what stands; afterwards the database is empty again."""
        if pair.scene not in self._stages:
            self._stages[pair.scene] = Stage(SCENES[pair.scene])
        scene = self._stages[pair.scene].set()
        try:
            yield scene, [pair.first.ready(scene), pair.second.ready(scene)]
        finally:
            self._emptier.delete()

    def one_after_the_other(self, pair: Pair) -> list[Happened]:
        """Do both acts of a pair on what both had read before, in both orders."""
        return [self._in_order(pair, order) for order in ((0, 1), (1, 0))]

    def _in_order(self, pair: Pair, order: tuple[int, int]) -> Happened:
        with self._ready(pair) as (scene, ready):
            told = {number: told_alone(ready[number]) for number in order}
            return Happened((told[0], told[1]), picture(scene))

    def at_once(self, pair: Pair, seed: int) -> Happened:
        """Do both acts beside each other, in the order of a seed."""
        with self._ready(pair) as (scene, ready):
            first, second = interleave(seed, ready)
            told = (outcome_of(first.result, first.problem), outcome_of(second.result, second.problem))
            return Happened(told, picture(scene))

    def run(self, pairs: Sequence[Pair], seeds: Iterable[int]) -> list[str]:
        """Return what came of pairs at once that comes of them in neither order."""
        expected = {pair: self.one_after_the_other(pair) for pair in pairs}
        return [
            f"{pair}, seed {seed}: {found}, and neither\n  {first} nor\n  {second}"
            for seed in seeds
            for pair, (first, second) in expected.items()
            if (found := self.at_once(pair, seed)) not in (first, second)
        ]


def told_alone(act: Ready) -> object:
    """Do an act while nothing else happens."""
    try:
        return outcome_of(act(), None)
    except Exception as problem:  # noqa: BLE001  # what it is told is compared
        return outcome_of(None, problem)


@pytest.fixture
def races(transactional_db: None) -> Races:
    return Races()


def test_every_service_that_writes_a_requirement_or_a_link_races() -> None:
    writing = {
        label for each in service_graph().services_of("requirements") if each.writes for label in [each.label]
    }
    doors = {label for label in writing if "principal" in signature(import_string(label)).parameters}
    racing = {f"{act.does.__module__}.{act.does.__name__}" for act in (*REQUIREMENT_ACTS, *LINK_ACTS)}
    assert doors - racing == set(ELSEWHERE)


def test_every_step_of_the_table_races_from_where_it_starts() -> None:
    taken = {step.from_state for step in STEPS}
    assert taken <= set(REQUIREMENT_SCENES)


@pytest.mark.django_db(transaction=True)
def test_two_acts_at_once_end_as_one_after_the_other_does(races: Races) -> None:
    assert races.run(Random(0).sample(PAIRS, IN_THE_SUITE), [0]) == []


@pytest.mark.soak
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.django_db(transaction=True)
def test_every_two_acts_in_every_order_end_as_one_after_the_other_does(races: Races, scene: str) -> None:
    faults = races.run([pair for pair in PAIRS if pair.scene == scene], SEEDS)
    assert not faults, "\n".join(faults)
