"""A candidate run beside a baseline run: better, worse, or nobody knows yet.

Items are paired by their id where the runs share most of them, and compared as two groups otherwise. An item's value is
its mean over attempts (epochs). What decides is the mean improvement over units, with its interval; lists of items that
newly fail or pass, and of items that differ between attempts, are shown and decide nothing.

* *regression* / *improvement*: the test of "no difference" says so at alpha, two-sided;
* *non-inferior*: the lower bound of the improvement is above -margin; *equivalent*: both bounds are within the margin
  (two one-sided tests: D. J. Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987), 657-680). Neither is claimed unless it
  survives the missing: items without a score in one run count there at the end of the scale that speaks against it.

"No difference shown" is not "no difference": the smallest difference that would have been shown stands beside it.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evidence.statistics.differences import (
    Difference,
    mean_difference,
    paired_shares,
    unpaired_means,
    unpaired_shares,
)
from evidence.statistics.multiplicity import adjust_benjamini_hochberg, adjust_holm
from evidence.statistics.numerics import nearest_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MUST_AGREE = ("evaluator", "dataset")  # both runs have one, and the same
MAY_BE_ABSENT = ("judge",)  # the same in both, or in neither
_ENOUGH_SHARED = 0.5  # of the items of the smaller run, to compare them in pairs


class Outcome(enum.StrEnum):
    """What the test of "no difference" says."""

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    NO_DIFFERENCE_SHOWN = "no_difference_shown"


class Claim(enum.StrEnum):
    """What becomes of a claim within a margin."""

    SHOWN = "shown"
    NOT_SHOWN = "not_shown"
    REFUTED = "refuted"
    MISSING_COULD_DECIDE = (
        "missing_could_decide"  # shown by what was scored, but not if the missing went against it
    )


@dataclass(frozen=True, slots=True)
class Observation:
    """One attempt at one item."""

    item: str
    value: float | None  # None: no score
    cluster: Hashable = None  # items of one cluster depend on each other; None: a cluster of its own
    slices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """What values mean."""

    higher_is_better: bool = True
    lowest: float | None = 0.0  # None: no limit
    highest: float | None = 1.0

    @property
    def span(self) -> float | None:
        """The largest difference there can be, None where there is no limit."""
        return None if self.lowest is None or self.highest is None else self.highest - self.lowest

    @property
    def best(self) -> float | None:
        """The better end, None where there is none."""
        return self.highest if self.higher_is_better else self.lowest

    @property
    def worst(self) -> float | None:
        """The worse end, likewise."""
        return self.lowest if self.higher_is_better else self.highest


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A kind of version in which two runs differ, so that a difference could be the instrument's."""

    kind: str
    baseline: str | None
    candidate: str | None


@dataclass(frozen=True, slots=True)
class Slice:
    """The same comparison over part of the items."""

    name: str
    n: int  # items that were compared
    improvement: Difference | None  # None where no item of it could be compared
    p_holm: float | None  # corrected for the number of slices
    q: float | None  # false discovery rate, likewise


@dataclass(frozen=True, slots=True)
class Comparison:
    """What can be said of two runs."""

    paired: bool
    n: int  # items in both, or of the smaller run where not paired
    units: int  # clusters among them
    n_baseline: int  # items with a score in that run
    n_candidate: int
    baseline: float | None  # mean over the items that were compared
    candidate: float | None
    improvement: Difference | None  # None where no item could be compared
    worst: Difference | None  # the same, were all that is missing against the candidate; None: without limit
    best: Difference | None  # the same, were all that is missing for it
    alpha: float
    outcome: Outcome | None
    margin: float | None
    non_inferior: Claim | None  # None without a margin
    equivalent: Claim | None
    only_baseline: tuple[str, ...]  # items with a score in that run alone, sorted
    only_candidate: tuple[str, ...]
    neither: tuple[str, ...]  # items that a run names and neither scored
    newly_failing: tuple[str, ...]  # right at each attempt then, wrong at each now
    newly_passing: tuple[str, ...]
    flaky: tuple[str, ...]  # attempts differ, in either run
    slices: tuple[Slice, ...]  # worst first


