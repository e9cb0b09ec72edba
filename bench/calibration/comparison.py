"""How often a comparison claims what is not so: exactly, for shares; by simulation, for clusters.

`python -m bench.calibration.comparison` prints the sections.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
from scipy import stats

from bench.calibration.section import Section, percent
from evidence.statistics.differences import mean_difference, paired_shares, unpaired_means, unpaired_shares

ALPHA = 0.05
MARGIN = 0.05


@cache
def _paired(better: int, worse: int, n: int) -> tuple[float, float]:
    """Return the lower bound and the p-value."""
    difference = paired_shares(better, worse, n, ALPHA)
    return difference.low or 0.0, 1.0 if difference.p_value is None else difference.p_value


def paired_claims(n: int, better: float, worse: float, margin: float = MARGIN) -> tuple[float, float]:
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
    return not_worse, regression


def paired() -> Section:
    """Return the exact false claims over paired items."""
    rows = []
    for n, differing in itertools.product((50, 100, 200, 400), (0.06, 0.1, 0.2)):
        wrongly = paired_claims(n, (differing - MARGIN) / 2, (differing + MARGIN) / 2)[0]
        false = paired_claims(n, differing / 2, differing / 2)
        detectable = (
            paired_shares(round(n * differing / 2), round(n * differing / 2), n, ALPHA).detectable or 0.0
        )
        able = min(detectable, differing)
        power = paired_claims(n, (differing - able) / 2, (differing + able) / 2)[1]
        rows.append(
            (
                f"{n}",
                f"{differing}",
                percent(wrongly),
                percent(false[0]),
                percent(2 * false[1]),
                f"{able:.3f}",
                percent(power),
            )
        )
    return Section(
        "Two runs over the same items",
        f"Exact. Wrongly not inferior: the candidate is worse by the margin, {MARGIN}. False difference: there is "
        "none, and the test says there is, either way. Power at the smallest detectable difference, or at the "
        "largest there can be with that share of items that differ.",
        (
            "items",
            "share that differ",
            "wrongly not inferior (5 %)",
            "not inferior where equal",
            "false difference (5 %)",
            "detectable",
            "power there",
        ),
        rows,
    )


def unpaired_claims(n: int, candidate: float, baseline: float, margin: float = MARGIN) -> tuple[float, float]:
    """Return the exact chances of claiming "not worse by the margin" and "a difference", for n items in each run."""
    ks = [
        np.arange(int(stats.binom.ppf(1e-6, n, p)), int(stats.binom.isf(1e-6, n, p)) + 1)
        for p in (candidate, baseline)
    ]
    not_worse = different = 0.0
    for k, m in itertools.product(*(each.tolist() for each in ks)):
        chance = float(stats.binom.pmf(k, n, candidate) * stats.binom.pmf(m, n, baseline))
        if chance > 1e-8:
            difference = unpaired_shares((k, n), (m, n), ALPHA)
            not_worse += chance * ((difference.low or -1.0) > -margin)
            different += chance * ((difference.p_value or 0.0) <= ALPHA)
    return not_worse, different


def unpaired() -> Section:
    """Return the exact false claims over items that the runs do not share."""
    rows = []
    for n, share in itertools.product((50, 100, 200), (0.8, 0.9, 0.95)):
        wrongly, false = unpaired_claims(n, share - MARGIN, share)[0], unpaired_claims(n, share, share)[1]
        rows.append((f"{n}", f"{share}", percent(wrongly), percent(false)))
    return Section(
        "Two runs over different items",
        f"Exact, n items in each. Wrongly not inferior: the candidate is worse by the margin, {MARGIN}.",
        ("n", "baseline's share", "wrongly not inferior (5 %)", "false difference (5 %)"),
        rows,
    )


def mean_claims(
    units: int, each: int, rare: float, size: float, repetitions: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return how often a mean's bound is above the truth, and how often the test sees what is not there.

    Args:
        units: clusters, of `each` items.
        rare: chance that a whole cluster differs, by -`size`; its items by that and noise.
    """
    clusters = np.repeat(np.arange(units), each)
    above = false = 0
    for _ in range(repetitions):
        changed = np.where(rng.random(units) < rare, -size, 0.0)
        noise = np.where(changed == 0, 0.0, 1.0).repeat(each) * rng.uniform(-0.1, 0.1, units * each)
        worse = mean_difference(changed.repeat(each) + noise, clusters, ALPHA, 1.0)
        above += (worse.low or 0.0) > -rare * size
        turned = changed * rng.choice([-1.0, 1.0], units)
        null = mean_difference(turned.repeat(each) + noise, clusters, ALPHA, 1.0)
        false += (1.0 if null.p_value is None else null.p_value) <= ALPHA
    return above / repetitions, false / repetitions


def means(repetitions: int = 1_000, seed: int = 20_261_126) -> Section:
    """Return the false claims over means in clusters, where few clusters differ and by much."""
    rng, rows = np.random.default_rng(seed), []
    for units, rare in itertools.product((20, 50, 200), (0.02, 0.1, 0.5)):
        above, false = mean_claims(units, 4, rare, 0.9, repetitions, rng)
        rows.append((f"{units}", f"{rare}", percent(above), percent(false)))
    return Section(
        "Mean differences over clusters",
        f"Clusters of four items; a share of the clusters is worse by 0.9 on a scale of 1, the others are the same. "
        f"{repetitions:,} repetitions. Bound too high: above the true mean difference.",
        ("clusters", "share that differ", "bound too high (5 %)", "false difference (5 %)"),
        rows,
    )


def unpaired_mean_claims(
    n: int, m: int, shape: tuple[float, float], repetitions: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the same for two runs over different items, n and m of them, from one beta distribution."""
    above = false = 0
    for row in rng.beta(*shape, (repetitions, n + m)):
        difference = unpaired_means((row[:n], np.arange(n)), (row[n:], np.arange(m)), ALPHA, 1.0)
        above += (difference.low or 0.0) > 0
        false += (difference.p_value or 0.0) <= ALPHA
    return above / repetitions, false / repetitions


def different_items(repetitions: int = 400, seed: int = 20_261_126) -> Section:
    """Return the false claims over means of different items."""
    rng, rows = np.random.default_rng(seed), []
    for (n, m), shape in itertools.product(
        ((20, 20), (20, 100), (100, 100)), ((9.0, 1.0), (1.0, 9.0), (2.0, 2.0))
    ):
        above, false = unpaired_mean_claims(n, m, shape, repetitions, rng)
        rows.append((f"{n} and {m}", f"beta{shape}", percent(above), percent(false)))
    return Section(
        "Means over different items",
        f"Values between 0 and 1; the true difference is 0. {repetitions:,} repetitions.",
        ("n", "values", "bound too high (5 %)", "false difference (5 %)"),
        rows,
    )


def sections() -> list[Section]:
    """Return all sections about comparisons, in their order on the page. Takes minutes."""
    return [paired(), unpaired(), means(), different_items()]


if __name__ == "__main__":
    print("\n".join(section.as_markdown() for section in sections()))
