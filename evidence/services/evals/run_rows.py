"""The rows beside a run's samples: its figures, remarks, the runner's own totals, and what the ledger says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from evidence.errors import InvalidInput
from evidence.evals.aggregate import AggregateScore, aggregate
from evidence.evals.contracts import VersionClaim
from evidence.evals.gathering import Gathered
from evidence.evals.observations import count_absent, count_beyond
from evidence.models import ArtefactVersion, EvalRemark, EvalRun, EvalScore, EvalTotal, Reject
from evidence.statistics import CONFIDENCE, Plan
from evidence.vocabulary import ABSENT, RejectSource
from evidence.worded import worded


def aggregate_of(gathered: Gathered) -> list[AggregateScore]:
    """Return each metric over the whole run and over each slice.

    Raises:
        InvalidInput: no number holds what the scores come to.
    """
    try:
        return aggregate(gathered, without=gathered.without)
    except OverflowError as exc:
        raise InvalidInput(worded("Scores as large as these have no spread that a number can hold.")) from exc


def score_rows(
    run: EvalRun, scores: list[AggregateScore], judges: Mapping[VersionClaim, ArtefactVersion]
) -> list[EvalScore]:
    """Return the figures of a run as rows."""
    rows = []
    for score in scores:
        estimate = score.estimate
        numbers: dict[str, Any] = {"value": None, "stderr": None, "low": None, "high": None}
        if estimate is not None:
            numbers = {name: getattr(estimate, name) for name in numbers}
        rows.append(
            EvalScore(
                run=run,
                metric=score.metric.key,
                judge=judges[score.metric.judge] if score.metric.judge else None,
                slice=dict(score.slice),
                unit=score.metric.unit,
                direction=score.metric.direction,
                n=score.n_scored,
                n_unscored=score.missing.unscored,
                n_error=score.missing.errored,
                confidence=CONFIDENCE,
                interval_method=estimate.method if estimate else "none",
                **numbers,
            )
        )
    return rows


def total_rows(run: EvalRun, gathered: Gathered) -> list[EvalTotal]:
    """Return the runner's own totals, each beside ours."""
    return [
        EvalTotal(
            run=run,
            metric=total.stated.metric,
            name=total.stated.name,
            reducer=total.stated.reducer,
            stated=total.stated.value,
            stated_n=total.stated.n,
            computed=total.computed,
            differs=total.differs,
        )
        for total in gathered.totals
    ]


def remark_rows(run: EvalRun, gathered: Gathered) -> list[EvalRemark]:
    """Return what is to be known beside the numbers."""
    return [
        EvalRemark(run=run, code=each.code, detail=each.detail, sample_id=each.sample_id or "")
        for each in gathered.remarks
    ]


def reject_rows(run: EvalRun, gathered: Gathered) -> list[Reject]:
    """Return what of a run is missing: each sample that was refused, and in one row all that is not in the file."""
    rejects = [
        _ledger_row(run, code=reject.code, detail=f"sample {reject.index}: {reject.detail}", item=reject.item)
        for reject in gathered.rejects
    ]
    return [*rejects, *_absent_rows(run, gathered)]


def _absent_rows(run: EvalRun, gathered: Gathered) -> list[Reject]:
    plan, absent, beyond = gathered.plan, count_absent(gathered), count_beyond(gathered)
    if not absent and not beyond and not plan.is_open:
        return []
    if beyond and not absent:
        said = _say_beyond(plan, beyond)
    elif plan.is_open:
        said = f"the run stopped after {plan.limit} items, and the file does not say of how many: give dataset.samples"
    else:
        said = _say_absent(plan, absent)
    item = {**asdict(plan), "absent": absent, "open": plan.is_open, **({"beyond": beyond} if beyond else {})}
    return [_ledger_row(run, code=ABSENT, detail=said, item=item)]


def _ledger_row(run: EvalRun, **told: Any) -> Reject:
    return Reject(system=run.system, source=RejectSource.EVAL_SAMPLE, source_ref=run.run_key, **told)


def _say_beyond(plan: Plan, beyond: int) -> str:
    samples = plan.samples or 0
    return (
        f"{samples + beyond} items are in the file, of a dataset of {samples}: name attempts at one item ITEM#ATTEMPT, "
        "or say how many samples the dataset has (dataset.samples)"
    )


def _say_absent(plan: Plan, absent: int) -> str:
    planned = plan.epochs * (plan.items or 0)
    many = f"{absent} of the {planned}" if absent <= planned else f"{absent}"
    how = f" ({plan.epochs} attempts at each item, each named ITEM#ATTEMPT)" if plan.epochs > 1 else ""
    return f"{many} planned samples are not in the file{how}"