def find_mismatches(baseline: Mapping[str, str], candidate: Mapping[str, str]) -> tuple[Mismatch, ...]:
    """Return why two runs cannot be compared, from the digests of their versions by kind; empty where they can."""
    return tuple(
        Mismatch(kind, baseline.get(kind), candidate.get(kind))
        for kind in (*MUST_AGREE, *MAY_BE_ABSENT)
        if baseline.get(kind) != candidate.get(kind) or (kind in MUST_AGREE and not baseline.get(kind))
    )


def compare(
    baseline: Sequence[Observation],
    candidate: Sequence[Observation],
    scale: Scale = Scale(),  # frozen
    *,
    margin: float | None = None,
    alpha: float = 0.05,
) -> Comparison:
    """Return what can be said of a candidate beside a baseline.

    Args:
        margin: how much worse is not worse yet, in the unit of the values; above 0, and less than the largest
            difference there can be, which every candidate is within.
        alpha: chance, on one side, with which a bound is wrong.

    Raises:
        ValueError: a value that is not finite or outside the scale, a margin that is none, or alpha outside (0, 0.5).
    """
    _check([*baseline, *candidate], scale, margin, alpha)
    old, new = _Run.of(baseline), _Run.of(candidate)
    shared = sorted(old.values.keys() & new.values.keys())
    paired = len(shared) > 0 and len(shared) >= _ENOUGH_SHARED * min(len(old.values), len(new.values))
    sides = (old.only(shared), new.only(shared)) if paired else (old, new)
    improvement = _difference(*sides, scale, alpha, paired=paired)
    worst, best = (
        _with_missing(old, new, scale, alpha, paired=paired, against=side) for side in (True, False)
    )
    return Comparison(
        paired=paired,
        n=min(len(side.values) for side in sides),
        units=min(side.units for side in sides),
        n_baseline=len(old.values),
        n_candidate=len(new.values),
        baseline=sides[0].mean(),
        candidate=sides[1].mean(),
        improvement=improvement,
        worst=worst,
        best=best,
        alpha=alpha,
        outcome=_outcome(improvement, alpha),
        margin=margin,
        non_inferior=_claim_not_worse(improvement, worst, margin),
        equivalent=_claim_equivalent(improvement, worst, best, margin),
        only_baseline=tuple(sorted(old.values.keys() - new.values.keys())),
        only_candidate=tuple(sorted(new.values.keys() - old.values.keys())),
        neither=tuple(sorted((old.named | new.named) - (old.values.keys() | new.values.keys()))),
        newly_failing=_changed(old, new, shared, scale.best, scale.worst),
        newly_passing=_changed(old, new, shared, scale.worst, scale.best),
        flaky=tuple(sorted(old.flaky | new.flaky)),
        slices=_slices(old, new, scale, alpha, paired=paired),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """Observations of one run by item."""

    values: Mapping[str, float]  # mean over attempts, of items with a score
    attempts: Mapping[str, frozenset[float]]  # what they came to
    share_scored: Mapping[str, float]  # of the attempts at each item
    cluster_of: Mapping[str, Hashable]
    slices_of: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> _Run:
        tries: dict[str, list[Observation]] = {}
        for each in observations:
            tries.setdefault(each.item, []).append(each)
        scores = {
            item: found
            for item, each in sorted(tries.items())
            if (found := [one.value for one in each if one.value is not None])
        }
        return cls(
            values={item: math.fsum(each) / len(each) for item, each in scores.items()},
            attempts={item: frozenset(each) for item, each in scores.items()},
            share_scored={item: len(scores.get(item, ())) / len(each) for item, each in tries.items()},
            cluster_of={item: _cluster_of(item, each) for item, each in tries.items()},
            slices_of={
                item: frozenset(s for one in each for s in one.slices) for item, each in tries.items()
            },
        )

    @property
    def named(self) -> frozenset[str]:
        return frozenset(self.cluster_of)

    @property
    def flaky(self) -> frozenset[str]:
        return frozenset(item for item, values in self.attempts.items() if len(values) > 1)

    @property
    def units(self) -> int:
        return len({self.cluster_of[item] for item in self.values})

    def steady(self, item: str) -> float | None:
        """What each attempt at an item came to, None where they differ or there are none."""
        values = self.attempts.get(item, frozenset())
        return next(iter(values)) if len(values) == 1 else None

    def mean(self) -> float | None:
        return math.fsum(self.values.values()) / len(self.values) if self.values else None

    def only(self, items: Iterable[str]) -> _Run:
        """Return the run as if it had had no other items."""
        wanted = frozenset(items)
        values = {item: value for item, value in self.values.items() if item in wanted}
        clusters = {item: cluster for item, cluster in self.cluster_of.items() if item in wanted}
        return replace(self, values=values, cluster_of=clusters)

    def filled(self, items: Iterable[str], value: float, like: _Run) -> _Run:
        """Return the run as if attempts without a score had had this one; `like` knows clusters of further items."""
        shares = {item: self.share_scored.get(item, 0.0) for item in sorted(items)}
        values = {item: s * self.values.get(item, 0.0) + (1 - s) * value for item, s in shares.items()}
        return replace(self, values=values, cluster_of={**like.cluster_of, **self.cluster_of})

    def is_complete(self, items: Iterable[str]) -> bool:
        """Whether each attempt at each of the items has a score."""
        return all(self.share_scored.get(item) == 1 for item in items)


def _cluster_of(item: str, attempts: Sequence[Observation]) -> Hashable:
    """Return the cluster of an item: its own, where none is named or its attempts belong to several."""
    named = {each.cluster for each in attempts}
    cluster = next(iter(named)) if len(named) == 1 else None
    return ("item", item) if cluster is None else ("cluster", cluster)


def _check(observations: Sequence[Observation], scale: Scale, margin: float | None, alpha: float) -> None:
    lowest = -math.inf if scale.lowest is None else scale.lowest
    highest = math.inf if scale.highest is None else scale.highest
    for each in observations:
        if each.value is not None and not (math.isfinite(each.value) and lowest <= each.value <= highest):
            raise ValueError(f"{each.value} of item {each.item} is not within [{lowest}, {highest}]")
    if margin is not None and not 0 < margin < (math.inf if scale.span is None else scale.span):
        raise ValueError(f"a margin is above 0 and below {scale.span}, not {margin}")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must lie between 0 and 0.5, not {alpha}")


def _difference(old: _Run, new: _Run, scale: Scale, alpha: float, *, paired: bool) -> Difference | None:
    """Return the improvement of all items of two runs; where paired, both have the same.

    Its value has as many digits as the values that it is the difference of: where two means are the same, what floating
    point makes of their difference is 0.
    """
    if not old.values or not new.values:
        return None
    found = _unrounded_difference(old, new, scale, alpha, paired=paired)
    largest = max(abs(value) for run in (old, new) for value in run.values.values())
    return replace(found, value=nearest_of(found.value, largest))


def _unrounded_difference(old: _Run, new: _Run, scale: Scale, alpha: float, *, paired: bool) -> Difference:
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    sign = 1.0 if scale.higher_is_better else -1.0
    ours, theirs = (sign * np.array(list(run.values.values())) for run in (new, old))
    binary = (scale.lowest, scale.highest) == (0, 1) and all(
        run.units == len(run.values) and set(run.values.values()) <= {0.0, 1.0} for run in (old, new)
    )
    if paired and binary:
        better, worse = int(np.count_nonzero(ours > theirs)), int(np.count_nonzero(ours < theirs))
        return paired_shares(better, worse, ours.size, alpha)
    if paired:
        coarser = min(old, new, key=lambda run: run.units)  # where only one run says what depends on what
        return mean_difference(ours - theirs, _numbered(coarser), alpha, scale.span)
    if binary:
        right = [int(np.count_nonzero(side == sign * (scale.best or 0.0))) for side in (ours, theirs)]
        return unpaired_shares((right[0], ours.size), (right[1], theirs.size), alpha)
    return unpaired_means((ours, _numbered(new)), (theirs, _numbered(old)), alpha, scale.span)


def _with_missing(
    old: _Run, new: _Run, scale: Scale, alpha: float, *, paired: bool, against: bool
) -> Difference | None:
    """Return the improvement as if what is missing were at the ends of the scale: against the candidate, or for it.

    None where something is missing and the scale has no ends.
    """
    everything = old.named | new.named
    wanted = [everything, everything] if paired else [old.named, new.named]
    if old.is_complete(wanted[0]) and new.is_complete(wanted[1]):
        return _difference(old, new, scale, alpha, paired=paired)
    if scale.best is None or scale.worst is None:
        return None
    ends = (scale.best, scale.worst) if against else (scale.worst, scale.best)
    filled = old.filled(wanted[0], ends[0], like=new), new.filled(wanted[1], ends[1], like=old)
    return _difference(*filled, scale, alpha, paired=paired)


def _numbered(run: _Run) -> NDArray[np.int64]:
    """Return the cluster of each item of a run, as numbers from 0."""
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    numbers: dict[Hashable, int] = {}
    return np.array(
        [numbers.setdefault(run.cluster_of[item], len(numbers)) for item in run.values], dtype=np.int64
    )


def _outcome(improvement: Difference | None, alpha: float) -> Outcome | None:
    if improvement is None or improvement.p_value is None:
        return None
    if improvement.p_value > alpha:
        return Outcome.NO_DIFFERENCE_SHOWN
    return Outcome.IMPROVEMENT if improvement.value > 0 else Outcome.REGRESSION


def _claim_not_worse(
    shown: Difference | None, worst: Difference | None, margin: float | None
) -> Claim | None:
    """Return what becomes of "not worse by the margin or more"; `worst` is with the missing against it."""
    if margin is None:
        return None
    if shown is None or shown.low is None or shown.high is None:
        return Claim.NOT_SHOWN
    if shown.high < -margin:
        return Claim.REFUTED
    if shown.low <= -margin:
        return Claim.NOT_SHOWN
    survives = worst is not None and worst.low is not None and worst.low > -margin
    return Claim.SHOWN if survives else Claim.MISSING_COULD_DECIDE


def _claim_equivalent(
    shown: Difference | None, worst: Difference | None, best: Difference | None, margin: float | None
) -> Claim | None:
    """Return what becomes of "neither worse nor better by the margin or more": both one-sided claims at once."""
    claims = {_claim_not_worse(shown, worst, margin), _claim_not_worse(_turned(shown), _turned(best), margin)}
    for claim in (Claim.REFUTED, Claim.NOT_SHOWN, Claim.MISSING_COULD_DECIDE, Claim.SHOWN):
        if claim in claims:
            return claim
    return None


def _turned(difference: Difference | None) -> Difference | None:
    """Return a difference as seen from the other side."""
    if difference is None or difference.low is None or difference.high is None:
        return difference
    return replace(difference, value=-difference.value, low=-difference.high, high=-difference.low)


def _changed(
    old: _Run, new: _Run, items: Iterable[str], before: float | None, after: float | None
) -> tuple[str, ...]:
    """Return the items whose attempts all came to one end of the scale before, and all to the other after."""
    if before is None or after is None:
        return ()
    return tuple(item for item in items if (old.steady(item), new.steady(item)) == (before, after))


def _slices(old: _Run, new: _Run, scale: Scale, alpha: float, *, paired: bool) -> tuple[Slice, ...]:
    """Return the comparison of each slice, worst first; those where nothing could be compared before all others."""
    found: list[tuple[str, int, Difference | None]] = []
    for name in sorted({name for run in (old, new) for names in run.slices_of.values() for name in names}):
        members = [{i for i in run.values if name in run.slices_of[i]} for run in (old, new)]
        if paired:
            members = [members[0] & new.values.keys() | members[1] & old.values.keys()] * 2
        sides = old.only(members[0]), new.only(members[1])
        count = min(len(side.values) for side in sides)
        found.append((name, count, _difference(*sides, scale, alpha, paired=paired)))
    tested = [
        (name, each.p_value) for name, _, each in found if each is not None and each.p_value is not None
    ]
    names, p_values = [name for name, _ in tested], [p for _, p in tested]
    holm = dict(zip(names, adjust_holm(p_values), strict=True))
    q = dict(zip(names, adjust_benjamini_hochberg(p_values), strict=True))
    slices = [Slice(name, n, each, holm.get(name), q.get(name)) for name, n, each in found]
    return tuple(
        sorted(slices, key=lambda s: (-math.inf if s.improvement is None else s.improvement.value, s.name))
    )
