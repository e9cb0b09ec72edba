"""Activations whose truth is known: sparse sums of directions that were drawn."""

from __future__ import annotations

import numpy as np

from interpret.dictionaries.coding import Floats

WIDTH, TRUE, AT_ONCE = 16, 24, 2


def directions(seed: int = 0) -> Floats:
    """Return unit vectors. Shape (direction, width)."""
    drawn = np.random.default_rng(seed).standard_normal((TRUE, WIDTH))
    unit: Floats = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return unit


def activations(tokens: int, seed: int = 0) -> Floats:
    """Return tokens that are each a sum of `AT_ONCE` of the directions, and a mean that is not zero."""
    rng = np.random.default_rng(seed)
    strengths = np.zeros((tokens, TRUE), dtype=np.float32)
    for row in strengths:
        row[rng.choice(TRUE, AT_ONCE, replace=False)] = rng.uniform(5, 15, AT_ONCE)
    return strengths @ directions() + np.float32(3)
