"""Scores that an export lists one by one, joined to samples: those of one answer are one sample."""

from __future__ import annotations

from collections import Counter

from evidence.evals.contracts import SampleScore
from evidence.evals.foreign.collected import Collected, Item, Told


class Joined:
    """The samples of a measurement, by what was scored.

    A metric that scores one answer again is another attempt at it: neither is dropped, and they are no two answers.
    """

    def __init__(self, kept: Collected) -> None:
        self.kept = kept
        self._times: Counter[tuple[str, str]] = Counter()
        self._places: dict[tuple[str, int], tuple[int, int]] = {}

    def add(self, subject: str, told: Told, score: SampleScore) -> tuple[int, int] | None:
        """Keep one score, and return the place of its sample."""
        self._times[subject, score.metric] += 1
        at = (subject, self._times[subject, score.metric])
        if at not in self._places:
            place = self.kept.add(Item(subject, attempt=at[1]), told, [])
            if place is None:
                return None
            self._places[at] = place
        self.kept.add_scores(self._places[at], [score])
        return self._places[at]
