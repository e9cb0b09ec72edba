"""How sure a batch of tests has to be of itself, so that of all that a sequence of batches finds few are not there.

Whoever asks again and again finds something by chance. Here each batch has an alpha of its own, known before it is
looked at: what it finds is decided once, and no later batch changes it. Batches that find nothing, or broke off, spend
theirs too; each find lets later batches spend more.

Method: T. Zrnic, D. L. Jiang, A. Ramdas and M. I. Jordan, "The Power of Batching in Multiple Hypothesis Testing",
AISTATS 2020, section 5 (Batch-PRDS): within a batch Benjamini and Hochberg's procedure at the batch's alpha, on average
at most `alpha` of what is found is not there, where p-values do not oppose each other within a batch and between them
(positive regression dependence). Shares of alpha fall as t^-1.6, the authors' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evidence.statistics.multiplicity import adjust_benjamini_hochberg

_FALL: Final = 1.6
_FIRST: Final = 0.4374901658  # 1 / zeta(1.6): all shares together are 1


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of a batch: how many tests it made, of which how many found something."""

    tests: int
    found: int


def alpha_of_next(before: Sequence[Batch], tests: int, *, alpha: float) -> float:
    """Return the level at which the next batch tests, in (0, 1).

    Args:
        before: the batches before it, in their order; one that broke off has found nothing.
        tests: how many tests it makes, at least one.
        alpha: on average at most this share of all that is found is not there, in (0, 1).

    Raises:
        ValueError: a number is out of its range.
    """
    if tests < 1:
        raise ValueError("a batch makes at least one test")
    if not 0 < alpha < 1:
        raise ValueError("alpha lies between 0 and 1")
    share = _FIRST / (len(before) + 1) ** _FALL
    return min(alpha, alpha * share * (tests + sum(batch.found for batch in before)) / tests)


def find_in_batch(p_values: Sequence[float], level: float) -> list[bool]:
    """Return which tests of a batch find something at its level, by Benjamini and Hochberg's procedure.

    Raises:
        ValueError: a p-value is outside [0, 1].
    """
    return [q <= level for q in adjust_benjamini_hochberg(p_values)]
