"""The honest inputs that fuzzing starts from pass, and so does what it once found. `make fuzz` does the rest."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.targets import TARGETS

DAMAGES = (
    40  # of each target's inputs, at random places: enough to see that a target still reaches its reader
)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_damaged_seeds_raise_only_the_readers_own_errors(name: str) -> None:
    target, chance = TARGETS[name], random.Random(name)
    seeds = target.seeds()
    for seed in seeds:
        target.try_one(seed)
    for _ in range(DAMAGES):
        damaged = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        target.try_one(bytes(damaged))
    target.try_one(b"")
