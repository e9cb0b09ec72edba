"""How often a comparison claims what is not so: computed for shares, simulated for means."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Final

import numpy as np
from scipy import stats

from bench.calibration.page import ALPHA, Rate, Row, section
from evidence.statistics.differences import mean_difference, paired_shares, unpaired_means, unpaired_shares

MARGIN: Final = 0.05


@cache
def _paired(better: int, worse: int, n: int) -> tuple[float, float]:
    """Return the lower bound and the p-value."""
    difference = paired_shares(better, worse, n, ALPHA)
    return difference.low or 0.0, 1.0 if difference.p_value is None else difference.p_value


def paired_claims(n: int, better: float, worse: float, margin: float = MARGIN) -> tuple[Rate, Rate]:
    """Return the exact chances of claiming "not worse by the margin" and "a regression".

    Args:
        better, worse: chances that an item is right in the candidate only, in the baseline only.
    """
    differing = stats.binom(n, better + worse)
    not_worse = regression = 0.0
    for d in range(int(differing.ppf(1e-9)), int(differing.isf(1e-9)) + 1):
        ks = np.arange(d + 1)
        chances = stats.binom.pmf(ks, d, better / (better + worse)) * differing.pmf(d)
        for k, chance in zip(ks[chances > 1e-9].tolist(), chances[chances > 1e-9], strict=True):
            low, p_value = _paired(k, d - k, n)
            not_worse += float(chance) * (low > -margin)
            regression += float(chance) * (p_value <= ALPHA and 2 * k < d)
    return Rate(not_worse), Rate(regression)


@section(
    title="Two runs over the same items",
    says=(
        "*Wrongly not inferior*: the candidate is worse by the margin, 0.05. *False difference*: there is none, and "
        "the test says there is, either way. *Detectable* is the smallest difference that the comparison names as "
        "such, or the largest there can be where so many items differ; power is that of the test there."
    ),
    columns=("wrongly not inferior", "false difference", "not inferior where equal", "detectable", "power"),
    order=110,
    one_in=None,
)
def measure_paired(_runs: int) -> list[Row]:
    """Return the exact rates for each number of items and share of them that differ."""
    return [
        measure_paired_case(n, differing) for n, differing in product((50, 100, 200, 400), (0.06, 0.1, 0.2))
    ]


def measure_paired_case(n: int, differing: float) -> Row:
    """Return the rates where a share of n items differs."""
    wrongly, _ = paired_claims(n, (differing - MARGIN) / 2, (differing + MARGIN) / 2)
    equal, regression = paired_claims(n, differing / 2, differing / 2)
    false = Rate(2 * regression.value)
    half = round(n * differing / 2)
    detectable = min(paired_shares(half, half, n, ALPHA).detectable or 0.0, differing)
    _, power = paired_claims(n, (differing - detectable) / 2, (differing + detectable) / 2)
    cells = (str(wrongly), str(false), str(equal), f"{detectable:.3f}", str(power))
    return Row(f"n {n}, of which {100 * differing:g} % differ", cells, (wrongly, false))


def unpaired_claims(n: int, candidate: float, baseline: float, margin: float = MARGIN) -> tuple[Rate, Rate]:
    """Return the exact chances of claiming "not worse by the margin" and "a difference", for n items in each run."""
    ks = [
        np.arange(int(stats.binom.ppf(1e-6, n, p)), int(stats.binom.isf(1e-6, n, p)) + 1)
        for p in (candidate, baseline)
    ]
    not_worse = different = 0.0
    for k, m in product(*(each.tolist() for each in ks)):
        chance = float(stats.binom.pmf(k, n, candidate) * stats.binom.pmf(m, n, baseline))
        if chance > 1e-8:
            difference = unpaired_shares((k, n), (m, n), ALPHA)
            not_worse += chance * (difference.low is not None and difference.low > -margin)
            different += chance * ((difference.p_value or 0.0) <= ALPHA)
    return Rate(not_worse), Rate(different)


@section(
    title="Two runs over different items",
    says="Independent items, n in each run. *Wrongly not inferior* and *false difference* as above.",
    columns=("wrongly not inferior", "false difference", "not inferior where equal"),
    order=115,
    one_in=None,
)
def measure_unpaired(_runs: int) -> list[Row]:
    """Return the exact rates for each number of items and share."""
    return [measure_unpaired_case(n, share) for n, share in product((50, 100, 200), (0.8, 0.9, 0.95))]


def measure_unpaired_case(n: int, share: float) -> Row:
    """Return the rates where the baseline has that share."""
    wrongly, _ = unpaired_claims(n, share - MARGIN, share)
    equal, false = unpaired_claims(n, share, share)
    return Row(f"n {n}, baseline {share:g}", (str(wrongly), str(false), str(equal)), (wrongly, false))


@section(
    title="Mean differences over clusters",
    says=(
        "Clusters of four items, of which a few are worse by 0.9 on a scale of 1 and the others are the same. *Bound "
        "too high*: above the true mean difference. *False difference*: clusters are as often better as worse, and "
        "the test sees a difference."
    ),
    columns=("bound too high", "false difference"),
    order=120,
    one_in=4,
)
def measure_means(runs: int) -> list[Row]:
    """Return the rates for each number of clusters and share of them that differ."""
    return [measure_means_case(units, rare, runs) for units, rare in product((20, 50, 200), (0.02, 0.1, 0.5))]


def measure_means_case(units: int, rare: float, runs: int, each: int = 4, size: float = 0.9) -> Row:
    """Return the rates of means.

    Args:
        units: clusters, of `each` items.
        rare: chance that a whole cluster differs, by -`size`; its items by that and noise.
    """
    random = np.random.default_rng([units, int(1000 * rare)])
    clusters = np.arange(units).repeat(each)
    above = false = 0
    for _ in range(runs):
        changed = np.where(random.random(units) < rare, -size, 0.0)
        noise = (changed != 0).repeat(each) * random.uniform(-0.1, 0.1, units * each)
        worse = mean_difference(changed.repeat(each) + noise, clusters, ALPHA, 1.0)
        above += (worse.low or 0.0) > -rare * size
        turned = changed * random.choice([-1.0, 1.0], units)
        null = mean_difference(turned.repeat(each) + noise, clusters, ALPHA, 1.0)
        false += (1.0 if null.p_value is None else null.p_value) <= ALPHA
    return _row(f"{units} clusters, of which {100 * rare:g} % differ", above, false, runs)


@section(
    title="Means over different items",
    says="Values between 0 and 1 of one beta distribution in both runs: the true difference is 0.",
    columns=("bound too high", "false difference"),
    order=125,
    one_in=10,
)
def measure_different(runs: int) -> list[Row]:
    """Return the rates for each pair of sizes and distribution."""
    sizes, shapes = ((20, 20), (20, 100), (100, 100)), ((9.0, 1.0), (1.0, 9.0), (2.0, 2.0))
    return [measure_different_case(*ns, shape, runs) for ns, shape in product(sizes, shapes)]


def measure_different_case(n: int, m: int, shape: tuple[float, float], runs: int) -> Row:
    """Return the rates for two runs, n and m items of one beta distribution."""
    random = np.random.default_rng([n, m, *map(int, shape)])
    above = false = 0
    for values in random.beta(*shape, (runs, n + m)):
        difference = unpaired_means((values[:n], np.arange(n)), (values[n:], np.arange(m)), ALPHA, 1.0)
        above += (difference.low or 0.0) > 0
        false += (difference.p_value or 0.0) <= ALPHA
    return _row(f"n {n} and {m}, beta({shape[0]:g}, {shape[1]:g})", above, false, runs)


def _row(case: str, above: int, false: int, runs: int) -> Row:
    promised = Rate(above / runs, runs), Rate(false / runs, runs)
    return Row(case, tuple(map(str, promised)), promised)
