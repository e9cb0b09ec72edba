"""A column of a promptfoo table: one provider with one prompt, which is one measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from evidence.evals.foreign.collected import Collected
from evidence.evals.foreign.texts import (
    count_in,
    number_in,
    object_in,
    short_name,
)
from evidence.evals.measurements import Measurement, Said, StatedTotal
from evidence.statistics import Plan

SUCCESS: Final = "success"
SCORE: Final = "score"


@dataclass(slots=True)
class Column:
    """One provider with one prompt."""

    provider: str
    prompt: str
    collected: Collected
    stated: Mapping[str, Any] = field(default_factory=dict)  # `metrics` of the prompt
    passed: int = 0  # as promptfoo counts: what nothing was asked of passes
    failed: int = 0
    errors: int = 0
    unasserted: int = 0
    weights: dict[str, set[float]] = field(default_factory=dict)  # of each named metric, as rows weigh it

    def measurement(self, key: str, said: Said, repeat: int | None) -> Measurement:
        self.collected.key = key
        self._state_totals()
        epochs = repeat or self.collected.least_attempts
        return self.collected.measurement(replace(said, plan=Plan(epochs=max(1, epochs))))

    def _state_totals(self) -> None:
        stated, kept = self.stated, self.collected
        kept.state_count(SUCCESS, "testPassCount", stated.get("testPassCount"), self.passed)
        kept.state_count(SUCCESS, "testFailCount", stated.get("testFailCount"), self.failed)
        kept.state_count(SUCCESS, "testErrorCount", stated.get("testErrorCount"), self.errors)
        sums, counts = object_in(stated.get("namedScores")), object_in(stated.get("namedScoresCount"))
        weights = object_in(stated.get("namedScoreWeights"))
        for name, total in sums.items():
            kept.totals.append(self._named_total(name, number_in(total), weights.get(name), counts.get(name)))
        if (total := number_in(stated.get("score"))) is not None:
            kept.totals.append(StatedTotal(SCORE, "score (sum)", total))

    def _named_total(self, name: str, total: float | None, weight: object, count: object) -> StatedTotal:
        """Return a named total as a mean where the file says by what to divide it: never by the count."""
        by = number_in(weight)
        if total is None or not by:
            return StatedTotal(short_name(name), "namedScores (sum)", total, n=count_in(count))
        alike = len(self.weights.get(name, ())) == 1
        return StatedTotal(
            short_name(name), "namedScores / namedScoreWeights", total / by, n=count_in(count), is_mean=alike
        )
