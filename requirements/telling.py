"""What a gate tells of a criterion beside the sentence: its code, its numbers, its runs, and what would settle it.

Pure: it says again what was measured and judged (`requirements.verdicts`), and decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from evidence.gate_reasons import CriterionTold, Numbers, Settling
from evidence.reason_words import OF_CRITERION, Settles, Shows, in_english
from evidence.statistics import more_units
from evidence.vocabulary import CriterionVerdict as Verdict
from requirements.checks.contracts import Measured
from requirements.drafts import Comparator
from requirements.verdicts import Judgement, Rule, missing_could_decide, tends_to_pass

# What to do about what more observations alone do not change, by code; docs/reference/gate-reasons.md shows it.
SETTLED_BY: Final[Mapping[str, str]] = {code: words.settles for code, words in OF_CRITERION.items()}

CANNOT_COUNT: Final = "cannot_count"  # of whatever keeps a measurement from counting, where no more is known
# How the sentence of a judgement opens (`requirements.verdicts`, `services.assessment`), by its code.
_OPENINGS: Final[Mapping[str, str]] = {
    "too_few_to_tell": "too little to tell: ",
    "too_few_observations": r"\d+ observations[^;]*, at least \d+ are needed[^;]*$",
    "too_old": r"only \d+ of \d+ observations are recent enough",
    "no_interval": "the observations allow no interval$",
    "recently_worse": "met over all observations, and the recent ones speak against it: ",
    CANNOT_COUNT: r"cannot count as a pass: |\d+ observations.*, at least \d+ are needed.*; ",
    "no_check": "this version of the product has no check ",
    "unresolved": "the criterion and the release belong to different systems$",
    "bad_parameters": "the check .* does not take what is stored: ",
}
# What settles these is no further look, or says itself how one becomes allowed.
_NEEDS_NO_LOOK: Final = frozenset({"beyond_plan", "not_met", "judge_uncalibrated", "too_few_labels"})

# How the sentence begins where a slice decides: "in language=en, risk_tier=high: ".
_SLICE: Final = re.compile(
    r"^in ([^ =]+=.*?): (?=(?:value|too little|cannot|only|met over|the observations|\d+ obs))"
)


def slice_in(detail: str) -> str:
    """Return the slice that decided, as the stored sentence names it: "language=en"; empty where the whole did."""
    found = _SLICE.match(detail)
    return found[1] if found else ""


def tell(
    rule: Rule, measured: Measured, judgement: Judgement, where: Mapping[str, str] | None = None
) -> CriterionTold:
    """Return what is told of a criterion, by the part of it that decides.

    Args:
        where: the slice that decides; None or empty: the whole.
    """
    runs = measured.runs
    return {
        "code": judgement.code,
        "measured": _numbers(rule, measured, where or {}),
        "runs": list(runs.used) if runs else [],
        "passed_over": list(runs.passed_over) if runs else [],
        "would_settle": settle(judgement, measured, rule),
    }


def tell_unmeasured(judgement: Judgement) -> CriterionTold:
    """Return what is told of a criterion that was not measured."""
    return {
        "code": judgement.code,
        "measured": None,
        "runs": [],
        "passed_over": [],
        "would_settle": _do(judgement.code),
    }


def settle(judgement: Judgement, measured: Measured, rule: Rule) -> Settling | None:
    """Return what would settle a criterion: more of the same, or something to do; None where it is met."""
    if judgement.verdict is Verdict.MET:
        return None
    look, by_labels = measured.look, measured.judge is not None and measured.judge["decides"]
    has_room = look is None or look["number"] < look["planned"]
    settles = Settles(
        judgement.code,
        _how_many_more(judgement, measured, rule),
        by_labels=by_labels,
        shows=_what_more_shows(rule, measured) if judgement.code == "too_few_to_tell" else Shows.ENOUGH,
        beyond_plan=not has_room and judgement.code not in _NEEDS_NO_LOOK,
    )
    return {"more_units": settles.more_units, "detail": in_english(settles)}


def _how_many_more(judgement: Judgement, measured: Measured, rule: Rule) -> int | None:
    """Return how many more observations are needed, or about how many more units would tell."""
    if judgement.code == "too_few_observations":
        return max(rule.min_n, 1) - measured.n_observed
    if judgement.code == "too_few_to_tell" and measured.estimate:
        return more_units(measured.estimate, rule.threshold)
    return None


def _what_more_shows(rule: Rule, measured: Measured) -> Shows:
    """Return what more of the same would show."""
    if tends_to_pass(rule, measured) is False:
        return Shows.NOT_MET
    return Shows.NOTHING if missing_could_decide(rule, measured) else Shows.ENOUGH


def code_in(verdict: str, detail: str) -> str:
    """Return the code of a stored assessment, which keeps the sentence alone; empty where it is not to be read from it.

    An obstacle is told by whoever found it, in words of their own: of those it is told that it cannot count.
    """
    said = _SLICE.sub("", detail)
    if said.startswith("value ") and verdict in (Verdict.MET, Verdict.NOT_MET):
        return str(verdict)
    return next((code for code, opening in _OPENINGS.items() if re.match(opening, said)), "")


def bound_of(rule: Rule, measured: Measured) -> float | None:
    """Return the end of the interval that is compared with the threshold: the unfavourable one."""
    return measured.high if rule.comparator is Comparator.AT_MOST else measured.low


def _do(code: str) -> Settling:
    return {"more_units": None, "detail": in_english(Settles(code))}


def _numbers(rule: Rule, measured: Measured, where: Mapping[str, str]) -> Numbers:
    numbers: Numbers = {
        "where": dict(where),
        "value": measured.value,
        "low": measured.low,
        "high": measured.high,
        "bound": bound_of(rule, measured),
        "bound_confidence": measured.bound_confidence,
        "comparator": rule.comparator.value,
        "threshold": rule.threshold,
        "unit": rule.unit,
        "method": measured.estimate.method if measured.estimate else "",
        "n_units": measured.n_units,
        "n_observations": measured.n,
        "units_of": measured.counts.units,
        "observations_of": measured.counts.observations,
        "n_waiting": measured.counts.waiting,
        "missing": dict(measured.missing),
        "look": measured.look,
    }
    if measured.judge is not None:
        numbers["judge"] = measured.judge
    if measured.counts.compared is not None:
        numbers["compared"] = measured.counts.compared
    return numbers
