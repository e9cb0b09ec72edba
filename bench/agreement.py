"""Precision and recall of one comparison."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counts of one comparison; both shares are in [0, 1], None where nothing was there to find."""

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float | None:
        """Share of what was found that is right."""
        found = self.true_positives + self.false_positives
        return self.true_positives / found if found else None

    @property
    def recall(self) -> float | None:
        """Share of what is there that was found."""
        there = self.true_positives + self.false_negatives
        return self.true_positives / there if there else None
