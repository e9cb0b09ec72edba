"""What several looks at one question do to its alpha: exactly, for shares; by simulation, for clusters.

`python -m bench.calibration.looks` prints the sections.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from scipy import stats

from bench.calibration.naive import wilson_low
from bench.calibration.section import Section, percent
from evidence.statistics import two_sided
from evidence.statistics.sequences import STAKES, anytime_share
from evidence.statistics.shares import clopper_pearson

ALPHA = 0.05
LowerBound = Callable[[int, int], float]  # of successes and n


def exact_bound(successes: int, n: int, alpha: float = ALPHA) -> float:
    """Return the Clopper-Pearson bound of one look."""
    return clopper_pearson(successes, n, two_sided(1 - alpha))[0]


def naive_bound(successes: int, n: int) -> float:
    """Return Wilson's bound, as tools give it that count no looks."""
    return wilson_low(successes, n)


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


def reruns() -> Section:
    """Return what five runs do, the best of which is taken."""
    rows = []
    for threshold, better, n in ((0.9, 0.97, 100), (0.9, 0.96, 200), (0.95, 0.985, 400)):
        for name, bound in (
            ("none (Wilson, each at 5 %)", naive_bound),
            ("five planned (exact, each at 1 %)", partial(exact_bound, alpha=ALPHA / 5)),
        ):
            passes = fewest_to_pass(bound, n, threshold) - 1
            once = [float(stats.binom.sf(passes, n, share)) for share in (threshold, better)]
            ever = [1 - (1 - chance) ** 5 for chance in once]
            rows.append((f"{threshold}", f"{n}", name, percent(ever[0]), percent(once[1]), percent(ever[1])))
    return Section(
        "Five runs, one of which passes",
        "False pass: the true share is the threshold. Power: it is 0.97, 0.96 and 0.985. Exact binomial figures for "
        "runs that are independent, which is the worst for the rule: runs that share their items pass together.",
        ("threshold", "n a run", "correction", "false pass in five", "power of one run", "power of five"),
        rows,
    )


def peeking() -> Section:
    """Return what looking every 50, and after each, of 1,000 observations does."""
    rows = []
    for every, threshold, better in ((50, 0.9, 0.93), (50, 0.95, 0.975), (1, 0.9, 0.93), (1, 0.95, 0.975)):
        looks = range(every, 1001, every)
        for name, bound in (("none (Wilson)", naive_bound), ("continuous (betting)", anytime_bound)):
            fewest = {n: fewest_to_pass(bound, n, threshold) for n in looks}
            false, power = (chance_of_ever_passing(share, fewest) for share in (threshold, better))
            rows.append((f"{threshold}", f"{len(looks)}", name, percent(false), percent(power)))
    return Section(
        "Looking again and again at 1,000 observations",
        "Chance that any of the looks passes; exact. Power: the true share is 0.93 (threshold 0.9) and 0.975 (0.95).",
        ("threshold", "looks", "correction", "false pass", "power"),
        rows,
    )


def clustered_looks(repetitions: int = 2_000, seed: int = 20_261_126) -> Section:
    """Return what a thousand looks do where observations come in clusters of five with correlation 0.3."""
    rows = []
    for threshold in (0.8, 0.9, 0.95):
        paths = _cluster_paths(threshold, repetitions, seed)
        false = [float(np.mean(_ever_wins(values, threshold))) for values in paths]
        rows.append((f"{threshold}", *(percent(share) for share in false)))
    return Section(
        "A thousand looks at clusters",
        f"After each of 1,000 clusters of five (intra-cluster correlation 0.3), {repetitions:,} repetitions; the true "
        "share is the threshold. Betting on observations as if they were independent, beside betting on cluster means.",
        ("threshold", "false pass, observations", "false pass, cluster means"),
        rows,
    )


def widths() -> Section:
    """Return how far below the value the bounds are, and how many units they need."""
    rows = []
    for share in (0.9, 0.95):
        for n in (100, 1_000, 10_000, 100_000):
            successes = round(share * n)
            naive, one, five, ever = (
                share - bound(successes, n)
                for bound in (naive_bound, exact_bound, partial(exact_bound, alpha=ALPHA / 5), anytime_bound)
            )
            rows.append(
                (
                    f"{share}",
                    f"{n:,}",
                    f"{naive:.4f}",
                    f"{one / naive:.2f}",
                    f"{five / naive:.2f}",
                    f"{ever / naive:.2f}",
                )
            )
    return Section(
        "What it costs: width",
        "Distance of the bound (5 % on one side) from the value: Wilson's for one look, and the others as multiples.",
        ("share", "n", "Wilson, one look", "exact, one look", "exact, one of five planned", "continuous"),
        rows,
    )


def _cluster_paths(share: float, repetitions: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return observations, and cluster means, of 1,000 clusters of five. Shapes (repetition, step)."""
    rng = np.random.default_rng(seed)
    spread = 1 / 0.3 - 1  # of a beta distribution whose draws correlate observations by 0.3
    chances = rng.beta(share * spread, (1 - share) * spread, (repetitions, 1_000, 1))
    observations = (rng.random((repetitions, 1_000, 5)) < chances).astype(np.float64)
    return observations.reshape(repetitions, -1), observations.mean(axis=2)


def _ever_wins(values: np.ndarray, threshold: float) -> np.ndarray:
    """Return for each row whether gamblers against `threshold` ever hold 1 / alpha on average."""
    wealth = np.zeros_like(values)
    for stake in STAKES:
        wealth += np.exp(np.cumsum(np.log1p(stake * (values / threshold - 1)), axis=1)) / len(STAKES)
    return np.asarray((wealth >= 1 / ALPHA).any(axis=1))


def sections() -> list[Section]:
    """Return all sections about looks, in their order on the page. Takes about a minute."""
    return [reruns(), peeking(), clustered_looks(), widths()]


if __name__ == "__main__":
    print("\n".join(section.as_markdown() for section in sections()))
