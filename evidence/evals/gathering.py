"""Reads a measurement through once: each sample is checked and handed on, and what its figures need is kept.

Free of Django. A reader of a foreign file may give what cannot be stored; here is where each such sample is refused by
itself. Texts are handed on and not kept, so that a file may be larger than memory.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import fsum, isfinite
from typing import Final

from evidence.evals.contracts import (
    EvalFileError,
    MetricSpec,
    ParsedSample,
    RunStatus,
    SampleReject,
    SampleScore,
    ScoreStatus,
)
from evidence.evals.measurements import Measurement, Remark, RemarkCode, Said, StatedTotal
from evidence.evals.observations import UNIT_DIMENSIONS, item_of
from evidence.statistics import Plan

LONGEST_ID: Final = 200  # characters of a sample's id, and of a metric's name
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_NATIVE: Final = "tracebinder.eval/1"  # whoever writes it chooses its dimensions
_REPLACEMENT: Final = "�"
_MOST_DETAIL: Final = 1000  # characters of a remark


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one run may hold."""

    samples: int  # with those that are refused
    remarks: int
    values: int  # of a dimension that is a slice


@dataclass(frozen=True, slots=True)
class ComparedTotal:
    """A total that the runner stated, beside ours where both mean one thing."""

    stated: StatedTotal
    computed: float | None  # the mean over items; None: it is no mean of that metric, or nothing was scored

    @property
    def differs(self) -> bool:
        """Whether the two are not one number, as far as the runner wrote its own out."""
        if not self.stated.is_mean or self.stated.value is None:
            return False
        if self.computed is None:
            return True
        return abs(self.computed - self.stated.value) > _rounding(self.stated.value)


@dataclass(slots=True)
class Gathered:
    """A measurement whose samples were read: all that its figures are computed from, and none of its texts."""

    metrics: Mapping[str, MetricSpec]
    plan: Plan
    samples: list[ParsedSample] = field(default_factory=list)
    rejects: list[SampleReject] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    totals: list[ComparedTotal] = field(default_factory=list)
    without: frozenset[str] = frozenset()  # dimensions that are no slices


def gather(
    measurement: Measurement, said: Said, bounds: Bounds, keep: Callable[[ParsedSample], None]
) -> Gathered:
    """Read a measurement to its end.

    Args:
        keep: takes each sample that may be stored, with its texts.

    Raises:
        EvalFileError: there are more samples than a run may have, or the file cannot be read on.
    """
    gathered = Gathered(measurement.metrics, said.plan or Plan())
    admission = _Admission(
        measurement.metrics, most_values=None if measurement.format == _NATIVE else bounds.values
    )
    for given in measurement.samples:
        checked = admission.check(given)
        if isinstance(checked, SampleReject):
            gathered.rejects.append(checked)
        else:
            keep(checked)
            gathered.samples.append(admission.lighten(checked))
        if admission.count > bounds.samples:
            raise TooManySamples(admission.count)
    gathered.totals = [_compare(total, gathered) for total in measurement.totals]
    gathered.without = frozenset(admission.crowded)
    gathered.remarks = _bounded([*_our_remarks(gathered, said), *measurement.remarks], bounds.remarks)
    return gathered


class TooManySamples(EvalFileError):
    """More samples than a run may have."""

    def __init__(self, count: int) -> None:
        super().__init__([f"{count} samples"])
        self.count = count


# --- Which samples may be stored -------------------------------------------------------------------------------
class _Admission:
    """Sees that each sample can be stored, and that its figures can be computed."""

    def __init__(self, metrics: Mapping[str, MetricSpec], *, most_values: int | None) -> None:
        """Admit samples of a measurement.

        Args:
            most_values: of a dimension that is a slice; None: each dimension is one.
        """
        self._metrics, self._most_values = metrics, most_values
        self._values: dict[str, set[str]] = defaultdict(set)  # of each dimension that may still be a slice
        self.crowded: set[str] = set()  # dimensions that are none: a name or number of the sample, as a rule
        self._taken: set[str] = set()
        self._slices: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}
        self.count = 0

    def check(self, given: ParsedSample | SampleReject) -> ParsedSample | SampleReject:
        """Return the sample as it may be stored, or why it may not."""
        index, self.count = self.count, self.count + 1
        if isinstance(given, SampleReject):
            return given
        fault = self._fault_in(given)
        if fault is not None:
            sample_id = None if _UNSTORABLE.search(given.sample_id) else given.sample_id[:LONGEST_ID]
            return SampleReject(index, sample_id, *fault, None)
        self._taken.add(given.sample_id)
        return _storable(given)

    def lighten(self, sample: ParsedSample) -> ParsedSample:
        """Return a sample without its texts and without what is no slice of it; slices that are alike are one."""
        for dimension, value in sample.slice.items():
            self._count_value(dimension, value)
        kept = {
            dimension: value
            for dimension, value in sample.slice.items()
            if dimension not in self.crowded or dimension in UNIT_DIMENSIONS
        }
        is_shared = kept.keys().isdisjoint(UNIT_DIMENSIONS)
        shared = self._slices.setdefault(tuple(kept.items()), kept) if is_shared else kept
        scores = tuple(SampleScore(each.metric, each.status, each.value, "") for each in sample.scores)
        return ParsedSample(sample.sample_id, shared, "", "", None, sample.trace_id, scores)

    def _count_value(self, dimension: str, value: str) -> None:
        if self._most_values is None or dimension in self.crowded:
            return
        values = self._values[dimension]
        values.add(value)
        if len(values) > self._most_values:
            self.crowded.add(dimension)
            del self._values[dimension]

    def _fault_in(self, sample: ParsedSample) -> tuple[str, str] | None:
        if not 0 < len(sample.sample_id) <= LONGEST_ID or _UNSTORABLE.search(sample.sample_id):
            return "no_id", f"id: must be a text of 1 to {LONGEST_ID} characters that can be stored"
        if sample.sample_id in self._taken:
            return "duplicate_id", f"the id {sample.sample_id!r} is taken by an earlier sample"
        if not sample.scores:
            return "no_scores", "it has no score"
        if any(_UNSTORABLE.search(part) for pair in sample.slice.items() for part in pair):
            return "bad_slice", "its slice holds characters that cannot be stored"
        named = {score.metric for score in sample.scores}
        if len(named) < len(sample.scores):
            return "metric_twice", "one metric stands twice in it"
        return next(filter(None, map(self._fault_in_score, sample.scores)), None)

    def _fault_in_score(self, score: SampleScore) -> tuple[str, str] | None:
        spec = self._metrics.get(score.metric)
        if spec is None or len(score.metric) > LONGEST_ID or _UNSTORABLE.search(score.metric):
            return "unknown_metric", f"{score.metric[:LONGEST_ID]!r}: no metric of this run"
        if (score.status is ScoreStatus.SCORED) is (score.value is None):
            return "bad_status", f"{score.metric}: {score.status} and the value {score.value}"
        if score.value is not None and not isfinite(score.value):
            return "not_finite", f"{score.metric}: must be finite"
        if score.value is not None and spec.is_bounded and not 0 <= score.value <= 1:
            return "out_of_range", f"{score.metric}: a share lies between 0 and 1, not at {score.value}"
        return None


