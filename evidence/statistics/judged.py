"""The mean of what people would say, from a few of their labels and many of a judge's: prediction-powered.

A judge (a model that scores answers) is cheap and wrong in ways nobody knows. Where people labelled some of the same
items, the judge's mean over the others is corrected by how far it was off on those: value = share x (mean judge score
of the unlabelled - that of the labelled) + mean label. The share (lambda, "power tuning") is that which makes the value
least uncertain; a useless judge gets 0, and the value is the mean label.

Source: A. N. Angelopoulos, J. C. Duchi and T. Zrnic, "PPI++: Efficient Prediction-Powered Inference",
arXiv:2311.01453 (2023), sections 3 and 6.

Its interval is a normal one, and takes a judge that was never seen to be wrong on 30 labels for one that never is: it
passes up to 47 % of what it should not (docs/reference/statistics.md). So the bounds here are others:

* for the lower bound, the judge is taken to have been wrong 1 + lambda / 2 times more than seen, by saying the best
  where a person says the worst, and each time for as many items as depend on each other (the design effect); for the
  upper bound the other way round;
* the bound is a quantile of the beta distribution with the value and variance that result, as by E. L. Korn and
  B. I. Graubard, "Confidence intervals for proportions with small expected number of positive counts", Survey
  Methodology 24 (1998), 193-201: an effective number of labels, corrected by the ratio of normal to t quantile. Of
  clusters, only those that hold most of the failures give the t its degrees of freedom, and no more is shown than by
  as many labelled clusters that all come out alike, as in `shares`: of those that nobody labelled, a judge may be wrong
  on just the ones that fail.

With lambda = 0 and one label a unit this is Clopper and Pearson's interval of the labels, but for that correction:
their lower bound, too, is the quantile after one more failure. The half is by measurement, for a lambda that comes from
the same labels.

What is assumed: which items people labelled does not depend on the judge's score nor on what they would say.
"""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evidence.statistics.intervals import CONFIDENCE, Estimate
from evidence.statistics.shares import alike_bound, estimate_share, failing_units
from evidence.statistics.units import Tally, Unit, effective_units, tally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST_LABELS = 30  # labelled units: the fewest that docs/reference/statistics.md measures
_NEVER_SURE = 1e-9  # a value of exactly 0 or 1 has no beta distribution


class Calibration(enum.StrEnum):
    """Whether a judge's scores may stand for people's."""

    CALIBRATED = "calibrated"
    UNCALIBRATED = "uncalibrated"  # no labels
    TOO_FEW_LABELS = "too_few_labels"


@dataclass(frozen=True, slots=True)
class Judged:
    """One item as a judge scored it, and as a person did where one has."""

    judge: float
    human: float | None = None
    cluster: Hashable = None  # items of one cluster depend on each other; None: a cluster of its own


@dataclass(frozen=True, slots=True)
class Correction:
    """What people's labels make of a judge's scores."""

    calibration: Calibration
    estimate: Estimate | None  # None unless calibrated; its n counts labelled units
    n_labelled: int  # items
    n_unlabelled: int
    judge_mean: float | None  # of all items, uncorrected
    tuning: float | None  # lambda, in [0, 1]: how far the judge is relied on


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a judge's scores agree with people's, item by item."""

    n: int
    share: Estimate  # of items on which both say the same
    kappa: float | None  # Cohen's; None where both always say one and the same thing, and chance explains all
    kappa_low: float | None
    kappa_high: float | None
    confusion: tuple[tuple[float, float, int], ...]  # (human, judge, items), sorted


@dataclass(frozen=True, slots=True)
class JudgedSample:
    """Scores in [0, 1], as arrays of shapes (labelled item) and (unlabelled item)."""

    human: Floats
    judge: Floats
    unlabelled: Floats
    labelled_clusters: NDArray[np.int64]  # numbers from 0, the same for the same cluster in both
    unlabelled_clusters: NDArray[np.int64]

    @property
    def labelled_units(self) -> int:
        return len(set(self.labelled_clusters.tolist()))

    def mirrored(self) -> JudgedSample:
        """Return the sample with good and bad exchanged."""
        return replace(self, human=1 - self.human, judge=1 - self.judge, unlabelled=1 - self.unlabelled)


def correct_judge(
    items: Sequence[Judged], confidence: float = CONFIDENCE, *, lowest: float = 0.0, highest: float = 1.0
) -> Correction:
    """Return the mean of people's scores over all items, with its interval.

    Args:
        items: each once; scores of both within [lowest, highest].
        confidence: two-sided.

    Raises:
        ValueError: a score outside the limits, limits that enclose nothing, or confidence outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    sample, width = sample_of(items, lowest, highest), highest - lowest
    n_labelled, n_unlabelled = int(sample.human.size), int(sample.unlabelled.size)
    judge_mean = math.fsum(item.judge for item in items) / len(items) if items else None
    if sample.labelled_units < FEWEST_LABELS:
        state = Calibration.TOO_FEW_LABELS if n_labelled else Calibration.UNCALIBRATED
        return Correction(state, None, n_labelled, n_unlabelled, judge_mean, None)
    estimate, tuning = corrected_mean(sample, confidence)
    estimate = replace(
        estimate,
        value=lowest + width * estimate.value,
        stderr=width * (estimate.stderr or 0.0),
        low=lowest + width * (estimate.low or 0.0),
        high=lowest + width * (estimate.high or 0.0),
        worst=lowest + width * estimate.value,
        best=lowest + width * estimate.value,
    )
    return Correction(Calibration.CALIBRATED, estimate, n_labelled, n_unlabelled, judge_mean, tuning)


