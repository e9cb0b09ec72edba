"""Random tokens that repeat, each sequence with a period of its own, and what attention and surprisal say on them.

A fixed period would also be matched by a head that only counts positions, so heads are tested by scoring the same
attention at the other sequences' periods.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interpret.errors import ProbeError
from interpret.probes.one_pass import Floats, Ids


@dataclass(frozen=True, slots=True)
class Repeats:
    """Random tokens that repeat: sequence i has period `periods[i]`."""

    ids: Ids  # (sequence, token)
    periods: NDArray[np.int64]  # (sequence,), tokens

    def digest(self) -> str:
        """SHA-256 over periods and tokens."""
        data = np.ascontiguousarray(self.periods, dtype="<i8").tobytes()
        return hashlib.sha256(data + np.ascontiguousarray(self.ids, dtype="<i8").tobytes()).hexdigest()

    def texts(self) -> list[str]:
        """SHA-256 over the tokens of each sequence."""
        return [hashlib.sha256(row.astype("<i8").tobytes()).hexdigest() for row in self.ids]

    def head(self, sequences: int) -> Repeats:
        """Return the first so many sequences."""
        return Repeats(self.ids[:sequences], self.periods[:sequences])


def make_repeats(sequences: int, length: int, vocabulary: int, *, seed: int) -> Repeats:
    """Draw `sequences` random blocks, each repeated to `length` tokens with its own period.

    Periods are drawn from length/8 to length/2 - 1, without repeats while there are enough; no token comes
    twice in a block.

    Raises:
        ProbeError: the vocabulary is smaller than the longest period.
    """
    rng = np.random.default_rng(seed)
    choices = np.arange(max(2, length // 8), length // 2)
    if vocabulary < choices[-1]:
        raise ProbeError(
            f"a vocabulary of {vocabulary} cannot fill a block of {choices[-1]} different tokens"
        )
    rounds = [rng.permutation(choices) for _ in range(-(-sequences // choices.size))]
    periods = np.concatenate(rounds)[:sequences]
    ids = np.stack(
        [np.resize(rng.choice(vocabulary, int(period), replace=False), length) for period in periods]
    )
    return Repeats(ids.astype(np.int64), periods.astype(np.int64))


def split(repeats: Repeats) -> tuple[Repeats, Repeats]:
    """Return the even and the odd sequences: to find on, to report on."""
    return (
        Repeats(repeats.ids[0::2], repeats.periods[0::2]),
        Repeats(repeats.ids[1::2], repeats.periods[1::2]),
    )


def prefix_scores(attention: Floats, periods: NDArray[np.int64]) -> NDArray[np.float64]:
    """Score every head on every sequence at every period that occurs.

    The score is the attention, averaged over query tokens t >= period, that goes to the tokens after the
    earlier occurrences of token t: t - period + 1, t - 2 period + 1 and so on.

    Args:
        attention: (layer, head, sequence, query, key).

    Returns:
        (layer * head, sequence, period), in [0, 1]; the last axis has the period of sequence j at j.
    """
    layers, heads, sequences, length, _ = attention.shape
    flat = attention.reshape(layers * heads, sequences, length, length)
    unique, where = np.unique(periods, return_inverse=True)
    scores = np.stack(
        [(flat * _targets(int(p), length)).sum(axis=(2, 3)) / (length - p) for p in unique], axis=2
    )
    picked: NDArray[np.float64] = scores[:, :, where].astype(np.float64)
    return picked


def uniform_scores(periods: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """Return the prefix score of a head that attends evenly to all tokens so far. Shape (sequence,)."""
    even = np.tril(np.ones((length, length))) / np.arange(1, length + 1)[:, None]
    return np.array([(even * _targets(int(p), length)).sum() / (length - p) for p in periods])


def compare_periods(
    scores: NDArray[np.float64], *, seed: int, permutations: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Test each head's own-period score against sequences with their periods permuted.

    Args:
        scores: (head, sequence, period), from `prefix_scores`.

    Returns:
        p-values (head,), and the mean score under permutation (head,).
    """
    heads, n, _ = scores.shape
    observed = scores[:, np.arange(n), np.arange(n)].mean(axis=1)
    rng = np.random.default_rng(seed)
    above, total = np.zeros(heads), np.zeros(heads)
    for _ in range(permutations):
        permuted = scores[:, np.arange(n), rng.permutation(n)].mean(axis=1)
        above += permuted >= observed - 1e-12
        total += permuted
    return (1 + above) / (1 + permutations), total / permutations


def ablation_cost(
    clean: Floats, changed: Floats, repeats: Repeats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rise in surprisal (sequence,), nats a token: where tokens repeat, and before they do.

    Args:
        clean, changed: surprisal, (sequence, token - 1).
    """
    rise = changed.astype(np.float64) - clean
    position = np.arange(rise.shape[1])[None, :]
    repeated = position >= repeats.periods[:, None]  # token t has been seen, so t + 1 can be copied
    first = position < repeats.periods[:, None] - 1
    return (
        (rise * repeated).sum(axis=1) / repeated.sum(axis=1),
        (rise * first).sum(axis=1) / first.sum(axis=1),
    )


def _targets(period: int, length: int) -> NDArray[np.float32]:
    """1 where key s followed an earlier occurrence of query token t >= period. Shape (query, key)."""
    query, key = np.arange(length)[:, None], np.arange(length)[None, :]
    back = query - key + 1
    followed = (key >= 1) & (key < query)  # nothing precedes key 0, the attention sink
    hit: NDArray[np.bool_] = (query >= period) & followed & (back > 0) & (back % period == 0)
    return hit.astype(np.float32)
