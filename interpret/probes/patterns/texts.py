"""Texts whose structure is known because they were made with it, and how much of a head's attention follows it.

A link goes from a query token to a key token before it. Key 0 is in no link: it is where attention rests that has
nowhere to go. Rows have no padding: each is filled with the text that follows, which no earlier token sees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interpret.probes.one_pass import Floats, Ids

Links = NDArray[np.bool_]  # (text, query, key)
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts with their links; what stands beyond `lengths` fills the row and is in none.

    Attributes:
        right: from each query to where the pattern says.
        near: from the same queries to the near miss, one for each right one.
        outcome: (text, token): those whose surprisal the pattern should matter to; none where it has no such outcome.
        elsewhere: (text, token): others of the same text, beside which the outcome is held.
        clusters: what texts that depend on each other share, in the order of the texts.
    """

    ids: Ids  # (text, token)
    lengths: NDArray[np.int64]  # (text,), tokens
    right: Links
    near: Links
    outcome: NDArray[np.bool_]
    elsewhere: NDArray[np.bool_]
    clusters: tuple[str, ...]

    def digest(self) -> str:
        """SHA-256 over tokens and links."""
        state = hashlib.sha256(np.ascontiguousarray(self.ids, dtype="<i8").tobytes())
        state.update(np.packbits(self.right).tobytes())
        return state.hexdigest()

    def names(self) -> list[str]:
        """SHA-256 over the tokens of each text."""
        rows = zip(self.ids, self.lengths, strict=True)
        return [hashlib.sha256(row[:length].astype("<i8").tobytes()).hexdigest() for row, length in rows]

    def pick(self, rows: Sequence[int]) -> Texts:
        """Return some of the texts."""
        chosen = list(rows)
        return Texts(
            ids=self.ids[chosen],
            lengths=self.lengths[chosen],
            right=self.right[chosen],
            near=self.near[chosen],
            outcome=self.outcome[chosen],
            elsewhere=self.elsewhere[chosen],
            clusters=tuple(self.clusters[row] for row in chosen),
        )

    def shuffled(self, seed: int, *, follow: bool) -> Texts:
        """Return the same tokens in another order.

        Args:
            follow: whether right links go with the tokens, where the key still stands first; else all stay in place.
        """
        rng, ids = np.random.default_rng(seed), self.ids.copy()
        right, near = (self.right, self.near) if not follow else (np.zeros_like(self.right), self.near)
        for row, length in enumerate(self.lengths):
            order = rng.permutation(int(length))  # the token that stands at i stood at order[i]
            ids[row, :length] = self.ids[row, order]
            if follow:
                moved = self.right[row][np.ix_(order, order)]
                right[row, :length, :length] = np.tril(moved, -1)
                right[row, :, 0] = False
        return replace(self, ids=ids, right=right, near=near)


@dataclass(frozen=True, slots=True)
class Material:
    """Texts of one pattern, apart: to find heads on, and to report on; those that ask for the outcome may be others."""

    find: Texts
    report: Texts
    find_outcome: Texts
    report_outcome: Texts


@dataclass(frozen=True, slots=True)
class Rule:
    """A place that is told by position alone: so many tokens back, or so many from the start."""

    lag: int = 0
    position: int = 0

    def __str__(self) -> str:
        return f"{self.lag} tokens back" if self.lag else f"token {self.position}"

    def hits(self, texts: Texts) -> Array:
        """Return the share of attention that a head with this rule gives to the right keys. Shape (text,)."""
        width = texts.ids.shape[1]
        query, key = np.arange(width)[:, None], np.arange(width)[None, :]
        looks = (query - key == self.lag) if self.lag else (key == self.position)
        return share(np.broadcast_to(looks, texts.right.shape), texts.right)


def share(attention: NDArray[np.floating] | Links, links: Links) -> Array:
    """Return the attention that goes along the links, averaged over the queries that have one.

    Args:
        attention: (..., text, query, key).

    Returns:
        (..., text), in [0, 1]; 0 where a text has no link.
    """
    queries = links.any(axis=-1).sum(axis=-1)  # (text,)
    along = np.einsum("...tqk,tqk->...t", attention.astype(np.float32, copy=False), links.astype(np.float32))
    shares: Array = along.astype(np.float64) / np.maximum(queries, 1)
    return shares


def even_share(texts: Texts) -> Array:
    """Return the share of a head that attends evenly to all tokens so far. Shape (text,)."""
    width = texts.ids.shape[1]
    even = np.tril(np.ones((width, width))) / np.arange(1, width + 1)[:, None]
    return share(np.broadcast_to(even, texts.right.shape), texts.right)


def best_rule(texts: Texts, *, claimed_lag: int) -> Rule:
    """Return the position-only rule with the largest share on these texts, but for the one that is itself the claim."""
    places = range(1, texts.ids.shape[1])
    rules = [Rule(lag=lag) for lag in places if lag != claimed_lag] + [Rule(position=at) for at in places]
    return max(rules, key=lambda rule: float(rule.hits(texts).mean()))


def rise(clean: Floats, changed: Floats, tokens: NDArray[np.bool_]) -> Array:
    """Return the mean rise in surprisal over such tokens of each text, in nats. Shape (text,).

    Args:
        clean, changed: (text, token - 1), of the tokens from the second on.
        tokens: (text, token).
    """
    counted = tokens[:, 1:]
    risen: Array = ((changed.astype(np.float64) - clean) * counted).sum(axis=1) / counted.sum(axis=1)
    return risen
