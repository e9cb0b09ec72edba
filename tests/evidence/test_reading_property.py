"""For any trace whose maker knows the truth, the reading tells it or says that it cannot; it never tells another."""

from __future__ import annotations

from bench.reading import Outcome, measure, outcome_of
from tests.evidence.trace_worlds import make_world

SEEDS = range(1_500)


def test_the_reading_tells_the_truth_or_that_it_cannot() -> None:
    wrong = [world.story for world in map(make_world, SEEDS) if outcome_of(world) is Outcome.WRONG]
    assert wrong == []


def test_most_is_told_where_the_root_carries_its_output() -> None:
    shares = measure(SEEDS)
    assert shares.told_of_telling_roots >= 0.9
    assert shares.told >= 0.85
