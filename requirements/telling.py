"""What a gate tells of a criterion beside the sentence: its code, its numbers, its runs, and what would settle it.

Pure: it says again what was measured and judged (`requirements.verdicts`), and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from evidence.gate_reasons import CriterionTold, Numbers, Settling
from evidence.statistics import more_units
from evidence.vocabulary import CriterionVerdict as Verdict
from requirements.checks.contracts import Measured
from requirements.drafts import Comparator
from requirements.verdicts import Judgement, Rule, missing_could_decide, tends_to_pass

_RUN_AGAIN: Final = "run the suite on this release again and post what it gives"
_PUT_RIGHT: Final = "put right what the reason names"
# What to do about what more observations alone do not change, by code; docs/reference/gate-reasons.md shows it.
SETTLED_BY: Final[Mapping[str, str]] = {
    "no_run": "run the suite on this release and post what it gives",
    "all_retracted": _RUN_AGAIN,
    "file_refused": "put the file right, as the answer to it says, and post it again",
    "run_invalidated": "run the suite again: the runner's own people said that this run is not to be used",
    "run_not_ended": "run the suite again until it ends, or have this run retracted by two people",
    "metric_absent": "post a run of the suite that has the metric, or have this run retracted by two people",
    "suite_unregistered": "have an approver register the version, or run the suite with one that is registered",
    "evaluator_unregistered": "have an approver register the version, or run the suite with one that is registered",
    "judge_unregistered": "have an approver register the version, or run the suite with one that is registered",
    "dataset_unregistered": "have an approver register the version, or run the suite with one that is registered",
    "suite_differs": "run the suite in the version that the criterion names",
    "evaluator_differs": "run the suite with the evaluator that the criterion names",
    "judge_differs": "run the suite with the judge that the criterion names",
    "judge_absent": "say in the file which judge gave the metric (`judge`), and post the run under a new run key",
    "judge_uncorrectable": "have the criterion changed, or more samples scored: only a mean of values in [0, 1] is "
    "corrected by labels, of which no more is missing than is there",
    "judge_uncalibrated": "have people label answers of the run, in the order in which they are drawn",
    "too_few_labels": "have people label more answers of the run, in the order in which they are drawn",
    "agreement_too_low": "have the judge improved, and run the suite with it again",
    "dataset_differs": "run the suite on the dataset that the criterion names",
    "no_model_pinned": "freeze a release that pins its model",
    "model_differs": "run the suite on the model that the release pins",
    "run_expired": _RUN_AGAIN,
    "beyond_plan": "have a new version of the requirement approved whose `planned_runs` counts the runs so far too",
    "posted_by_builder": "have somebody who did not build the release run the suite and post it",
    "dataset_by_builder": "have somebody who did not build the release register a dataset, and run the suite on it",
    "order_unclear": _RUN_AGAIN,
    "run_empty": _RUN_AGAIN,
    "all_rejected": "put the samples right, as the answer to the file says, and post them under a new run key",
    "nothing_scored": "see to it that the evaluator ends, and run the suite again",
    "samples_missing": "see to it that each sample is scored, and run the suite again",
    "dataset_smaller": "run the suite on the whole dataset, or have the run with more items retracted by two people",
    "dataset_larger": "name attempts at one item ITEM#ATTEMPT, or say how many samples the dataset has "
    "(`dataset.samples`), and post the run under a new run key",
    "dataset_unsized": "say in the file how many samples the dataset has (`dataset.samples`), and post it again",
    "dimension_absent": "run the suite with samples that state the dimension",
    "slice_absent": "run the suite with samples of each value that the criterion expects",
    "slice_too_small": "run the suite with more samples of that slice",
    "too_many_slices": "have the criterion changed: a dimension with so many values is no slice",
    "no_baseline": "have the criterion changed: it names no other release of the system",
    "not_comparable": "run the suite on both releases with the same evaluator, dataset and judge",
    "ratings_all_alike": "have advice judged of which some is wrong: where all is alike, agreement shows nothing",
    "mean_doubtful": "see to it that each sample is scored, or ask for a percentile or a share instead of the mean",
    "pin_unregistered": "register the versions that the release pins",
    "unit_differs": "have the criterion changed: it asks in another unit than the metric has",
    "direction_differs": "have the criterion changed: it asks for the other direction than the metric has",
    "too_old": "measure again: what was observed is too old",
    "recently_worse": "find what changed: the recent observations alone show that it is not met",
    "not_approved": "have the requirement version approved",
    "unresolved": "have the gate changed, or what it names put on record",
    "bad_parameters": "have a new version of the requirement approved whose parameters the check takes",
    "no_check": "install a version of the product that has the check",
    "not_met": "make a release that meets it, or have a second person waive it",
    "too_few_observations": "more observations: the reason says how many",
    "too_few_to_tell": "more observations: about how many, the reason says",
    "no_interval": "more observations than one",
    "beyond_numbers": "state the metric in a larger unit, and post the run under a new run key",
    "cannot_count": _PUT_RIGHT,
}

# What settles these is no further look, or says itself how one becomes allowed.
_NEEDS_NO_LOOK: Final = frozenset({"beyond_plan", "not_met", "judge_uncalibrated", "too_few_labels"})


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
    settling, look = _settle(judgement, measured, rule), measured.look
    if judgement.code == "too_few_to_tell":
        settling = {**settling, "detail": f"{settling['detail']}{_say_what_more_shows(rule, measured)}"}
    has_room = look is None or look["number"] < look["planned"]
    if has_room or judgement.code in _NEEDS_NO_LOOK:
        return settling
    further = "more labels or a run" if measured.judge and measured.judge["decides"] else "a run"
    first = f"for {further} more than planned, first {SETTLED_BY['beyond_plan']}"
    return {**settling, "detail": f"{settling['detail']}; {first}"}


def _settle(judgement: Judgement, measured: Measured, rule: Rule) -> Settling:
    if judgement.code == "too_few_observations":
        n = max(rule.min_n, 1) - measured.n_observed
        return {"more_units": n, "detail": f"at least {n} more observations"}
    if judgement.code == "too_few_to_tell":
        more = more_units(measured.estimate, rule.threshold) if measured.estimate else None
        by_labels = measured.judge is not None and measured.judge["decides"]
        what, otherwise = ("labelled units", "more labels") if by_labels else ("units", "more observations")
        return {"more_units": more, "detail": f"about {more:,} more {what} like these" if more else otherwise}
    return _do(judgement.code)


def _say_what_more_shows(rule: Rule, measured: Measured) -> str:
    """Say what more of the same would show, where that is not that the criterion is met."""
    if tends_to_pass(rule, measured) is False:
        return ", which would show that it is not met"
    return (
        " do not settle it: see to it that each sample is scored"
        if missing_could_decide(rule, measured)
        else ""
    )


def bound_of(rule: Rule, measured: Measured) -> float | None:
    """Return the end of the interval that is compared with the threshold: the unfavourable one."""
    return measured.high if rule.comparator is Comparator.AT_MOST else measured.low


def _do(code: str) -> Settling:
    return {"more_units": None, "detail": SETTLED_BY.get(code, _PUT_RIGHT)}


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
