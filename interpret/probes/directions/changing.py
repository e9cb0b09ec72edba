"""Pairs of texts as a model reads them where it answers, and what it would answer with more or less of a direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from interpret.probes.answering import AnswerSite, Reading
from interpret.probes.directions.pairs import Pair
from interpret.probes.directions.reading import Array
from interpret.probes.dose import WHOLE

FIRST, SECOND, OTHER_FIRST, OTHER_SECOND = range(4)  # of a pair's texts, as in `Pair.texts`
EXCHANGED: Final = ((FIRST, SECOND), (SECOND, FIRST))
NEUTRAL: Final = ((FIRST, OTHER_FIRST), (SECOND, OTHER_SECOND))


@dataclass(frozen=True, slots=True)
class Seen:
    """Texts in rows as one model reads them: of a pair its sides, of a request its contexts.

    Attributes:
        residual: (text of a pair, pair, width).
        odds: (text of a pair, pair).
    """

    reading: Reading
    residual: Array
    odds: Array

    @property
    def apart(self) -> Array:
        """Return the first text less the second. Shape (pair, width)."""
        apart: Array = self.residual[FIRST] - self.residual[SECOND]
        return apart

    def place(self, text: int, pair: int) -> int:
        """Return where a text of a pair is in the reading."""
        pairs: int = self.residual.shape[1]
        return text * pairs + pair


def see(site: AnswerSite, rows: Sequence[Sequence[Sequence[int]]]) -> Seen:
    """Read texts (text of a pair, pair)."""
    reading = site.read([text for row in rows for text in row])
    residual = reading.residual.astype(np.float64).reshape(len(rows), len(rows[0]), -1)
    return Seen(reading, residual, reading.odds.reshape(len(rows), len(rows[0])))


def rows_of(pairs: Sequence[Pair], texts: int) -> list[list[Sequence[int]]]:
    """Return so many texts of each pair, in rows."""
    return [[pair.texts[text] for pair in pairs] for text in range(texts)]


def in_another_order(
    rows: Sequence[Sequence[Sequence[int]]], rng: np.random.Generator
) -> list[list[Sequence[int]]]:
    """Return the texts with all of a pair in the same other order; the last token is another one."""
    orders = [_other_order(len(text), rng) for text in rows[0]]
    return [
        [[text[place] for place in order] for text, order in zip(row, orders, strict=True)] for row in rows
    ]


def move(
    site: AnswerSite,
    seen: Seen,
    amount: Array,
    goals: Sequence[tuple[int, Array]],
    along: Array,
    dose: float = WHOLE,
) -> list[Array]:
    """Return the log-odds of texts moved to other amounts of a direction, one array (direction, pair) a goal.

    Args:
        amount: of the direction that each text has. Shape (text of a pair, pair).
        goals: which text of the pairs, and the amount that each is to have. Shape (pair,).
        along: (direction, width), in which the steps are made, each as long.
        dose: how much of the way to those amounts, or beyond them.
    """
    texts, instead = list[int](), list[Array]()
    for text, goal in goals:
        steps = dose * (goal - amount[text])[None, :, None] * along[:, None]  # (direction, pair, width)
        instead.append((seen.residual[text] + steps).reshape(-1, along.shape[1]))
        texts += [seen.place(text, pair) for pair in range(amount.shape[1])] * len(along)
    odds = site.changed(seen.reading, texts, np.concatenate(instead).astype(np.float32))
    return list(odds.reshape(len(goals), len(along), -1))


def _other_order(tokens: int, rng: np.random.Generator) -> list[int]:
    order = np.arange(tokens)
    while order[-1] == tokens - 1:
        order = rng.permutation(tokens)
    return [int(place) for place in order]
