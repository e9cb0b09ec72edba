"""What several looks at one question do to its alpha: computed for shares, simulated for clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any, Final

import numpy as np
from scipy import stats

from bench.calibration.clustered import draw_chances
from bench.calibration.naive import wilson_low
from bench.calibration.page import ALPHA, Rate, Row, section
from evidence.statistics import two_sided
from evidence.statistics.sequences import STAKES, anytime_share
from evidence.statistics.shares import clopper_pearson

LowerBound = Callable[[int, int], float]  # of successes and n

PLANNED: Final = 5  # runs
OBSERVATIONS: Final = 1_000
CLUSTERS: Final = 1_000
_AT_ONCE: Final = 250  # sequences of clusters that are in memory


def exact_bound(successes: int, n: int, alpha: float = ALPHA) -> float:
    """Return the Clopper-Pearson bound of one look."""
    return clopper_pearson(successes, n, two_sided(1 - alpha))[0]


def anytime_bound(successes: int, n: int, alpha: float = ALPHA) -> float:
    """Return the bound that holds at all looks together."""
    return anytime_share(successes, n, two_sided(1 - alpha)).low or 0.0


def fewest_to_pass(bound: LowerBound, n: int, threshold: float) -> int:
    """Return how many of n successes put the bound at the threshold, n + 1 where none do."""
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        if bound(middle, n) >= threshold:
            high = middle
        else:
            low = middle + 1
    return low


def chance_of_ever_passing(share: float, fewest: Mapping[int, int]) -> float:
    """Return the exact chance that any look passes, where the true share is `share`.

    Args:
        fewest: for each look's n, the successes it needs.
    """
    alive, passed = np.array([1.0]), 0.0  # chance of each number of successes, with no pass so far
    for n in range(1, max(fewest) + 1):
        alive = np.append(alive * (1 - share), 0.0) + np.append(0.0, alive * share)
        if n in fewest:
            passed += float(alive[fewest[n] :].sum())
            alive[fewest[n] :] = 0.0
    return passed


@section(
    title="Five runs, one of which passes",
    says=(
        "Five runs are planned, and each is judged with a fifth of alpha (Clopper and Pearson). False pass and "
        "false fail: any of the five does. The runs are independent, which is the worst for the rule: runs "
        "that share their items pass together. *Naive* is Wilson's bound for each, at all of alpha. Power, of "
        "five and of one run, is where the truth lies as the case says."
    ),
    columns=("false pass", "false fail", "power of five", "power of one", "naive"),
    order=70,
    one_in=None,
)
def measure_reruns(_runs: int) -> list[Row]:
    """Return the exact rates of each case."""
    return [measure_reruns_case(*case) for case in ((100, 0.9, 0.97), (200, 0.9, 0.96), (400, 0.95, 0.985))]


def measure_reruns_case(n: int, threshold: float, better: float) -> Row:
    """Return the rates of runs of n observations."""
    planned = partial(exact_bound, alpha=ALPHA / PLANNED)

    def once(bound: LowerBound, against: float, share: float) -> float:
        return float(stats.binom.sf(fewest_to_pass(bound, n, against) - 1, n, share))

    def ever(chance: float) -> Rate:
        return Rate(1 - (1 - chance) ** PLANNED)

    # An upper bound of a share is the lower one of its failures.
    false_pass, false_fail = (ever(once(planned, share, share)) for share in (threshold, 1 - threshold))
    power = once(planned, threshold, better)
    naive = ever(once(wilson_low, threshold, threshold))
    cells = (str(false_pass), str(false_fail), str(ever(power)), str(Rate(power)), naive.marked())
    return Row(f"n {n} a run, at least {threshold:g}, truth {better:g}", cells, (false_pass, false_fail))


@section(
    title="Looking again and again at 1,000 observations",
    says=(
        "Independent observations arrive and are judged after every 50, and after each. Betting (Waudby-Smith "
        "and Ramdas). False pass, false fail and power: any of the looks does. *Naive* is Wilson's bound at each "
        "look. Power is where the truth lies as the case says."
    ),
    columns=("false pass", "false fail", "power", "naive"),
    order=75,
    one_in=None,
)
def measure_peeking(_runs: int) -> list[Row]:
    """Return the exact rates of each case."""
    return [
        measure_peeking_case(every, *case) for every, case in product((50, 1), ((0.9, 0.93), (0.95, 0.975)))
    ]


def measure_peeking_case(every: int, threshold: float, better: float) -> Row:
    """Return the rates where somebody looks after so many observations, again and again."""

    def fewest(bound: LowerBound, against: float) -> dict[int, int]:
        return {n: fewest_to_pass(bound, n, against) for n in range(every, OBSERVATIONS + 1, every)}

    def ever(share: float, needed: Mapping[int, int]) -> Rate:
        return Rate(chance_of_ever_passing(share, needed))

    passing = fewest(anytime_bound, threshold)
    false_pass, power = ever(threshold, passing), ever(better, passing)
    false_fail = ever(1 - threshold, fewest(anytime_bound, 1 - threshold))
    naive = ever(threshold, fewest(wilson_low, threshold))
    cells = (str(false_pass), str(false_fail), str(power), naive.marked())
    looks = OBSERVATIONS // every
    return Row(f"{looks:,} looks, at least {threshold:g}, truth {better:g}", cells, (false_pass, false_fail))


@section(
    title="A thousand looks at clusters",
    says=(
        "A look after each of 1,000 clusters of five whose observations correlate at 0.3: betting on cluster "
        "means. *Naive* bets on the observations as if they were independent."
    ),
    columns=("false pass", "false fail", "power", "naive"),
    order=80,
    one_in=2,
)
def measure_clusters(runs: int) -> list[Row]:
    """Return the rates of each threshold."""
    return [measure_clusters_case(threshold, runs) for threshold in (0.8, 0.9, 0.95)]


def measure_clusters_case(threshold: float, runs: int) -> Row:
    """Return the rates of one threshold, over so many sequences of clusters."""
    false_pass, false_fail, naive = [], [], []
    for observations in draw_sequences(threshold, runs, seed=1):
        means = observations.mean(axis=2)
        false_pass.append(ever_wins(means, threshold))
        false_fail.append(ever_wins(1 - means, 1 - threshold))
        naive.append(ever_wins(observations.reshape(len(observations), -1), threshold))
    better = draw_sequences((1 + threshold) / 2, max(runs // 4, 1), seed=2)
    power = [ever_wins(observations.mean(axis=2), threshold) for observations in better]
    promised = _rate(false_pass), _rate(false_fail)
    cells = (*map(str, promised), str(_rate(power)), _rate(naive).marked())
    return Row(f"at least {threshold:g}", cells, promised)


def draw_sequences(share: float, runs: int, seed: int) -> Iterator[Any]:
    """Yield observations in clusters of five, a part of the runs at a time. Shape (run, cluster, observation)."""
    random = np.random.default_rng([seed, int(1000 * share)])
    for begin in range(0, runs, _AT_ONCE):
        count = min(_AT_ONCE, runs - begin)
        chances = draw_chances(random, share, 0.3, count * CLUSTERS).reshape(count, CLUSTERS, 1)
        yield (random.random((count, CLUSTERS, 5)) < chances).astype(np.float64)


def ever_wins(values: Any, threshold: float) -> Any:
    """Return for each row whether gamblers against `threshold` ever hold 1 / alpha on average."""
    wealth = np.zeros_like(values)
    for stake in STAKES:
        wealth += np.exp(np.cumsum(np.log1p(stake * (values / threshold - 1)), axis=1)) / len(STAKES)
    return (wealth >= 1 / ALPHA).any(axis=1)


def _rate(parts: list[Any]) -> Rate:
    won = np.concatenate(parts)
    return Rate(float(won.mean()), won.size)


@section(
    title="What looks cost in width",
    says=(
        "Distance of the bound from the value: Wilson's for one look, and the others as multiples of it: "
        "Clopper and Pearson's for one look, for one of five planned, and betting for any number of looks."
    ),
    columns=("Wilson's", "one look", "one of five planned", "any number"),
    order=85,
    one_in=None,
)
def measure_widths(_runs: int) -> list[Row]:
    """Return the widths for each share and n."""
    return [_widths_case(share, n) for share in (0.9, 0.95) for n in (100, 1_000, 10_000, 100_000)]


def _widths_case(share: float, n: int) -> Row:
    bounds = (wilson_low, exact_bound, partial(exact_bound, alpha=ALPHA / PLANNED), anytime_bound)
    naive, *others = (share - bound(round(share * n), n) for bound in bounds)
    return Row(f"share {share:g}, n {n:,}", (f"{naive:.4f}", *(f"{each / naive:.2f}" for each in others)), ())
