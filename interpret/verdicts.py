"""What a finding says: one rule for every probe, from what it measured. Free of Django, torch and the database.

A claim is judged by the paired difference between the statistic and each of its nulls, over clusters of distinct texts,
against the smallest effect that matters. Bounds are those of `evidence.statistics.estimate_mean`: the more cautious of
Student's and Hall's. Random sets of parts are the units of the control.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from evidence.statistics import Estimate, Tally, Unit, estimate_mean, tally
from evidence.statistics.discoveries import level_of_batch
from interpret.contracts import ClaimLevel, Measurement, NullKind, Status, Tested, TestKind
from interpret.verdict_reasons import Reason, because, in_english

CONTRACT: Final = 3  # of the rule below; findings of before keep their status and carry no verdict
MIN_CLUSTERS: Final = 20
MIN_RANDOM_SETS: Final = 19  # fewer cannot give a p-value of `ALPHA`
ALPHA: Final = 0.05  # on average at most this share of what is supported of one model is not there


@dataclass(frozen=True, slots=True)
class History:
    """What was asked of a model before a run: all runs on it count, whatever came of them.

    Attributes:
        runs_before: how many workers had begun.
        found_before: how much was supported of the model when this one began.
    """

    runs_before: int
    found_before: int

    def level(self, tests: int) -> float:
        """Return the level at which q-values of so many tests are judged, in (0, `ALPHA`]."""
        return level_of_batch(self.runs_before + 1, tests=tests, found_before=self.found_before, alpha=ALPHA)


@dataclass(frozen=True, slots=True)
class Difference:
    """The statistic less one null: the mean over clusters, `low` and `high` of a two-sided 95 % interval."""

    value: float
    low: float
    high: float
    high_together: float  # the upper bound that holds for all nulls at once (Bonferroni)


@dataclass(frozen=True, slots=True)
class _Trial:
    """One seed's test."""

    tested: Tested
    rung: ClaimLevel
    value: float  # of the statistic
    q_value: float | None
    level: float  # that the q-value is judged at


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status and all it came of."""

    status: Status
    because: tuple[Reason, ...]
    rung: ClaimLevel  # how strong a claim was tested; REPLICATED where a second seed says the same
    clusters: int = 0
    smallest_effect: float | None = None  # in the statistic's unit
    why: str = ""
    differences: Mapping[str, Difference] = field(default_factory=dict)  # by `NullKind`
    random_sets: int = 0
    history: History | None = None  # None: nothing was tested, or by itself
    level: float | None = None  # that q-values were judged at, with those of all runs on the model before
    second: Status | None = None  # what the second seed's numbers say by themselves; None: it tested nothing
    second_because: tuple[Reason, ...] = ()
    contract: int = CONTRACT

    @property
    def reason(self) -> str:
        """Why, in English."""
        return in_english(self.because)

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON values, with its reasons in English beside their codes."""
        told = json.loads(json.dumps(asdict(self)))  # tuples are lists when they are read again
        return {**told, "reason": self.reason, "second_reason": in_english(self.second_because)}


def judge(measurement: Measurement, history: History | None = None) -> Verdict:
    """Return what a measurement says, in a run on a model with this history; None: by itself, at `ALPHA`.

    DESCRIBED where it claims nothing. INVALID where a null is absent. SUPPORTED when the lower bound of every
    paired difference lies beyond the smallest effect, the corrected q-value is at most the level that the history
    leaves and, where it intervenes, so few random sets do as much. NOT_SUPPORTED when the upper bound of one lies
    inside the smallest effect, at a site that was named before: never for a test of necessity, nor of what a search
    found. INCONCLUSIVE otherwise, with fewer clusters of distinct texts than `MIN_CLUSTERS`, and where a second seed
    says the opposite. An intervention is replicated when
    a second seed supports it by the same rule, its one p-value against `ALPHA`.
    """
    rung = measurement.level
    if rung is ClaimLevel.DESCRIPTIVE:
        return Verdict(Status.DESCRIBED, (because("described"),), rung)
    tested, missing = measurement.tested, _missing_nulls(measurement)
    if tested is None or missing:
        return Verdict(Status.INVALID, (because("lacks", missing=", ".join(missing)),), rung)
    level = history.level(measurement.family_size) if history else ALPHA
    value, differences = measurement.estimate.value, _differences(tested)
    status, reasons = _decide(_Trial(tested, rung, value, measurement.q_value, level), differences)
    second, why_second = _judge_again(measurement)
    if second is not None and {status, second} == {Status.SUPPORTED, Status.NOT_SUPPORTED}:
        status, reasons = Status.INCONCLUSIVE, (*reasons, because("opposite"), *why_second)
    if rung is ClaimLevel.INTERVENTIONAL and status is second is Status.SUPPORTED:
        rung = ClaimLevel.REPLICATED
    return Verdict(
        status=status,
        because=reasons,
        rung=rung,
        clusters=_clusters(tested),
        smallest_effect=tested.smallest_effect,
        why=tested.why,
        differences=differences,
        random_sets=len(tested.random_sets),
        history=history,
        level=level,
        second=second,
        second_because=why_second,
    )


