"""For any trace whose maker knows the truth, the reading tells it or says that it cannot; it never tells another."""

from __future__ import annotations

from bench.reading import measure
from tests.evidence.odd_worlds import make_odd_world

SEEDS = range(400)  # `python -m bench.reading` reads 20,000


def test_the_reading_tells_the_truth_or_that_it_cannot() -> None:
    shares = measure(SEEDS)
    assert shares.wrong == ()
    assert shares.told_of_telling_roots >= 0.9
    assert shares.told >= 0.8


def test_of_kinds_that_cannot_always_be_told_nothing_else_is_shown() -> None:
    odd = measure(SEEDS, make_odd_world)
    assert odd.wrong == ()
    assert odd.told >= 0.2