def _storable(sample: ParsedSample) -> ParsedSample:
    """Return a sample with a sign in place of each character that cannot be stored; the file itself is kept."""
    texts = (
        sample.input,
        sample.output,
        sample.target or "",
        *(score.explanation for score in sample.scores),
    )
    if not any(map(_UNSTORABLE.search, texts)):
        return sample
    return replace(
        sample,
        input=clean(sample.input),
        output=clean(sample.output),
        target=None if sample.target is None else clean(sample.target),
        scores=tuple(replace(score, explanation=clean(score.explanation)) for score in sample.scores),
    )


def clean(text: str) -> str:
    """Return a text with a sign in place of each character that cannot be stored."""
    return _UNSTORABLE.sub(_REPLACEMENT, text)


# --- What is to be known beside the numbers --------------------------------------------------------------------
def _our_remarks(gathered: Gathered, said: Said) -> list[Remark]:
    found = []
    if said.status is RunStatus.STARTED:
        found.append(Remark(RemarkCode.UNFINISHED, "the runner never wrote that it ended"))
    plan = gathered.plan
    if plan.limit is not None and (plan.samples is None or plan.limit < plan.samples):
        of = "a dataset of which nobody says the size" if plan.samples is None else f"{plan.samples} items"
        found.append(Remark(RemarkCode.LIMITED, f"it was to stop after {plan.limit} of {of}"))
    if said.dirty:
        found.append(Remark(RemarkCode.DIRTY, f"the code that ran was not that of commit {said.commit}"))
    for total in gathered.totals:
        if total.differs:
            stated = total.stated
            how = f" by {stated.reducer}" if stated.reducer else ""
            said_so = f"{stated.metric}: the runner states {stated.name} {stated.value}{how}"
            none = total.computed is None
            ours = "no sample has a value" if none else f"its samples come to {total.computed}"
            sentence = f"{said_so}, and {ours}"
            found.append(Remark(RemarkCode.TOTAL_DIFFERS, sentence))
    if gathered.without:
        named = ", ".join(sorted(gathered.without))[:500]
        found.append(Remark(RemarkCode.MANY_VALUES, f"not computed by slice, of so many values: {named}"))
    return found


def _bounded(remarks: list[Remark], most: int) -> list[Remark]:
    """Return each remark once, those of the whole run first, and how many are left out."""
    ordered = sorted(dict.fromkeys(remarks), key=lambda each: each.sample_id is not None)
    kept = [
        Remark(
            each.code,
            clean(each.detail)[:_MOST_DETAIL],
            each.sample_id and clean(each.sample_id)[:LONGEST_ID],
        )
        for each in ordered[:most]
    ]
    left_out = Counter(each.code.value for each in ordered[most:])
    if left_out:
        told = ", ".join(f"{count} {code}" for code, count in left_out.items())
        kept.append(Remark(RemarkCode.MORE, f"more of the kind are not listed: {told}"))
    return kept


def _compare(total: StatedTotal, gathered: Gathered) -> ComparedTotal:
    return ComparedTotal(total, mean_of_items(gathered, total.metric) if total.is_mean else None)


def mean_of_items(gathered: Gathered, metric: str) -> float | None:
    """Return the mean of the items' means, which is how runners reduce attempts; None where nothing was scored."""
    by_item: dict[str, list[float]] = defaultdict(list)
    for sample in gathered.samples:
        for score in sample.scores:
            if score.metric == metric and score.value is not None:
                by_item[sample.slice.get("item") or item_of(sample.sample_id)].append(score.value)
    if not by_item:
        return None
    try:
        return fsum(fsum(values) / len(values) for values in by_item.values()) / len(by_item)
    except OverflowError:
        return None


def _rounding(stated: float) -> float:
    """Return by how much a number may be off for having been written with three to five decimals, or as a float."""
    decimals = len(repr(stated).partition(".")[2])
    written = 0.5 * 10.0**-decimals if 3 <= decimals <= 5 and "e" not in repr(stated) else 0.0
    return written + 1e-9 * max(1.0, abs(stated))
