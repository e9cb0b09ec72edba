"""Two stored eval runs beside each other, metric by metric. Nothing is stored: the same two runs answer the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from evidence.errors import EvidenceError, InvalidInput
from evidence.evals.contracts import Direction
from evidence.evals.observations import UNIT_DIMENSIONS, item_of, units_of
from evidence.models import EvalRun, EvalScore, Retraction
from evidence.nearest import hint_at, nearest_name
from evidence.statistics.comparison import Comparison, Mismatch, Observation, Scale, compare, find_mismatches
from evidence.worded import SEMICOLON, Coded, Worded, joined, worded

LARGEST = 1e150  # of a value: sums of squares are numbers up to it
BETTER_WORDS: Final = {Direction.HIGHER: worded("higher"), Direction.LOWER: worded("lower")}
_UNIT_OF_SHARES = "share"  # the one unit of which we know the ends: 0 and 1


class RunsNotComparable(EvidenceError):
    """A difference between the two runs could be one of the instruments."""

    code: ClassVar[str] = "runs_not_comparable"
    http_status: ClassVar[int] = 409
    title: ClassVar[str] = "These runs cannot be compared"


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One metric of both runs."""

    metric: str
    unit: str
    higher_is_better: bool
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs, and what both measured."""

    baseline: EvalRun
    candidate: EvalRun
    metrics: tuple[MetricComparison, ...]  # by name
    unshared: tuple[str, ...]  # metrics of one run alone, sorted


def compare_runs(
    baseline: EvalRun, candidate: EvalRun, *, metric: str | None = None, margin: float | None = None
) -> RunComparison:
    """Return what can be said of a candidate run beside a baseline run.

    Args:
        metric: the only one to compare; all that both have, unless said.
        margin: how much worse is not worse yet, in the unit of each metric.

    Raises:
        RunsNotComparable: evaluator, dataset or a metric's judge, unit or direction differ, or a run was retracted or
            did not succeed.
        InvalidInput: both are one run, values are too large to compare, or the runs share no metric, or not the one
            that was asked for, or the margin is not above 0, or not below 1 for a share.
    """
    if baseline == candidate:
        raise InvalidInput(
            worded(
                "%(candidate)s is compared with itself, and never worse: name another run to compare "
                "it with.",
                candidate=candidate,
            )
        )
    _check_comparable(baseline, candidate)
    if margin is not None and not 0 < margin < math.inf:
        raise InvalidInput(worded("A margin is a number above 0, not %(given)s.", given=margin))
    old, new = _scores(baseline), _scores(candidate)
    shared = sorted(old.keys() & new.keys())
    if metric is not None and metric not in shared:
        raise InvalidInput(
            worded(
                "The runs do not both have %(metric)s: %(hint)s",
                metric=repr(metric),
                hint=hint_at(nearest_name(metric, shared)),
            )
        )
    if not shared:
        raise InvalidInput(worded("The runs have no metric in common."))
    names = shared if metric is None else [metric]
    compared = tuple(
        _compare_metric(baseline, candidate, _common(old[name], new[name]), margin) for name in names
    )
    return RunComparison(baseline, candidate, compared, tuple(sorted(old.keys() ^ new.keys())))


def _compare_metric(
    baseline: EvalRun, candidate: EvalRun, score: EvalScore, margin: float | None
) -> MetricComparison:
    old, new = (observations_of(run, score.metric) for run in (baseline, candidate))
    if any(abs(each.value) > LARGEST for each in (*old, *new) if each.value is not None):
        raise InvalidInput(
            worded(
                "Values of %(metric)s are beyond %(largest)s, where squares are no numbers any more: "
                "state the metric in a larger unit.",
                metric=score.metric,
                largest=f"{LARGEST:g}",
            )
        )
    scale = scale_of(score, (*old, *new))
    if margin is not None and scale.span is not None and margin >= scale.span:
        raise InvalidInput(
            worded(
                "Each candidate is within %(margin)s of its baseline: %(metric)s is a share, and a "
                "margin of it lies between 0 and 1, 0.05 for five percentage points. Name the metric "
                "that the margin is for.",
                margin=f"{margin:g}",
                metric=score.metric,
            )
        )
    found = compare(old, new, scale, margin=margin)
    return MetricComparison(score.metric, score.unit, scale.higher_is_better, found)


def scale_of(score: EvalScore, observations: Sequence[Observation]) -> Scale:
    """Return what the values of a metric mean: their ends, where they are shares, and which is the better one.

    Runs from before shares had to stay in [0, 1] may leave it; the ends are then not known.
    """
    within = all(0 <= each.value <= 1 for each in observations if each.value is not None)
    ends = (0.0, 1.0) if score.unit == _UNIT_OF_SHARES and within else (None, None)
    return Scale(score.direction == Direction.HIGHER, *ends)


def _check_comparable(baseline: EvalRun, candidate: EvalRun) -> None:
    mismatches = find_mismatches(_versions(baseline), _versions(candidate))
    reasons = [_say(mismatch) for mismatch in mismatches]
    retracted = Retraction.objects.filter(run__in=[baseline, candidate]).values_list(
        "run__run_key", flat=True
    )
    reasons += [worded("run %(run_key)s was retracted", run_key=key) for key in sorted(retracted)]
    unfinished = [run for run in (baseline, candidate) if run.status != EvalRun.Status.SUCCESS]
    reasons += [
        worded("run %(run_key)s ended as %(status)s", run_key=run.run_key, status=Coded(run.status))
        for run in unfinished
    ]
    if reasons:
        raise RunsNotComparable(
            worded(
                "Not compared: %(reasons)s. Compare two successful runs of the same versions.",
                reasons=joined(reasons, SEMICOLON),
            )
        )


def _versions(run: EvalRun) -> dict[str, str]:
    return {"evaluator": run.evaluator.digest, "dataset": run.dataset.digest}


def _say(mismatch: Mismatch) -> Worded:
    return worded(
        "the %(kind)s of the baseline is %(baseline)s, that of the candidate %(candidate)s",
        kind=Coded(mismatch.kind),
        baseline=_shown(mismatch.baseline),
        candidate=_shown(mismatch.candidate),
    )


def _shown(digest: str | None) -> str:
    return digest[:12] if digest else worded("none")


def _scores(run: EvalRun) -> dict[str, EvalScore]:
    """Return the scores over the whole run by metric."""
    return {score.metric: score for score in run.scores.filter(slice={}).select_related("judge")}


def _common(old: EvalScore, new: EvalScore) -> EvalScore:
    """Return the metric of both runs, which must mean the same, and be by the same judge if by any."""
    if old.judge_id != new.judge_id:
        raise RunsNotComparable(
            worded(
                "Not compared: the judge of %(metric)s in the baseline is %(was)s, that in the candidate "
                "%(now)s. Compare two runs by the same judge.",
                metric=old.metric,
                was=_shown(old.judge.digest if old.judge else None),
                now=_shown(new.judge.digest if new.judge else None),
            )
        )
    if (old.unit, old.direction) != (new.unit, new.direction):
        was, now = (
            worded(
                "%(unit)s, %(direction)s is better",
                unit=each.unit,
                direction=BETTER_WORDS[Direction(each.direction)],
            )
            for each in (old, new)
        )
        raise RunsNotComparable(
            worded(
                "%(metric)s is %(was)s and %(now)s: two things of one name. Rename one.",
                metric=old.metric,
                was=was,
                now=now,
            )
        )
    return new


def observations_of(
    run: EvalRun, metric: str, where: Mapping[str, str] | None = None
) -> Sequence[Observation]:
    """Return the samples of a run, or of one slice of it, under one metric; one that does not have it has no score.

    Attempts at one item (`ITEM#ATTEMPT`) are attempts here, too, and samples of one trace or conversation depend on
    each other, as a criterion counts them. What says so (`item`, `conversation`) is no slice.
    """
    rows = list(
        run.samples.order_by("sample_id", "pk").values_list(
            "sample_id", "metric", "value", "trace_id", "slice"
        )
    )
    units = units_of((sample_id, trace.hex if trace else None, part) for sample_id, _, _, trace, part in rows)
    found: dict[str, Observation] = {}
    for sample_id, of, value, _, dimensions in rows:
        slices = tuple(
            f"{name}={each}" for name, each in sorted(dimensions.items()) if name not in UNIT_DIMENSIONS
        )
        if where and not where.items() <= dimensions.items():
            continue
        if of == metric or sample_id not in found:
            scored = value if of == metric else None
            found[sample_id] = Observation(item_of(sample_id), scored, units[sample_id], slices)
    return list(found.values())