def corrected_mean(sample: JudgedSample, confidence: float) -> tuple[Estimate, float]:
    """Return the corrected mean of scores in [0, 1], and lambda, however few the labels: at least one."""
    tuning = _tuning(sample)
    value, variance = _value_and_variance(sample, tuning)
    alpha = (1 - confidence) / 2
    low, high = _lower_bound(sample, alpha), 1 - _lower_bound(sample.mirrored(), alpha)
    estimate = Estimate(
        value=value,
        n=sample.labelled_units,
        n_units=sample.labelled_units,
        n_effective=sample.labelled_units,
        worst=value,
        best=value,
        stderr=math.sqrt(variance),
        low=min(low, value),
        high=max(high, value),
        confidence=confidence,
        method="prediction_powered",
    )
    return estimate, tuning


def agreement_of(
    pairs: Sequence[tuple[float, float]],
    confidence: float = CONFIDENCE,
    *,
    clusters: Sequence[Hashable] | None = None,
) -> Agreement | None:
    """Return how (human, judge) scores agree, None where there are no pairs.

    Args:
        clusters: of each pair, those of one depending on each other; None: each is independent.

    Kappa's interval is that of the share of agreement (`shares.estimate_share`) with what chance explains held fixed:
    unlike the normal one of J. L. Fleiss, J. Cohen and B. S. Everitt, Psychological Bulletin 72 (1969), 323-327, it
    does not collapse where nobody disagreed.

    Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20
    (1960), 37-46.
    """
    n = len(pairs)
    confusion, humans, judges = Counter(pairs), Counter(h for h, _ in pairs), Counter(j for _, j in pairs)
    share = estimate_share(_agreeing(pairs, range(n) if clusters is None else clusters), confidence)
    if share is None:
        return None
    by_chance = sum(humans[score] * judges[score] for score in humans) / n**2

    def kappa(agreeing: float | None) -> float | None:
        if agreeing is None or by_chance == 1:
            return None
        # With what chance explains held fixed, a bound of the share can be lower than any kappa there is.
        return max(-1.0, (agreeing - by_chance) / (1 - by_chance))

    table = tuple((human, judge, count) for (human, judge), count in sorted(confusion.items()))
    return Agreement(n, share, kappa(share.value), kappa(share.low), kappa(share.high), table)


def _agreeing(pairs: Sequence[tuple[float, float]], clusters: Iterable[Hashable]) -> Tally:
    """Return by cluster on how many pairs both say the same."""
    by_cluster: dict[Hashable, Unit] = {}
    for (human, judge), cluster in zip(pairs, clusters, strict=True):
        n, total, _ = by_cluster.get(cluster, Unit(0, 0.0))
        by_cluster[cluster] = Unit(n + 1, total + (human == judge))
    return tally(by_cluster.values())


def sample_of(items: Sequence[Judged], lowest: float, highest: float) -> JudgedSample:
    """Return items as arrays of scores in [0, 1].

    Raises:
        ValueError: a score outside the limits, or limits that enclose nothing.
    """
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    if not lowest < highest:
        raise ValueError(f"nothing lies between {lowest} and {highest}")
    numbers: dict[Hashable, int] = {}
    clusters = [
        numbers.setdefault(
            ("of one", k) if item.cluster is None else ("of several", item.cluster), len(numbers)
        )
        for k, item in enumerate(items)
    ]
    judge = np.array([item.judge for item in items], dtype=np.float64)
    human = np.array([lowest if item.human is None else item.human for item in items], dtype=np.float64)
    both = np.append(judge, human)
    if not bool(np.all((both >= lowest) & (both <= highest))):
        raise ValueError(
            f"a score lies outside [{lowest}, {highest}]: a judge is corrected within limits that hold"
        )
    has_label = np.array([item.human is not None for item in items], dtype=np.bool_)
    judge, human = (judge - lowest) / (highest - lowest), (human - lowest) / (highest - lowest)
    numbered = np.array(clusters, dtype=np.int64)
    return JudgedSample(
        human[has_label], judge[has_label], judge[~has_label], numbered[has_label], numbered[~has_label]
    )


