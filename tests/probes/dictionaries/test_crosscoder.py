"""A crosscoder tells what one of two models holds alone from what both hold, and is not told apart by size."""

from __future__ import annotations

import numpy as np
import pytest

from interpret.dictionaries.coding import Floats
from interpret.dictionaries.crosscoder import Crosscoder, train_crosscoder
from interpret.errors import BadSpecification

TOKENS, WIDTH, SHARED = 1500, 24, 12


def held(seed: int, directions: Floats) -> Floats:
    """Return sparse amounts of directions (direction, width) at each token. Shape (token, width)."""
    rng = np.random.default_rng(seed)
    amounts = rng.exponential(1, (TOKENS, len(directions))) * (rng.random((TOKENS, len(directions))) < 0.15)
    noise = rng.normal(0, 0.02, (TOKENS, directions.shape[1]))
    return np.asarray(amounts @ directions + noise, dtype=np.float32)


def trained(first: Floats, second: Floats, seed: int = 0) -> Crosscoder:
    """Train a small one."""
    return train_crosscoder(first, second, features=32, active=4, samples=16384, seed=seed)


@pytest.fixture(scope="module")
def directions() -> Floats:
    drawn = np.random.default_rng(0).normal(0, 1, (SHARED + 2, WIDTH))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)


def test_what_one_model_holds_alone_is_more_exclusive_than_anything_of_a_model_beside_itself(
    directions: Floats,
) -> None:
    one = held(1, directions[:SHARED])
    more = one + held(2, directions[SHARED:])
    maximum = trained(one, one).exclusive.max()
    pair = trained(one, more, 1)
    beyond = pair.exclusive > maximum
    assert beyond.any()
    assert pair.exclusive.max() > max(3 * maximum, 0.2)
    writes = pair.writes(one, more)
    assert writes.shape == (TOKENS, 32)
    assert writes[:, beyond].sum() / writes.sum() > 0.1


def test_a_model_that_writes_all_of_it_larger_is_the_same(directions: Floats) -> None:
    one = held(1, directions[:SHARED])
    assert trained(one, 1.1 * one).exclusive == pytest.approx(trained(one, one).exclusive, abs=1e-3)


def test_a_feature_that_hardly_fires_is_told_of_nothing(directions: Floats) -> None:
    one = held(1, directions[:SHARED])
    told = trained(one, one)
    assert (told.exclusive[~told.fires] == 0).all()
    assert told.fires.sum() >= SHARED


def test_too_few_tokens_are_refused(directions: Floats) -> None:
    few = held(1, directions)[:50]
    with pytest.raises(BadSpecification, match="fewer than a batch"):
        trained(few, few)
