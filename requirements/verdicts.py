"""How a measurement becomes a verdict. Pure: the same rule and facts give the same verdict anywhere.

In this order, and the first that applies decides:

1. nothing was ever observed, or too little: `insufficient`;
2. enough was observed, but not recently enough: `stale`;
3. the facts cannot be a pass whatever their value (wrong versions, unscored samples, another unit): `insufficient`;
4. the bound reaches the threshold: `met`;
5. the value itself misses the threshold: `not_met`;
6. the value reaches it and the bound does not, so too few observations were made to tell: `insufficient`.

The bound is the one on the unfavourable side: the lower one for "at least", the upper one for "at most". A
criterion with slices takes the worst verdict among the whole and each slice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from evidence.binder.files import RequirementStatus
from evidence.evals.contracts import Direction
from evidence.vocabulary import CriterionVerdict as Verdict
from requirements.checks.contracts import Measured, Obstacle
from requirements.drafts import Comparator

# Worst first. What is known to fail outranks what is not known; everything outranks a pass.
SEVERITY: Final = (
    Verdict.NOT_MET,
    Verdict.STALE,
    Verdict.INSUFFICIENT,
    Verdict.NOT_ASSESSED,
    Verdict.MET,
)

_BETTER: Final = {Comparator.AT_LEAST: Direction.HIGHER, Comparator.AT_MOST: Direction.LOWER}
_WORDS: Final = {Comparator.AT_LEAST: "at least", Comparator.AT_MOST: "at most"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a criterion asks of a measurement."""

    comparator: Comparator
    threshold: float  # in `unit`
    unit: str
    min_n: int  # observations


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and why, in words and as a code."""

    verdict: Verdict
    detail: str
    code: str = ""  # docs/reference/gate-reasons.md; empty where only the words were kept


def judge(rule: Rule, recent: Measured, ever: Measured | None) -> Judgement:
    """Judge one measurement.

    Args:
        recent: over what is not older than the criterion allows.
        ever: without an age limit, which tells stale from insufficient; None where there is no limit.
    """
    if recent.n_observed < max(rule.min_n, 1):
        if ever is not None and ever.n_observed >= max(rule.min_n, 1):
            seen = f"; the last was on {ever.observed_to:%Y-%m-%d}" if ever.observed_to else ""
            return Judgement(
                Verdict.STALE,
                f"only {recent.n_observed} of {ever.n_observed} observations are recent enough{seen}",
                "too_old",
            )
        why = "".join(f"; {obstacle}" for obstacle in recent.obstacles)
        return Judgement(
            Verdict.INSUFFICIENT,
            f"{recent.n_observed} observations, at least {max(rule.min_n, 1)} are needed{_missing(recent)}{why}",
            code_of(recent.obstacles[0]) if recent.obstacles else "too_few_observations",
        )
    obstacles = [*recent.obstacles, *_misfits(rule, recent)]
    if obstacles:
        detail = "cannot count as a pass: " + "; ".join(obstacles)
        return Judgement(Verdict.INSUFFICIENT, detail, code_of(obstacles[0]))
    return _compare(rule, recent)


def code_of(obstacle: str) -> str:
    """Return the code of an obstacle; of a sentence that carries none, that it cannot count."""
    return obstacle.code if isinstance(obstacle, Obstacle) else "cannot_count"


def worst(judgements: Iterable[Judgement]) -> Judgement:
    """Return the judgement that decides where each has to hold. Raises `ValueError` when there are none."""
    return min(judgements, key=lambda judgement: SEVERITY.index(judgement.verdict))


def judge_later(
    stored: Judgement, *, observed_to: datetime | None, max_age_days: int | None, as_of: datetime
) -> Judgement:
    """Return a stored judgement as it stands later: a pass whose evidence has become too old since is stale."""
    if stored.verdict is not Verdict.MET or max_age_days is None:
        return stored
    if observed_to is not None and observed_to >= as_of - timedelta(days=max_age_days):
        return stored
    detail = f"older than {max_age_days} days at the time of this binder; then: {stored.detail}"
    return Judgement(Verdict.STALE, detail)


def status_of(
    verdicts: Mapping[str, Verdict], *, waived: Collection[str], approved: bool
) -> RequirementStatus:
    """Return the status of a requirement that follows from its criteria, for one release.

    The offline verifier works it out again by the same rules.

    Args:
        verdicts: by the criterion's key.
        waived: keys of criteria with a waiver in force.
        approved: whether the requirement version is; nothing else can be satisfied.
    """
    unmet = {key for key, verdict in verdicts.items() if verdict is not Verdict.MET}
    if not approved:
        return RequirementStatus.NOT_ASSESSED
    if verdicts and not unmet:
        return RequirementStatus.SATISFIED
    if unmet and unmet <= set(waived):
        return RequirementStatus.WAIVED
    if Verdict.NOT_MET in verdicts.values():
        return RequirementStatus.NOT_SATISFIED
    if set(verdicts.values()) <= {Verdict.NOT_ASSESSED}:
        return RequirementStatus.NOT_ASSESSED
    return RequirementStatus.PARTIAL


def _missing(measured: Measured) -> str:
    """Say what is missing, and why: it counts against a pass."""
    if not measured.missing:
        return ""
    reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(measured.missing.items()))
    return f" (traces set aside, which count against it: {reasons})"


def _misfits(rule: Rule, measured: Measured) -> list[Obstacle]:
    found = []
    if measured.unit != rule.unit:
        sentence = f"it is measured in {measured.unit!r}, the threshold is in {rule.unit!r}"
        found.append(Obstacle("unit_differs", sentence))
    if measured.direction != _BETTER[rule.comparator]:
        words = _WORDS[rule.comparator]
        sentence = f"{measured.direction} is better here, which a threshold of {words!r} does not ask"
        found.append(Obstacle("direction_differs", sentence))
    return found


def _compare(rule: Rule, measured: Measured) -> Judgement:
    lower_wanted = rule.comparator is Comparator.AT_MOST
    bound = measured.high if lower_wanted else measured.low
    if measured.value is None or bound is None:
        return Judgement(Verdict.INSUFFICIENT, "the observations allow no interval", "no_interval")
    reached = bound <= rule.threshold if lower_wanted else bound >= rule.threshold
    hit = measured.value <= rule.threshold if lower_wanted else measured.value >= rule.threshold
    side = "upper" if lower_wanted else "lower"
    numbers = (
        f"value {measured.value:.4g}, {side} bound {bound:.4g} at {measured.bound_confidence:g} one-sided, "
        f"n {measured.n}{_missing(measured)}; asked: {_WORDS[rule.comparator]} {rule.threshold:g} {rule.unit}"
    )
    if reached:
        return Judgement(Verdict.MET, numbers, "met")
    if not hit:
        return Judgement(Verdict.NOT_MET, numbers, "not_met")
    return Judgement(Verdict.INSUFFICIENT, f"too few observations to tell: {numbers}", "too_few_to_tell")
