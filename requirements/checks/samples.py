"""The samples of a run under one metric, in one slice, with all that is missing of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evidence.evals.contracts import ScoreStatus
from evidence.evals.observations import Observed, count_missing, units_of
from evidence.evals.slices import slice_of_requirements
from evidence.models import EvalRun, EvalSample, Reject
from evidence.statistics import Missing
from evidence.vocabulary import ABSENT, RejectSource
from requirements.checks.contracts import Obstacle, Population


@dataclass(frozen=True, slots=True)
class Counted:
    """The samples of a run under one metric, in one slice."""

    by_id: Mapping[str, Observed]
    missing: Missing
    alone_missing: int  # of the missing, those of which nobody knows the item
    is_open: bool  # whether nobody knows how much of the dataset was left out
    beyond: int = 0  # items that the run has more than its dataset is said to have

    @property
    def is_mostly_missing(self) -> bool:
        """Whether more is missing, of items that nobody knows, than is there."""
        return self.alone_missing > len(self.by_id)

    @property
    def observed(self) -> list[Observed]:
        """The samples, whatever their ids."""
        return list(self.by_id.values())


def count_samples(run: EvalRun, population: Population, parameters: Mapping[str, object]) -> Counted:
    """Read the samples of a slice; what was rejected or never sent could be of any slice, and counts in each."""
    entries = Reject.objects.filter(
        population.as_of.knew("created_at"),
        system_id=population.system_id,
        source=RejectSource.EVAL_SAMPLE,
        source_ref=run.run_key,
    )
    plan = entries.filter(code=ABSENT).values_list("item", flat=True).first() or {}
    rejected, absent = entries.exclude(code=ABSENT).count(), plan.get("absent", 0)
    linked = slice_of_requirements([str(parameters["requirement"])]) if "requirement" in parameters else {}
    by_id = dict(_observe(run, {**population.where, **linked}, str(parameters["metric"])))
    if parameters.get("unmentioned") == "not_applicable":
        by_id = {name: each for name, each in by_id.items() if each.status is not None}
    missing = count_missing(by_id.values(), rejected=rejected, absent=absent)
    return Counted(by_id, missing, rejected + absent, plan.get("open", False), plan.get("beyond", 0))


def _observe(run: EvalRun, chosen: Mapping[str, str], metric: str) -> Iterator[tuple[str, Observed]]:
    """Yield each sample of the slice under the metric, by its unit among all samples of the run."""
    rows = list(
        EvalSample.objects.filter(run=run)
        .order_by("sample_id", "metric")
        .values_list("sample_id", "trace_id", "metric", "status", "value", "slice")
    )
    units = units_of((sample_id, trace.hex if trace else None, part) for sample_id, trace, *_, part in rows)
    scores = {sample_id: (status, value) for sample_id, _, of, status, value, _ in rows if of == metric}
    where = chosen.items()
    for sample_id, slice_of in {sample_id: part for sample_id, *_, part in rows}.items():
        if where <= slice_of.items():
            status, value = scores.get(sample_id, (None, None))
            known = None if status is None else ScoreStatus(status)
            yield sample_id, Observed(units[sample_id], known, value)


def gaps_in(run: EvalRun, counted: Counted, allowed: float) -> Iterator[Obstacle]:
    """Say why what is missing keeps the run from passing, whatever the bounds say."""
    missing, n = counted.missing.total, len(counted.observed) + counted.alone_missing
    told = ", ".join(f"{count} {how}" for how, count in counted.missing.as_dict().items())
    if not n:
        yield Obstacle("run_empty", f"run {run} holds no sample here")
    elif missing == n:
        code = "all_rejected" if counted.missing.rejected == n else "nothing_scored"
        yield Obstacle(code, f"all {n} samples of run {run} are missing: {told}")
    elif missing / n > allowed:
        yield Obstacle("samples_missing", f"{missing} of {n} samples are missing: {told}")
    if counted.beyond:
        sentence = (
            f"run {run} has {counted.beyond} items more than it says that the dataset has, so which are attempts at "
            "one item cannot be told"
        )
        yield Obstacle("dataset_larger", sentence)
    if counted.is_open:
        sentence = "the run was limited, and nobody says how many samples the dataset has (dataset.samples)"
        yield Obstacle("dataset_unsized", sentence)
