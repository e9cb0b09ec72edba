"""Patterns that need no language: the token before, and the same token before, over random tokens."""

from __future__ import annotations

import numpy as np

from interpret.errors import ProbeError
from interpret.probes.induction.repeats import make_repeats
from interpret.probes.patterns.texts import Material, Texts

PAIRS = 4  # one token in so many comes a second time


def previous_tokens(texts: int, length: int, vocabulary: int, *, seed: int) -> Material:
    """Draw random tokens that repeat, each text with a period of its own; near is the token two before.

    The outcome is the surprisal of what repeats, which whoever copies needs the token before for.
    """
    repeats = make_repeats(texts, length, vocabulary, seed=seed)
    right, near = _none(texts, length), _none(texts, length)
    rng = np.random.default_rng(seed)
    for row in range(texts):  # half of the tokens, others in each text
        queries = rng.choice(np.arange(3, length), length // 2, replace=False)
        right[row, queries, queries - 1] = near[row, queries, queries - 2] = True
    token, period = np.arange(length)[None, :], repeats.periods[:, None]
    elsewhere = (token >= 1) & (token < period)
    return _halves(_texts(repeats.ids, right, near, token > period, elsewhere))


def duplicate_tokens(texts: int, length: int, vocabulary: int, *, seed: int) -> Material:
    """Draw different tokens, some of which come again in the second half; near is what stands beside the first one.

    No two that follow each other come again as neighbours, so nothing can be foretold and there is no outcome.

    Raises:
        ProbeError: the vocabulary is smaller than a text.
    """
    if vocabulary < length:
        raise ProbeError(f"a vocabulary of {vocabulary} cannot fill a text of {length} different tokens")
    rng, half = np.random.default_rng(seed), length // 2
    ids = np.stack([rng.choice(vocabulary, length, replace=False) for _ in range(texts)]).astype(np.int64)
    right, near = _none(texts, length), _none(texts, length)
    for row in range(texts):
        keys, queries = _pairs(rng, half, length)
        ids[row, queries] = ids[row, keys]
        right[row, queries, keys] = True
        near[row, queries, keys + rng.choice([-1, 1], keys.size)] = True
    nothing = np.zeros(ids.shape, dtype=np.bool_)
    return _halves(_texts(ids, right, near, nothing, nothing))


def _pairs(rng: np.random.Generator, half: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return keys in the first half, and a query in the second for each; no neighbours come again as neighbours."""
    size = min(length // PAIRS, half - 3)
    while True:
        keys = rng.choice(np.arange(2, half - 1), size, replace=False)
        queries = np.sort(rng.choice(np.arange(half, length), size, replace=False))
        apart = (np.diff(queries) > 1) | (np.abs(np.diff(keys)) > 1)
        if apart.all():
            return keys, queries


def _none(texts: int, length: int) -> np.ndarray:
    return np.zeros((texts, length, length), dtype=np.bool_)


def _texts(
    ids: np.ndarray, right: np.ndarray, near: np.ndarray, outcome: np.ndarray, elsewhere: np.ndarray
) -> Texts:
    """Return texts whose tokens are drawn freely: each is a cluster by itself."""
    lengths = np.full(ids.shape[0], ids.shape[1])
    drawn = Texts(ids, lengths, right, near, outcome, elsewhere, ("",) * ids.shape[0])
    return Texts(ids, lengths, right, near, outcome, elsewhere, tuple(drawn.names()))


def _halves(texts: Texts) -> Material:
    find, report = (texts.pick(range(start, texts.ids.shape[0], 2)) for start in (0, 1))
    return Material(find, report, find, report)