def _tuning(sample: JudgedSample, wrong: float = 0.0) -> float:
    """Return the lambda that makes the value least uncertain, in [0, 1]: PPI++ section 6, for a mean.

    Args:
        wrong: how many labelled items more to count on which a person says 0 and the judge 1.
    """
    labelled, unlabelled = sample.human.size + wrong, sample.unlabelled.size
    if unlabelled == 0:
        return 0.0
    judged = float(sample.judge.sum()) + wrong
    covariance = (
        float(sample.human @ sample.judge) - float(sample.human.sum()) * judged / labelled
    ) / labelled
    mean = (judged + float(sample.unlabelled.sum())) / (labelled + unlabelled)
    squares = float(((sample.judge - mean) ** 2).sum() + ((sample.unlabelled - mean) ** 2).sum())
    variance = (squares + wrong * (1 - mean) ** 2) / (labelled + unlabelled - 1)
    if variance <= 0:
        return 0.0
    return min(1.0, max(0.0, covariance / variance / (1 + labelled / unlabelled)))


def _value_and_variance(
    sample: JudgedSample, tuning: float, wrong: float = 0.0, together: float = 1.0
) -> tuple[float, float]:
    """Return the corrected mean and its variance, over clusters.

    Args:
        wrong: how many labelled clusters more to count on which people say 0 and the judge 1.
        together: items in each of those.
    """
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    labelled, unlabelled = sample.human.size + wrong * together, max(1, sample.unlabelled.size)
    residuals = sample.human - tuning * sample.judge
    off = (float(residuals.sum()) - wrong * together * tuning) / labelled
    judged = tuning * float(sample.unlabelled.sum()) / unlabelled
    # What each cluster contributes to the value's deviation from its mean.
    by_cluster = np.bincount(
        np.append(sample.labelled_clusters, sample.unlabelled_clusters),
        np.append((residuals - off) / labelled, (tuning * sample.unlabelled - judged) / unlabelled),
    )
    return judged + off, float(by_cluster @ by_cluster) + wrong * (together * (tuning + off) / labelled) ** 2


def _design_effect(sample: JudgedSample, tuning: float) -> float:
    """Return how many labelled items are worth one independent item, at least 1; the unit where no item deviates."""
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    residuals = sample.human - tuning * sample.judge
    deviations = residuals - residuals.mean()
    alone = float(deviations @ deviations)
    if alone <= 0:
        return sample.human.size / effective_units(_labelled(sample))
    by_cluster = np.bincount(sample.labelled_clusters, deviations)
    return max(1.0, float(by_cluster @ by_cluster) / alone)


def _labelled(sample: JudgedSample) -> Tally:
    """Return the labelled items by unit."""
    import numpy as np  # noqa: PLC0415  # heavy: imported when first needed

    sizes = np.bincount(sample.labelled_clusters).tolist()
    totals = np.bincount(sample.labelled_clusters, sample.human).tolist()
    return tally(Unit(size, total) for size, total in zip(sizes, totals, strict=True) if size)


def _support(units: Tally) -> tuple[float, float]:
    """Return how many labelled units tell the variance, and how many independent labels they are worth at least.

    Where units hold several items, those tell it that hold most of the failures, and each unit is one label at least,
    as in `shares.worth_of`. With the degrees of freedom of all units, 30 to 40 clusters of five at 0.9 have false
    passes of 5.7 to 6.2 % where 5 % is promised.
    """
    if units.is_independent:
        return units.n_units, 1.0
    return max(1.0, failing_units(units)), effective_units(units)


def _lower_bound(sample: JudgedSample, alpha: float) -> float:
    from scipy.special import betaincinv, ndtri, stdtrit  # noqa: PLC0415  # heavy: imported when first needed

    untouched = _tuning(sample)
    together = _design_effect(sample, untouched)
    tuning = _tuning(sample, wrong=together)
    value, variance = _value_and_variance(sample, tuning, 1 + tuning / 2, together)
    value = min(1 - _NEVER_SURE, max(_NEVER_SURE, value))
    units = _labelled(sample)
    told_by, at_least = _support(units)
    few_labels = float(ndtri(alpha) / stdtrit(told_by, alpha)) ** 2
    effective = float(sample.human.size + sample.unlabelled.size)  # no more than there are
    if variance > 0:
        effective = max(at_least, min(effective, value * (1 - value) / variance * few_labels))
    told = float(betaincinv(value * effective, (1 - value) * effective, alpha))
    share = min(1.0, max(0.0, _value_and_variance(sample, untouched)[0]))
    return min(told, alike_bound(share, effective_units(units), alpha))
