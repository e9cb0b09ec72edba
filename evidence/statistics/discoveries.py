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

import math
from typing import Final

_FALL: Final = 1.6
_FIRST: Final = 0.4374901658  # 1 / zeta(1.6): all shares together are 1


def level_of_batch(number: int, *, tests: int, found_before: int, alpha: float) -> float:
    """Return the level at which a batch tests, in (0, 1).

    Args:
        number: which batch of the sequence it is, the first is 1; one that broke off has a number, too.
        tests: how many tests it makes, at least one.
        found_before: how much the batches before it have found; where some have not ended yet, fewer is careful.
        alpha: on average at most this share of all that is found is not there, in (0, 1).

    Raises:
        ValueError: a number is out of its range.
    """
    if number < 1 or tests < 1 or found_before < 0:
        raise ValueError("batches are numbered from 1, make at least one test and find nothing or more")
    if not 0 < alpha < 1:
        raise ValueError("alpha lies between 0 and 1")
    return min(alpha, alpha * _FIRST / math.pow(number, _FALL) * (tests + found_before) / tests)
