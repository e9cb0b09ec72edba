"""How a measurement becomes a verdict. Pure: the same rule and facts give the same verdict anywhere.

In this order, and the first that applies decides:

1. nothing was ever observed, or too little: `insufficient`;
2. enough was observed, but not recently enough: `stale`;
3. the facts cannot be a pass whatever their value (wrong versions, unscored samples, another unit): `insufficient`;
4. the unfavourable bound reaches the threshold: `met`;
5. the favourable bound misses it: `not_met`, known not to hold;
6. the threshold lies between the bounds, so too little was observed to tell: `insufficient`, with what would settle it.

The unfavourable bound is the lower one for "at least", the upper one for "at most". Each bound is one-sided and takes
all that is missing to have come out on its own side (`evidence.statistics`). A criterion with slices takes the worst
verdict among the whole and each slice.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from evidence.binder.files import RequirementStatus
from evidence.evals.contracts import Direction
from evidence.statistics import End, judge_bounds, more_units
from evidence.statistics.numerics import SIGNIFICANT
from evidence.vocabulary import CriterionVerdict as Verdict
from requirements.checks.contracts import Measured, Obstacle
from requirements.drafts import Comparator
from requirements.freshness import oldest_allowed

# Worst first. What is known to fail outranks what is not known; everything outranks a pass.
SEVERITY: Final = (
    Verdict.NOT_MET,
    Verdict.STALE,
    Verdict.INSUFFICIENT,
    Verdict.NOT_ASSESSED,
    Verdict.MET,
)

_BETTER: Final = {Comparator.AT_LEAST: Direction.HIGHER, Comparator.AT_MOST: Direction.LOWER}
_DIGITS: Final = 4  # that a sentence tells of a number
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
            f"{recent.n_observed} observations{_origins(recent)}, at least {max(rule.min_n, 1)} are needed"
            f"{_missing(recent)}{_waiting(recent)}{why}",
            code_of(recent.obstacles[0]) if recent.obstacles else "too_few_observations",
        )
    obstacles = [*recent.obstacles, *_misfits(rule, recent)]
    if obstacles:
        detail = "cannot count as a pass: " + "; ".join(obstacles)
        return Judgement(Verdict.INSUFFICIENT, detail, code_of(obstacles[0]))
    return _compare(rule, recent)


def judge_growing(rule: Rule, whole: Measured, recent: Measured | None) -> Judgement:
    """Judge evidence that arrives while gates are asked: all of it decides, and its newest part may only keep from it.

    Bounds that hold at all looks together hold over all that came, and not over a window from which old observations
    go: of windows without end one passes at last. So the age limit asks how much of the evidence is recent, and that
    the recent part does not speak against it.

    Args:
        whole: over all observations.
        recent: over what is not older than the criterion allows; None where there is no limit.
    """
    judged = judge(rule, whole, None)
    if recent is None or whole.n_observed < max(rule.min_n, 1):
        return judged
    if recent.n_observed < max(rule.min_n, 1):
        return judge(rule, recent, whole)
    if judged.verdict is Verdict.MET and _end_of(rule, recent) is End.FAIL:
        detail = f"met over all observations, and the recent ones speak against it: {_compare(rule, recent).detail}"
        return Judgement(Verdict.INSUFFICIENT, detail, "recently_worse")
    return judged


def code_of(obstacle: str) -> str:
    """Return the code of an obstacle; of a sentence that carries none, that it cannot count."""
    return obstacle.code if isinstance(obstacle, Obstacle) else "cannot_count"


def worst(judgements: Iterable[Judgement]) -> Judgement:
    """Return the judgement that decides where each has to hold. Raises `ValueError` when there are none."""
    return min(judgements, key=lambda judgement: SEVERITY.index(judgement.verdict))


def misses(rule: Rule, measured: Measured) -> bool:
    """Whether the bounds miss the threshold, whatever keeps what was measured from counting."""
    return _end_of(rule, measured) is End.FAIL


def short_of(rule: Rule, measured: Measured) -> float:
    """Return how far the unfavourable bound is from the threshold where it is too little that is known; else 0."""
    if _end_of(rule, measured) is not End.INSUFFICIENT:
        return 0.0
    bound = measured.low if rule.comparator is Comparator.AT_LEAST else measured.high
    return math.inf if bound is None else abs(bound - rule.threshold)


def without_approval(judgement: Judgement, version: str, state: str) -> Judgement:
    """Return a judgement as it counts where its requirement version is not approved: it is no pass.

    Args:
        version: in words, "r v1".
        state: of the version, "superseded".
    """
    if judgement.verdict is not Verdict.MET:
        return judgement
    detail = f"{version} is {state}, not approved; measured: {judgement.detail}"
    return Judgement(Verdict.NOT_ASSESSED, detail, "not_approved")


def judge_later(
    stored: Judgement, *, observed_to: datetime | None, max_age_days: int | None, as_of: datetime
) -> Judgement:
    """Return a stored judgement as it stands later: a pass whose evidence has become too old since is stale."""
    if stored.verdict is not Verdict.MET or max_age_days is None:
        return stored
    if observed_to is not None and observed_to >= oldest_allowed(as_of, max_age_days):
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
    compared = measured.counts.compared
    reasons = [f"{n} {reason}" for reason, n in sorted(measured.missing.items())]
    if compared:
        missing = sorted(compared["baseline"]["missing"].items())
        reasons += [f"{n} {reason} of the baseline" for reason, n in missing]
    return f" (missing, which counts against it: {', '.join(reasons)})" if reasons else ""


def _origins(measured: Measured) -> str:
    """Say how many observations came from each origin, where that matters."""
    if not measured.origins:
        return ""
    return f" ({', '.join(f'{n} {origin}' for origin, n in sorted(measured.origins.items()))})"


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
    if measured.value is None or (measured.low is None and measured.high is None):
        return Judgement(Verdict.INSUFFICIENT, "the observations allow no interval", "no_interval")
    end = _end_of(rule, measured)
    value, low, high = (_told(each, rule.threshold) for each in (measured.value, measured.low, measured.high))
    numbers = (
        f"value {value}, lower bound {low}, upper bound {high}, each at "
        f"{measured.bound_confidence:.4g} one-sided{_look(measured)}, {_counted(measured)}{_origins(measured)}"
        f"{_missing(measured)}; "
        f"asked: {_WORDS[rule.comparator]} {rule.threshold:.{SIGNIFICANT}g} {rule.unit}"
    )
    if end is End.INSUFFICIENT:
        detail = f"too little to tell: {numbers}{_say_what_settles(rule, measured)}{_say_which_way(rule, measured)}"
        return Judgement(Verdict.INSUFFICIENT, detail, "too_few_to_tell")
    if end is End.PASS:
        return Judgement(Verdict.MET, numbers, "met")
    return Judgement(Verdict.NOT_MET, numbers, "not_met")


def _end_of(rule: Rule, measured: Measured) -> End:
    higher = rule.comparator is Comparator.AT_LEAST
    return judge_bounds(measured.low, measured.high, rule.threshold, higher_is_better=higher)


def _look(measured: Measured) -> str:
    """Say which of the planned looks this is, where more than one is, or that the bounds hold at any number."""
    look = measured.look
    if measured.estimate and measured.estimate.method == "betting":
        return " at all looks together"
    return f" (look {look['number']} of {look['planned']})" if look and look["planned"] > 1 else ""


def _told(number: float | None, threshold: float) -> str:
    """Return a number in four digits, or in as many more as it takes to be seen on its own side of the threshold."""
    if number is None:
        return "unknown"
    side = (number > threshold) - (number < threshold)
    told = (f"{number:.{digits}g}" for digits in range(_DIGITS, SIGNIFICANT + 1))
    return next(
        (text for text in told if (float(text) > threshold) - (float(text) < threshold) == side),
        f"{number:.17g}",
    )


def _counted(measured: Measured) -> str:
    """Say how many units of what there are, of how many observations, and how many of those do not count yet."""
    counts = measured.counts
    if measured.n_units == measured.n:
        told = f"n {measured.n}"
    elif counts.units:
        told = f"n {measured.n_units} units ({counts.units}) of {measured.n} {counts.observations}"
    else:
        told = f"n {measured.n} in {measured.n_units} units"
    return f"{told}{_compared(measured)}{_waiting(measured)}"


def _compared(measured: Measured) -> str:
    """Say how many items either run has, where two are compared."""
    compared = measured.counts.compared
    if compared is None:
        return ""
    return f" ({compared['release']['n']} of this release, {compared['baseline']['n']} of the baseline)"


def _waiting(measured: Measured) -> str:
    waiting = measured.counts.waiting
    return f" ({waiting} more wait until their unit is complete)" if waiting else ""


def tends_to_pass(rule: Rule, measured: Measured) -> bool | None:
    """Whether as many more units as would settle it would show that it is met; None where no number of units would."""
    estimate = measured.estimate
    if estimate is None or more_units(estimate, rule.threshold) is None:
        return None
    return (estimate.value > rule.threshold) is (rule.comparator is Comparator.AT_LEAST)


def missing_could_decide(rule: Rule, measured: Measured) -> bool:
    """Whether what is missing could put the value on either side of the threshold, however much more is observed."""
    estimate = measured.estimate
    if estimate is None or not measured.n_missing:
        return False
    return (
        estimate.worst is None or estimate.best is None or estimate.worst <= rule.threshold <= estimate.best
    )


def _say_which_way(rule: Rule, measured: Measured) -> str:
    """Say what would come out, where a reader would otherwise take more of the same for a way to pass."""
    return ": as not met, if they come out like these" if tends_to_pass(rule, measured) is False else ""


def _say_what_settles(rule: Rule, measured: Measured) -> str:
    """Say what more it would take, were the truth what was observed."""
    estimate = measured.estimate
    if estimate is None:
        return ""
    more = more_units(estimate, rule.threshold)
    if more is not None:
        labelled = "labelled " if measured.judge and measured.judge["decides"] else ""
        return f"; about {more:,} more {labelled}units would settle it"
    n_missing = measured.n_missing
    return (
        f"; the {n_missing} that are missing could decide it" if missing_could_decide(rule, measured) else ""
    )
