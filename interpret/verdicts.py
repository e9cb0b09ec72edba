"""What a finding says: one rule for every probe, from what it measured. Free of Django, torch and the database.

A claim is judged by the paired difference between the statistic and each of its nulls, over clusters of distinct texts,
against the smallest effect that matters. Bounds are those of `evidence.statistics.estimate_mean`: the more cautious of
Student's and Hall's. Random sets of parts are the units of the control.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from evidence.statistics import Estimate, Tally, Unit, estimate_mean, tally
from evidence.statistics.discoveries import level_of_batch
from interpret.contracts import ClaimLevel, Measurement, NullKind, Status, Tested, TestKind

CONTRACT: Final = 2  # of the rule below; findings of before keep their status and carry no verdict
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
class Verdict:
    """A status and all it came of."""

    status: Status
    reason: str
    clusters: int = 0
    smallest_effect: float | None = None  # in the statistic's unit
    why: str = ""
    differences: Mapping[str, Difference] = field(default_factory=dict)  # by `NullKind`
    random_sets: int = 0
    history: History | None = None  # None: nothing was tested, or by itself
    level: float | None = None  # that q-values were judged at, with those of all runs on the model before
    contract: int = CONTRACT

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        return asdict(self)


def judge(measurement: Measurement, history: History | None = None) -> Verdict:
    """Return what a measurement says, in a run on a model with this history; None: by itself, at `ALPHA`.

    DESCRIBED where it claims nothing. INVALID where a null is absent. SUPPORTED when the lower bound of every
    paired difference lies beyond the smallest effect, the corrected q-value is at most the level that the history
    leaves and, where it intervenes, so few random sets do as much. NOT_SUPPORTED when the upper bound of one lies
    inside the smallest effect, never for a test of necessity. INCONCLUSIVE otherwise, and with fewer clusters of
    distinct texts than `MIN_CLUSTERS`.
    """
    if measurement.level is ClaimLevel.DESCRIPTIVE:
        return Verdict(Status.DESCRIBED, "a number with its interval: nothing is claimed")
    missing = _missing_nulls(measurement)
    if measurement.tested is None or missing:
        return Verdict(Status.INVALID, f"lacks {', '.join(missing)}")
    tested = measurement.tested
    owners, differences = _owners(tested), _differences(tested)
    n = len(set(owners.values()))
    level = history.level(measurement.family_size) if history else ALPHA
    status, reason = _decide(measurement, tested, n, differences, level)
    return Verdict(
        status=status,
        reason=reason,
        clusters=n,
        smallest_effect=tested.smallest_effect,
        why=tested.why,
        differences=differences,
        random_sets=len(tested.random_sets),
        history=history,
        level=level,
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


def _decide(
    measurement: Measurement, tested: Tested, n: int, differences: Mapping[str, Difference], level: float
) -> tuple[Status, str]:
    smallest = tested.smallest_effect
    if n < MIN_CLUSTERS:
        return Status.INCONCLUSIVE, f"{n} clusters of distinct texts: {MIN_CLUSTERS} are needed"
    without = [kind for kind in NullKind if kind not in differences]
    if without:
        return Status.INCONCLUSIVE, f"no spread to judge by against {', '.join(without)}"
    within = [kind for kind, each in differences.items() if each.high_together < smallest]
    if within:
        return _absent(tested, within)
    short = [kind for kind, each in differences.items() if each.low <= smallest]
    if short:
        return Status.INCONCLUSIVE, f"the interval does not clear {smallest:g} against {', '.join(short)}"
    doubt = _chance(measurement, tested, level)
    if doubt:
        return Status.INCONCLUSIVE, doubt
    return Status.SUPPORTED, f"more than {smallest:g} beyond {', '.join(differences)}"


def _absent(tested: Tested, within: list[str]) -> tuple[Status, str]:
    what = f"less than {tested.smallest_effect:g} beyond {', '.join(within)}"
    if tested.kind is TestKind.NECESSITY:
        return Status.INCONCLUSIVE, f"{what}; another part may do the same, so nothing is shown to be absent"
    return Status.NOT_SUPPORTED, what


def _chance(measurement: Measurement, tested: Tested, level: float) -> str:
    """Return why what was seen may be chance; empty: it is not."""
    from interpret.statistics import p_from_permutations  # noqa: PLC0415  # numpy: imported when first needed

    if measurement.q_value is None or measurement.q_value > level + 1e-12:
        return f"the corrected q-value is {measurement.q_value}, above the level of {level:.3g}"
    if measurement.level is ClaimLevel.ASSOCIATIONAL:
        return ""
    sets = len(tested.random_sets)
    if sets < MIN_RANDOM_SETS:
        return f"{sets} random sets of as many parts: {MIN_RANDOM_SETS} are needed"
    p = p_from_permutations(measurement.estimate.value, tested.random_sets)
    return f"p = {p:.3g} over {sets} random sets of as many parts" if p > ALPHA + 1e-12 else ""


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


def _owners(tested: Tested) -> dict[str, str]:
    """Return the cluster that each distinct text counts in: the first it stands in."""
    owners: dict[str, str] = {}
    for unit in tested.units:
        owners.setdefault(unit.text, unit.cluster)
    return owners
