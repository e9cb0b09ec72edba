"""What several looks at one question do to its alpha: computed for shares, simulated for clusters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, Final

import numpy as np
from scipy import stats

from bench.calibration import unequal
from bench.calibration.clustered import Design, draw, rate_of
from bench.calibration.many import Worths, ever_pass, first_pass
from bench.calibration.naive import wilson_low
from bench.calibration.page import ALPHA, Rate, Row, section
from evidence.statistics import two_sided
from evidence.statistics.sequences import STAKES, anytime_share
from evidence.statistics.shares import clopper_pearson

LowerBound = Callable[[int, int], float]  # of successes and n

PLANNED: Final = 5  # runs
OBSERVATIONS: Final = 1_000
CLUSTERS: Final = 1_000


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


def fewest_at_looks(looks: Sequence[int], threshold: float) -> dict[int, int]:
    """Return for each number of observations how many successes put the bound of all looks at the threshold.

    Raises:
        AssertionError: the product says otherwise at one of four looks.
    """
    n = np.array(looks)
    low, high = np.zeros_like(n), n + 1
    while (low < high).any():
        middle = (low + high) // 2
        won = (middle <= n) & Worths(middle / n, n, np.ones(n.size)).wins(threshold)
        low, high = np.where(won | (low >= high), low, middle + 1), np.where(won, middle, high)
    for at in range(0, n.size, max(n.size // 4, 1)):
        of_product = fewest_to_pass(anytime_bound, int(n[at]), threshold)
        np.testing.assert_equal(int(high[at]), of_product)
    return dict(zip(looks, high.tolist(), strict=True))


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

    looks = range(every, OBSERVATIONS + 1, every)

    def ever(share: float, needed: Mapping[int, int]) -> Rate:
        return Rate(chance_of_ever_passing(share, needed))

    passing = fewest_at_looks(looks, threshold)
    false_pass, power = ever(threshold, passing), ever(better, passing)
    false_fail = ever(1 - threshold, fewest_at_looks(looks, 1 - threshold))
    naive = ever(threshold, {n: fewest_to_pass(wilson_low, n, threshold) for n in looks})
    cells = (str(false_pass), str(false_fail), str(power), naive.marked())
    return Row(
        f"{len(looks):,} looks, at least {threshold:g}, truth {better:g}", cells, (false_pass, false_fail)
    )


@section(
    title="A thousand looks at clusters",
    says=(
        "A look after each of 1,000 clusters of five whose observations correlate at 0.3: betting on as many "
        "independent observations as they are worth. *Naive* bets on the observations as if they were independent, "
        "*means* on the mean of each cluster: that is proved to hold, and of the typical cluster."
    ),
    columns=("false pass", "false fail", "power", "naive", "means"),
    order=80,
    one_in=4,
)
def measure_clusters(runs: int) -> list[Row]:
    """Return the rates of each threshold."""
    return [measure_clusters_case(threshold, runs) for threshold in (0.8, 0.9, 0.95)]


def measure_clusters_case(threshold: float, runs: int, clusters: int = CLUSTERS) -> Row:
    """Return the rates of one threshold, over so many sequences of clusters."""
    design, seen = Design(0.3, 5, 5 * clusters), list[tuple[Any, ...]]()
    for sizes, good in draw(design, threshold, runs, seed=1):
        one_by_one = np.arange(5) < good[:, :, None]
        ends = ever_pass(sizes, good, threshold), ever_pass(sizes, sizes - good, 1 - threshold)
        naive = ever_wins(one_by_one.reshape(len(good), -1).astype(np.float64), threshold)
        seen.append((*ends, naive, ever_wins(good / 5, threshold)))
    false_pass, false_fail, naive, means = _rates(seen)
    better = [
        ever_pass(*part, threshold) for part in draw(design, (1 + threshold) / 2, max(runs // 4, 1), seed=2)
    ]
    power = Rate(float(np.concatenate(better).mean()))
    cells = (str(false_pass), str(false_fail), str(power), naive.marked(), means.marked())
    return Row(f"at least {threshold:g}", cells, (false_pass, false_fail))


def ever_wins(values: Any, threshold: float) -> Any:
    """Return for each row whether gamblers against `threshold` ever hold 1 / alpha on average."""
    wealth = np.zeros_like(values)
    for stake in STAKES:
        wealth += np.exp(np.cumsum(np.log1p(stake * (values / threshold - 1)), axis=1)) / len(STAKES)
    return (wealth >= 1 / ALPHA).any(axis=1)


@section(
    title="A look at each of many conversations, which fail more the longer they are",
    says=(
        "A look after each of 400 units of 1 to 9 observations, or of a geometric number, whose observations correlate "
        "at 0.3, and which fail as often as they are large. *Means* bets on the mean of each unit: on the typical "
        "unit, which is not the typical observation. *Units* is how many it takes to pass in half of the cases, "
        "where size says nothing and the truth is half way from the threshold to 1, relative to bets on means. Of "
        "lognormal sizes (spread 1) nothing is promised: there up to 12 % pass."
    ),
    columns=("false pass", "false fail", "means", "units"),
    order=81,
    one_in=8,
)
def measure_conversations(runs: int) -> list[Row]:
    """Return the rates of each kind of size and threshold."""
    cases = product(("1 to 9", "geometric"), (0.8, 0.9, 0.95))
    return [measure_conversations_case(kind, threshold, runs) for kind, threshold in cases]


def measure_conversations_case(kind: str, threshold: float, runs: int, n_units: int = 400) -> Row:
    """Return the rates of one kind of size at one threshold."""
    ends = []
    for sizes, good in unequal.draw(unequal.Sizes(kind, 0.3, n_units, lean=1), threshold, runs, seed=1):
        failing = ever_pass(sizes, sizes - good, 1 - threshold)
        ends.append((ever_pass(sizes, good, threshold), failing, ever_wins(good / sizes, threshold)))
    false_pass, false_fail, means = _rates(ends)
    ours, theirs = _units_to_pass(unequal.Sizes(kind, 0.3, n_units), threshold, max(runs // 4, 1))
    cells = (str(false_pass), str(false_fail), means.marked(), f"{ours / theirs:.2f}")
    return Row(f"{kind}, at least {threshold:g}", cells, (false_pass, false_fail))


def _rates(parts: list[tuple[Any, ...]]) -> list[Rate]:
    """Return how often each of several things happened, told for each run, a part of the runs at a time."""
    return [rate_of(np.concatenate(each)) for each in zip(*parts, strict=True)]


def _units_to_pass(design: unequal.Sizes, threshold: float, runs: int) -> tuple[float, float]:
    """Return after how many units half of the draws have passed: by our bets, and by those on means."""
    ours, theirs = [], []
    for sizes, good in unequal.draw(design, (1 + threshold) / 2, runs, seed=2):
        ours.append(first_pass(sizes, good, threshold))
        wealth = sum(
            np.exp(np.cumsum(np.log1p(stake * (good / sizes / threshold - 1)), axis=1)) for stake in STAKES
        )
        won = wealth / len(STAKES) >= 1 / ALPHA
        theirs.append(np.where(won.any(axis=1), won.argmax(axis=1) + 1, design.n_units + 1))
    return float(np.median(np.concatenate(ours))), float(np.median(np.concatenate(theirs)))


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
