"""The samples of a run as observations: which belong to one unit, and what each metric comes to. Free of Django.

One place for what `push-eval` is answered with and what a criterion is judged by: the same samples give both the same
bounds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evidence.evals.contracts import ReadRun, ScoreStatus
from evidence.statistics import (
    Estimate,
    Missing,
    Tally,
    Unit,
    estimate_mean,
    estimate_percentile,
    estimate_share,
    tally,
)

# An attempt at an item is named after it: "fees-3#2", "fees-3#e2", "fees-3/epoch-2".
_ATTEMPT: Final = re.compile(r"(.+)(?:#[A-Za-z_-]{0,10}|[-_/:.@ ](?:epoch|attempt)[-_ ]?)[0-9]+")
_ITEM: Final = "item"
UNIT_DIMENSIONS: Final = (_ITEM, "conversation")  # slices that say what a sample depends on with others


@dataclass(frozen=True, slots=True)
class Observed:
    """One sample under one metric."""

    unit: str
    status: ScoreStatus | None  # None: the sample does not mention the metric
    value: float | None  # set exactly when the status is "scored"


def units_of(samples: Iterable[tuple[str, str | None, Mapping[str, str]]]) -> dict[str, str]:
    """Return the unit of each sample: samples of one item, trace or conversation depend on each other.

    Args:
        samples: ids, each with the trace it was given in, if it says one, and its slice.
    """
    known: dict[str, str] = {}  # a name -> another of its unit; the first of a unit names itself
    items: dict[str, str] = {}
    for sample_id, trace_id, where in samples:
        items[sample_id] = item = f"item {item_of(sample_id)}"
        named = [f"{dimension} {where[dimension]}" for dimension in UNIT_DIMENSIONS if dimension in where]
        for name in (item, *([f"trace {trace_id}"] if trace_id else []), *named):
            known.setdefault(name, name)
            known[_first(known, name)] = _first(known, item)
    return {sample_id: _first(known, item) for sample_id, item in items.items()}


def item_of(sample_id: str) -> str:
    """Return the item that a sample is an attempt at: its id, without what names the attempt."""
    attempt = _ATTEMPT.fullmatch(sample_id)
    return sample_id if attempt is None else attempt[1]


def count_attempts(samples: Iterable[tuple[str, Mapping[str, str]]]) -> Collection[int]:
    """Return how many attempts there are at each item.

    An item is told by the ids of its attempts and by what they call it, and by whichever of both makes it fewer: ids
    of one item that say they are of several are of one.

    Args:
        samples: ids, each with its slice.
    """
    alone = ((name, None, {_ITEM: where[_ITEM]} if _ITEM in where else {}) for name, where in samples)
    return Counter(units_of(alone).values()).values()


def count_absent(run: ReadRun) -> int:
    """Return how many samples were planned and are not in the file. One that was rejected may be any of them."""
    attempts = count_attempts((sample.sample_id, sample.slice) for sample in run.samples)
    return max(0, run.plan.absent(attempts) - len(run.rejects))


def count_beyond(run: ReadRun) -> int:
    """Return how many more items are in the file than its dataset is said to have: attempts that no name tells."""
    attempts = count_attempts((sample.sample_id, sample.slice) for sample in run.samples)
    return 0 if run.plan.samples is None else max(0, len(attempts) - run.plan.samples)


def count_missing(observed: Iterable[Observed], *, rejected: int, absent: int) -> Missing:
    """Return what has no value, by how it went missing; a sample that does not mention the metric is absent."""
    statuses = [each.status for each in observed]
    return Missing(
        errored=statuses.count(ScoreStatus.ERROR),
        unscored=statuses.count(ScoreStatus.UNSCORED),
        rejected=rejected,
        absent=absent + statuses.count(None),
    )


def estimate_metric(
    observed: Sequence[Observed],
    *,
    bounded: bool,
    alone_missing: int,
    confidence: float,
    q: float | None = None,
) -> Estimate | None:
    """Return what a metric comes to, with what is missing counted against either end; None where nothing was scored.

    Args:
        bounded: whether no value may leave [0, 1].
        alone_missing: missing samples of which nobody knows the item.
        confidence: two-sided.
        q: the quantile that is asked for, in (0, 1); None: the mean.
    """
    if q is not None:
        return estimate_percentile(_values_by_unit(observed), q, confidence, alone_missing=alone_missing)
    units = _tally(observed, alone_missing)
    return estimate_share(units, confidence) if bounded else estimate_mean(units, confidence)


def _first(known: dict[str, str], name: str) -> str:
    """Return what names the unit of a name, and let it be found faster next time."""
    while known[name] != name:
        known[name] = known[known[name]]
        name = known[name]
    return name


def _tally(observed: Iterable[Observed], alone_missing: int) -> Tally:
    by_unit: dict[str, Unit] = {}
    for each in observed:
        n, total, missing = by_unit.get(each.unit, Unit(0, 0.0))
        if each.value is None:
            by_unit[each.unit] = Unit(n, total, missing + 1)
        else:
            by_unit[each.unit] = Unit(n + 1, total + each.value, missing)
    return tally(by_unit.values(), alone_missing=alone_missing)


def _values_by_unit(observed: Iterable[Observed]) -> Mapping[str, list[float | None]]:
    by_unit: dict[str, list[float | None]] = {}
    for each in observed:
        by_unit.setdefault(each.unit, []).append(each.value)
    return by_unit
