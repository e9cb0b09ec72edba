"""Rates over runs, with exact bounds, and what a finding is worth by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from bench.probe_calibration.cases import KINDS, shows_absence
from bench.probe_calibration.runs import Run
from bench.probe_calibration.told import Told
from evidence.statistics.shares import clopper_pearson
from interpret.statistics import adjust_benjamini_hochberg
from interpret.verdicts import ALPHA, MIN_RANDOM_SETS

POWER: Final = 0.8  # that a probe has on what was planted, or it is not shipped
INTERVENTIONS: Final = ("interventional", "replicated")
PRIOR: Final = 0.5  # even odds that there is something
_BY_NAME: Final = {kind.name: kind for kind in KINDS}
_SAME: Final = {kind.name for kind in KINDS if kind.same}


@dataclass(frozen=True, slots=True)
class Rate:
    """How often, of how many runs, and each bound at 0.95 on one side."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        """Return the share, in [0, 1]."""
        return self.hits / self.n if self.n else 0.0

    @property
    def low(self) -> float:
        """Return the lower bound; 0 of nothing."""
        return clopper_pearson(self.hits, self.n)[0] if self.n else 0.0

    @property
    def high(self) -> float:
        """Return the upper bound; 1 of nothing."""
        return clopper_pearson(self.hits, self.n)[1] if self.n else 1.0

    def as_json(self, *bounds: str) -> dict[str, float]:
        """Return it with those bounds."""
        return {
            "rate": round(self.value, 4),
            "n": self.n,
            **{name: round(getattr(self, name), 4) for name in bounds},
        }


def count(runs: Iterable[Run], statistic: str, hit: Callable[[Told], bool]) -> Rate:
    """Count runs in which a finding of the statistic is a hit: a run is one trial, however much it reports."""
    trials = [[told for told in run.findings if told.statistic == statistic] for run in runs]
    return Rate(sum(any(map(hit, trial)) for trial in trials), len(trials))


def false_supports(runs: Iterable[Run], statistic: str) -> Rate:
    """Return in how many runs something was supported that is not so, of those that could have supported it."""
    able = (run for run in runs if could_support(run, statistic))
    return count(able, statistic, lambda told: told.status == "supported" and not told.true)


def could_support(run: Run, statistic: str) -> bool:
    """Whether the run measured the statistic and could have supported it: else nothing false could show.

    An intervention needs as many random sets as a verdict does, and so many that the first rank among them survives the
    correction, with the run's other p-values as they are.
    """
    return any(
        told.statistic == statistic and (told.rung not in INTERVENTIONS or _first_rank_survives(run, place))
        for place, told in enumerate(run.findings)
    )


def _first_rank_survives(run: Run, place: int) -> bool:
    sets = run.findings[place].random_sets
    p_values = [told.p_value for told in run.findings if told.p_value is not None]
    p_values[place] = 1 / (sets + 1)
    return sets >= MIN_RANDOM_SETS and adjust_benjamini_hochberg(p_values)[place] <= ALPHA + 1e-12


def false_counters(runs: Iterable[Run], statistic: str) -> Rate:
    """Return in how many runs something was said not to be so, of those that measured it.

    It is false of what is there; of models with nothing to find, too, where a statistic can show no absence.
    """
    measured = (run for run in runs if any(told.statistic == statistic for told in run.findings))
    return count(measured, statistic, lambda told: told.status == "not_supported")


def power(runs: Iterable[Run], statistic: str, rungs: Sequence[str] = ()) -> Rate:
    """Return in how many runs what was planted was found, at one of the rungs where some are named."""
    return count(
        runs,
        statistic,
        lambda told: told.status == "supported" and told.true and (not rungs or told.rung in rungs),
    )


def split(runs: Iterable[Run], statistic: str) -> tuple[list[Run], list[Run]]:
    """Return the runs on models with nothing of the statistic to find, and those with; not where nobody knows."""
    nulls, planted = list[Run](), list[Run]()
    for run in runs:
        kind = _BY_NAME[run.kind]
        if statistic not in kind.unknown:
            (planted if kind.holds(statistic) else nulls).append(run)
    return nulls, planted


def of_unknown_truth(runs: Iterable[Run], statistic: str) -> list[Run]:
    """Return the runs on models of which nobody knows whether there is something of the statistic to find."""
    return [run for run in runs if statistic in _BY_NAME[run.kind].unknown]


def coverage(runs: Iterable[Run], statistic: str) -> Rate:
    """Return how many intervals hold the mean over all runs on the same model, which no run's sequences share."""
    told = [
        each
        for run in runs
        if run.kind in _SAME
        for each in run.findings
        if each.statistic == statistic and each.true
    ]
    if not told:
        return Rate(0, 0)
    truth = fmean(each.value for each in told)
    return Rate(sum(each.low <= truth <= each.high for each in told), len(told))


def worth(runs: Sequence[Run], statistic: str) -> dict[str, Any]:
    """Return, for each rung of the statistic, how likely a supported finding is true at even odds before it.

    By Bayes: power / (power + false supports); its lower bound takes the lower bound of the one and the upper of the
    other. False supports are counted at any rung, since a weaker claim that is false could have been a stronger; what
    is replicated counts as found at *interventional* as well.
    """
    nulls, planted = split(runs, statistic)
    wrong = false_supports(nulls, statistic)
    seen = {told.rung for run in planted for told in run.findings if told.statistic == statistic}
    rungs = {rung: [rung] for rung in seen}
    if seen & set(INTERVENTIONS):
        rungs["interventional"] = list(INTERVENTIONS)
    return {
        rung: _worth(power(planted, statistic, counted), wrong) for rung, counted in sorted(rungs.items())
    }


def _worth(found: Rate, wrong: Rate) -> dict[str, Any]:
    both = found.value * PRIOR + wrong.value * (1 - PRIOR)
    low, high = found.low * PRIOR, wrong.high * (1 - PRIOR)
    return {
        "probability": round(found.value * PRIOR / both, 4) if both else None,
        "low": round(low / (low + high), 4) if low else 0.0,
        "prior": PRIOR,
        "false_support": wrong.as_json("high"),
        "power": found.as_json("low"),
    }


def broken(runs: Sequence[Run], statistics: Sequence[str]) -> list[str]:
    """Name every promise that the runs do not keep."""
    faults = []
    for statistic in statistics:
        nulls, planted = split(runs, statistic)
        wrong, counter, found = (
            false_supports(nulls, statistic),
            false_counters(planted if shows_absence(statistic) else nulls, statistic),
            power(planted, statistic),
        )
        if wrong.high > ALPHA:
            faults.append(f"{statistic}: false supports up to {wrong.high:.1%}, {ALPHA:.0%} is promised")
        if counter.high > ALPHA:
            faults.append(
                f"{statistic}: said not to be so of up to {counter.high:.1%}, {ALPHA:.0%} is promised"
            )
        if found.value < POWER:
            faults.append(f"{statistic}: power {found.value:.1%}, {POWER:.0%} is promised")
    return faults


def by_kind(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Return the runs of each kind, in the order of `KINDS`."""
    grouped = defaultdict[str, list[Run]](list)
    for run in runs:
        grouped[run.kind].append(run)
    return {kind.name: grouped[kind.name] for kind in KINDS if kind.name in grouped}
