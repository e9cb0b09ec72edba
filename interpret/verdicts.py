"""What a finding says: one rule for every probe, from what it measured. Free of Django, torch and the database.

A claim is judged by the paired difference between the statistic and each of its nulls, over clusters of distinct texts,
against the smallest effect that matters. Bounds are those of `evidence.statistics.estimate_mean`: the more cautious of
Student's and Hall's. Random sets of parts are the units of the control.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from evidence.statistics import Estimate, Tally, Unit, estimate_mean, tally
from evidence.statistics.discoveries import level_of_batch
from interpret.contracts import ClaimLevel, Measurement, NullKind, Status, Tested, TestKind

CONTRACT: Final = 3  # of the rule below; findings of before keep their status and carry no verdict
MIN_CLUSTERS: Final = 20
MIN_RANDOM_SETS: Final = 19  # fewer cannot give a p-value of `ALPHA`
ALPHA: Final = 0.05  # on average at most this share of what is supported of one model is not there
_NULLS_IN_WORDS: Final = {
    NullKind.DEAD_MODEL: "a dead model",
    NullKind.SHUFFLED_ORDER: "another order",
    NullKind.TEXT_ONLY: "the text alone",
}


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
    reason: str
    rung: ClaimLevel  # how strong a claim was tested; REPLICATED where a second seed says the same
    clusters: int = 0
    smallest_effect: float | None = None  # in the statistic's unit
    why: str = ""
    differences: Mapping[str, Difference] = field(default_factory=dict)  # by `NullKind`
    random_sets: int = 0
    history: History | None = None  # None: nothing was tested, or by itself
    level: float | None = None  # that q-values were judged at, with those of all runs on the model before
    second: Status | None = None  # what the second seed's numbers say by themselves; None: it tested nothing
    second_reason: str = ""
    contract: int = CONTRACT

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        return asdict(self)


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
        return Verdict(Status.DESCRIBED, "a number with its interval: nothing is claimed", rung)
    tested, missing = measurement.tested, _missing_nulls(measurement)
    if tested is None or missing:
        return Verdict(Status.INVALID, f"lacks {', '.join(missing)}", rung)
    level = history.level(measurement.family_size) if history else ALPHA
    value, differences = measurement.estimate.value, _differences(tested)
    status, reason = _decide(_Trial(tested, rung, value, measurement.q_value, level), differences)
    second, why_second = _judge_again(measurement)
    if second is not None and {status, second} == {Status.SUPPORTED, Status.NOT_SUPPORTED}:
        status, reason = Status.INCONCLUSIVE, f"{reason}; a second seed says the opposite: {why_second}"
    if rung is ClaimLevel.INTERVENTIONAL and status is second is Status.SUPPORTED:
        rung = ClaimLevel.REPLICATED
    return Verdict(
        status=status,
        reason=reason,
        rung=rung,
        clusters=_clusters(tested),
        smallest_effect=tested.smallest_effect,
        why=tested.why,
        differences=differences,
        random_sets=len(tested.random_sets),
        history=history,
        level=level,
        second=second,
        second_reason=why_second,
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


def _judge_again(measurement: Measurement) -> tuple[Status | None, str]:
    """Return what the second seed says by itself: one test that was named before, so its p-value is not corrected."""
    told = measurement.stability
    if told.tested is None:
        return None, ""
    trial = _Trial(told.tested, measurement.level, told.second.value, told.p_value, ALPHA)
    return _decide(trial, _differences(told.tested))


def _decide(trial: _Trial, differences: Mapping[str, Difference]) -> tuple[Status, str]:
    tested, smallest, n = trial.tested, trial.tested.smallest_effect, _clusters(trial.tested)
    if n < MIN_CLUSTERS:
        return Status.INCONCLUSIVE, f"{n} clusters of distinct texts: {MIN_CLUSTERS} are needed"
    without = [kind for kind in NullKind if kind not in differences]
    if without:
        return Status.INCONCLUSIVE, f"no spread to judge by against {_in_words(without)}"
    within = [kind for kind, each in differences.items() if each.high_together < smallest]
    if within:
        return _absent(tested, within)
    short = [kind for kind, each in differences.items() if each.low <= smallest]
    if short:
        return Status.INCONCLUSIVE, f"the interval does not clear {smallest:g} against {_in_words(short)}"
    doubt = _chance(trial)
    if doubt:
        return Status.INCONCLUSIVE, doubt
    return Status.SUPPORTED, f"more than {smallest:g} beyond {_in_words(differences)}"


def _in_words(nulls: Iterable[str]) -> str:
    """Name nulls as a reader knows them."""
    return ", ".join(_NULLS_IN_WORDS[NullKind(kind)] for kind in nulls)


def _absent(tested: Tested, within: list[str]) -> tuple[Status, str]:
    what = f"less than {tested.smallest_effect:g} beyond {_in_words(within)}"
    if tested.kind is TestKind.EFFECT:
        return Status.NOT_SUPPORTED, what
    return Status.INCONCLUSIVE, f"{what}; another part may do the same, so nothing is shown to be absent"


def _chance(trial: _Trial) -> str:
    """Return why what was seen may be chance; empty: it is not."""
    from interpret.statistics import p_from_permutations  # noqa: PLC0415  # numpy: imported when first needed

    if trial.q_value is None:
        return "it has no p-value"
    if trial.q_value > trial.level + 1e-12:
        return f"the corrected q-value is {trial.q_value:.3g}, above the level of {trial.level:.3g}"
    if trial.rung is ClaimLevel.ASSOCIATIONAL:
        return ""
    random_sets = trial.tested.random_sets
    if len(random_sets) < MIN_RANDOM_SETS:
        return f"{len(random_sets)} random sets of as many parts: {MIN_RANDOM_SETS} are needed"
    p = p_from_permutations(trial.value, random_sets)
    return f"p = {p:.3g} over {len(random_sets)} random sets of as many parts" if p > ALPHA + 1e-12 else ""


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