def history_of(verdict: Mapping[str, Any] | None) -> History | None:
    """Return the history by which a stored verdict was judged; None: it had none."""
    told = (verdict or {}).get("history")
    return History(**told) if told else None


def _missing_nulls(measurement: Measurement) -> list[str]:
    tested = measurement.tested
    units = tested.units if tested else ()
    missing = [str(kind) for kind in NullKind if not units or any(kind not in unit.nulls for unit in units)]
    if measurement.level is not ClaimLevel.ASSOCIATIONAL and not (tested and tested.random_sets):
        missing.append("random_sets")
    return missing


def _judge_again(measurement: Measurement) -> tuple[Status | None, tuple[Reason, ...]]:
    """Return what the second seed says by itself: one test that was named before, so its p-value is not corrected."""
    told = measurement.stability
    if told.tested is None:
        return None, ()
    trial = _Trial(told.tested, measurement.level, told.second.value, told.p_value, ALPHA)
    return _decide(trial, _differences(told.tested))


def _decide(trial: _Trial, differences: Mapping[str, Difference]) -> tuple[Status, tuple[Reason, ...]]:
    tested, smallest, n = trial.tested, trial.tested.smallest_effect, _clusters(trial.tested)
    if n < MIN_CLUSTERS:
        return Status.INCONCLUSIVE, (because("few_clusters", clusters=n, needed=MIN_CLUSTERS),)
    without = [kind for kind in NullKind if kind not in differences]
    if without:
        return Status.INCONCLUSIVE, (because("no_spread", without),)
    within = [kind for kind, each in differences.items() if each.high_together < smallest]
    if within:
        return _absent(tested, within)
    short = [kind for kind, each in differences.items() if each.low <= smallest]
    if short:
        return Status.INCONCLUSIVE, (because("not_clear", short, smallest=f"{smallest:g}"),)
    doubt = _chance(trial)
    if doubt:
        return Status.INCONCLUSIVE, (doubt,)
    return Status.SUPPORTED, (because("beyond", differences, smallest=f"{smallest:g}"),)


def _absent(tested: Tested, within: list[str]) -> tuple[Status, tuple[Reason, ...]]:
    what = because("within", within, smallest=f"{tested.smallest_effect:g}")
    if tested.kind is TestKind.EFFECT:
        return Status.NOT_SUPPORTED, (what,)
    return Status.INCONCLUSIVE, (what, because("may_be_elsewhere"))


def _chance(trial: _Trial) -> Reason | None:
    """Return why what was seen may be chance; None: it is not."""
    from interpret.statistics import p_from_permutations  # noqa: PLC0415  # numpy: imported when first needed

    if trial.q_value is None:
        return because("no_p_value")
    if trial.q_value > trial.level + 1e-12:
        return because("q_above_level", q=trial.q_value, level=trial.level)
    if trial.rung is ClaimLevel.ASSOCIATIONAL:
        return None
    random_sets = trial.tested.random_sets
    if len(random_sets) < MIN_RANDOM_SETS:
        return because("few_random_sets", sets=len(random_sets), needed=MIN_RANDOM_SETS)
    p = p_from_permutations(trial.value, random_sets)
    return because("random_sets_do_as_much", p=p, sets=len(random_sets)) if p > ALPHA + 1e-12 else None


def _differences(tested: Tested) -> dict[str, Difference]:
    together = 1 - ALPHA / len(NullKind)
    found = {}
    for kind in NullKind:
        units = _tally(tested, kind)
        each, wide = estimate_mean(units, 1 - ALPHA), estimate_mean(units, together)
        difference = _difference(each, wide)
        if difference is not None:
            found[str(kind)] = difference
    return found


def _difference(each: Estimate | None, wide: Estimate | None) -> Difference | None:
    """Return the bounds; None where there are too few units for any, or all are equal."""
    if each is None or wide is None or not each.stderr:
        return None
    if each.low is None or each.high is None or wide.high is None:
        return None
    return Difference(each.value, each.low, each.high, wide.high)


def _tally(tested: Tested, kind: NullKind) -> Tally:
    """Return the paired differences to one null by cluster, each distinct text once."""
    owners, texts = _owners(tested), defaultdict[str, dict[str, float]](dict)
    for unit in tested.units:
        texts[owners[unit.text]].setdefault(unit.text, unit.value - unit.nulls[kind])
    return tally(Unit(len(values), sum(values.values())) for values in texts.values())


def _clusters(tested: Tested) -> int:
    """Return how many clusters of distinct texts there are."""
    return len(set(_owners(tested).values()))


def _owners(tested: Tested) -> dict[str, str]:
    """Return the cluster that each distinct text counts in: the first it stands in."""
    owners: dict[str, str] = {}
    for unit in tested.units:
        owners.setdefault(unit.text, unit.cluster)
    return owners
