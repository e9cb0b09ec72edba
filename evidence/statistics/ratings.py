"""How any number of people agree who rated the same things: Krippendorff's alpha of nominal ratings, for one look.

alpha = 1 - D_o / D_e: what ratings of the same thing disagree on, by what ratings of different things would. A thing
counts by its ratings, so ratings may be missing. Source: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability"
(2011), section C; "Content Analysis" (4th ed., 2019), chapter 12.

Its interval is of a bootstrap over units: what is independent is drawn anew, a thousand times, by numbers that are the
same for the same ratings. The usual one (A. F. Hayes and K. Krippendorff, Communication Methods and Measures 1 (2007),
77-89) is certain where nobody ever disagreed: of fifty things, nine tenths of whose ratings are the same, its lower
bound misses in 35 % of cases for the 5 % that it promises. So each bound is of the ratings with one unit more, of mean
size, that speaks against it: one that disagrees on the two commonest categories for the lower bound, one that agrees
on the second commonest for the upper. Both then miss in at most about 6 %, from twenty units on
(docs/decisions/0091-how-reviewers-agree.md); fewer get no number. `agreement` bounds alpha at all looks together, for
verdicts, and is far wider.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from evidence.statistics.intervals import CONFIDENCE, Estimate, check_confidence
from evidence.statistics.numerics import nearest
from evidence.statistics.shares import estimate_share
from evidence.statistics.units import Tally, Unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METHOD: Final = "krippendorff_bootstrap"
FEWEST_UNITS: Final = 20  # the fewest for which the bounds were measured
_DRAWS: Final = 1_000
_AT_ONCE: Final = 50  # draws in memory together
_SEED: Final = 2011
_LOWEST, _HIGHEST = -1.0, 1.0  # of alpha, for two ratings a thing; of more, the lowest is nearer to 0


@dataclass(frozen=True, slots=True)
class Rated:
    """One thing, and how often it was put into each category; rated less than twice, it says nothing."""

    counts: Mapping[str, int]
    unit: Hashable  # things of one unit depend on each other

    @property
    def n(self) -> int:
        """Its ratings."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class RatedAgreement:
    """How the ratings of things agree."""

    n: int  # things rated twice or more
    share: Estimate  # of pairs of ratings of the same thing, each thing weighing as many as it has ratings
    alpha: (
        Estimate | None
    )  # None: all ratings are the same, and chance would explain as much; or too few units


def agreement_of_ratings(
    rated: Iterable[Rated], categories: Collection[str], confidence: float = CONFIDENCE
) -> RatedAgreement | None:
    """Return how ratings agree; None where no thing was rated twice.

    Args:
        categories: all that a rating may say, two at least.
        confidence: two-sided, of the share and of alpha, each by itself.

    Raises:
        ValueError: confidence outside (0, 1), fewer than two categories, or a rating that is in none.
    """
    check_confidence(confidence)
    if len(categories) < 2:
        raise ValueError("ratings agree on one of at least two categories")
    paired = [each for each in rated if each.n > 1]
    if any(not each.counts.keys() <= set(categories) for each in paired):
        raise ValueError("a rating is in one of the categories")
    share = estimate_share(_tally(paired), confidence)
    if share is None:
        return None
    n = len(paired)
    of_things = replace(share, n=n, n_effective=min(share.n_effective, n), units=None)
    return RatedAgreement(n, of_things, _estimate_alpha(paired, sorted(categories), of_things))


def _agreement(each: Rated) -> float:
    """Return the share of a thing's pairs of ratings that are the same."""
    return sum(count * (count - 1) for count in each.counts.values()) / (each.n * (each.n - 1))


def _tally(rated: Collection[Rated]) -> Tally:
    """Return agreement by unit: a thing is as many observations as it has ratings; one, where all have as many."""
    even = len({each.n for each in rated}) == 1
    weights: Counter[Hashable] = Counter()
    totals: dict[Hashable, float] = {}
    for each in rated:
        weight = 1 if even else each.n
        weights[each.unit] += weight
        totals[each.unit] = totals.get(each.unit, 0.0) + _agreement(each) * weight
    return Tally(Counter(Unit(n, min(float(n), totals[unit])) for unit, n in weights.items()))


def _estimate_alpha(rated: Sequence[Rated], categories: Sequence[str], share: Estimate) -> Estimate | None:
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    units = _units(rated, categories)
    value = _alpha(units.sum(axis=0, keepdims=True))[0]
    if len(units) < FEWEST_UNITS or np.isnan(value):
        return None
    tail = (1 - share.confidence) / 2
    against, for_it = _units_more(units)
    lows, highs = (_draw_alphas(np.vstack([units, more])) for more in (against, for_it))
    low = np.quantile(np.where(np.isnan(lows), _LOWEST, lows), tail)
    high = np.quantile(np.where(np.isnan(highs), _HIGHEST, highs), 1 - tail)
    return replace(
        share,
        value=nearest(float(value)),
        stderr=nearest(float(np.nanstd(lows))),
        low=nearest(min(float(low), float(value))),
        high=nearest(max(float(high), float(value))),
        worst=nearest(float(value)),
        best=nearest(float(value)),
        method=METHOD,
    )


def _units(rated: Sequence[Rated], categories: Sequence[str]) -> Floats:
    """Return (unit, 1 + category): what agrees among the ratings of a unit's things, and how many are in each category.

    In an order of their own: whoever is listed first makes no difference.
    """
    import numpy as np  # noqa: PLC0415  # as above

    found: dict[Hashable, list[float]] = {}
    for each in rated:
        row = found.setdefault(each.unit, [0.0] * (1 + len(categories)))
        row[0] += _agreement(each) * each.n
        for k, name in enumerate(categories, start=1):
            row[k] += each.counts.get(name, 0)
    return np.array(sorted(found.values()), dtype=np.float64)


def _units_more(units: Floats) -> tuple[Floats, Floats]:
    """Return a unit of mean size that disagrees on the commonest categories, and one that agrees on the second."""
    import numpy as np  # noqa: PLC0415  # as above

    of_each = units[:, 1:].sum(axis=0)
    size = of_each.sum() / len(units)
    first, second = np.argsort(-of_each, kind="stable")[:2] + 1
    against, for_it = np.zeros(units.shape[1]), np.zeros(units.shape[1])
    against[[first, second]] = size / 2
    for_it[[0, second]] = size
    return against, for_it


def _draw_alphas(units: Floats) -> Floats:
    """Return alpha (draw) of units drawn anew, as many as there are; NaN where all ratings of a draw are the same."""
    import numpy as np  # noqa: PLC0415  # as above

    kinds, counts = np.unique(units, axis=0, return_counts=True)
    generator = np.random.default_rng(_SEED)
    found = []
    for _ in range(_DRAWS // _AT_ONCE):
        drawn = generator.multinomial(len(units), counts / len(units), size=_AT_ONCE)  # (draw, kind)
        found.append(_alpha(drawn @ kinds))
    return np.concatenate(found)


def _alpha(sums: Floats) -> Floats:
    """Return alpha (draw) of sums over units (draw, 1 + category); NaN where all ratings are the same."""
    import numpy as np  # noqa: PLC0415  # as above

    of_each = sums[:, 1:]
    n = of_each.sum(axis=1)
    by_chance = (of_each * np.maximum(of_each - 1, 0)).sum(axis=1) / (n * (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(by_chance < 1, (sums[:, 0] / n - by_chance) / (1 - by_chance), np.nan)
    return np.clip(found, _LOWEST, _HIGHEST)
