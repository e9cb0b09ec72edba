"""How a measurement becomes a verdict. Pure: the same rule, threshold and facts give the same verdict
anywhere.

In this order, and the first that applies decides:

1. nothing was ever observed, or too little: `insufficient`;
2. enough was observed, but not recently enough: `stale`;
3. the facts cannot be a pass whatever their value (wrong versions, unscored samples, another unit):
`insufficient`; 4. the bound reaches the threshold: `met`;
5. the value itself misses the threshold: `not_met`;
6. the value reaches it and the bound does not, so too few observations were made to tell: `insufficient`.

The bound is the one on the unfavourable side: the lower one for "at least", the upper one for "at most". A
criterion with slices takes the worst verdict among the whole and each slice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from requirements.checks.contracts import Measured

Verdict = Literal["met", "not_met", "insufficient", "stale", "not_assessed"]

# Worst first. What is known to fail outranks what is not known; everything outranks a pass.
SEVERITY: tuple[Verdict, ...] = ("not_met", "stale", "insufficient", "not_assessed", "met")

_BETTER = {"at_least": "higher", "at_most": "lower"}
_WORDS = {"at_least": "at least", "at_most": "at most"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a criterion asks of a measurement."""

    comparator: Literal["at_least", "at_most"]
    threshold: float  # in `unit`
    unit: str
    min_n: int  # observations


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and why, in words."""

    verdict: Verdict
    detail: str


def judge(rule: Rule, recent: Measured, ever: Measured | None) -> Judgement:
    """Judge one measurement.

    Args:
        recent: over what is not older than the criterion allows.
        ever: without an age limit, which tells stale from insufficient; None where there is no limit.
    """
    if recent.n < max(rule.min_n, 1):
        if ever is not None and ever.n >= max(rule.min_n, 1):
            seen = f"; the last was on {ever.observed_to:%Y-%m-%d}" if ever.observed_to else ""
            return Judgement("stale", f"only {recent.n} of {ever.n} observations are recent enough{seen}")
        return Judgement("insufficient", f"{recent.n} observations, at least {max(rule.min_n, 1)} are needed")
    obstacles = [*recent.obstacles, *_misfits(rule, recent)]
    if obstacles:
        return Judgement("insufficient", "cannot count as a pass: " + "; ".join(obstacles))
    return _compare(rule, recent)


def worst(judgements: Iterable[Judgement]) -> Judgement:
    """Return the judgement that decides where each has to hold. Raises `ValueError` when there are none."""
    return min(judgements, key=lambda judgement: SEVERITY.index(judgement.verdict))


def _misfits(rule: Rule, measured: Measured) -> list[str]:
    found = []
    if measured.unit != rule.unit:
        found.append(f"it is measured in {measured.unit!r}, the threshold is in {rule.unit!r}")
    if measured.direction != _BETTER[rule.comparator]:
        words = _WORDS[rule.comparator]
        found.append(f"{measured.direction} is better here, which a threshold of {words!r} does not ask")
    return found


def _compare(rule: Rule, measured: Measured) -> Judgement:
    lower_wanted = rule.comparator == "at_most"
    bound = measured.high if lower_wanted else measured.low
    if measured.value is None or bound is None:
        return Judgement("insufficient", "the observations allow no interval")
    reached = bound <= rule.threshold if lower_wanted else bound >= rule.threshold
    hit = measured.value <= rule.threshold if lower_wanted else measured.value >= rule.threshold
    side = "upper" if lower_wanted else "lower"
    numbers = (
        f"value {measured.value:.4g}, {side} bound {bound:.4g} at {measured.bound_confidence:g} one-sided, "
        f"n {measured.n}; asked: {_WORDS[rule.comparator]} {rule.threshold:g} {rule.unit}"
    )
    if reached:
        return Judgement("met", numbers)
    if not hit:
        return Judgement("not_met", numbers)
    return Judgement("insufficient", f"too few observations to tell: {numbers}")
