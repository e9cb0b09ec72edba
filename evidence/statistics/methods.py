"""What each `method` of an interval is, in words: a decision names it, so that somebody else can compute it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

METHODS: Final[Mapping[str, str]] = {
    "clopper_pearson": "share of independent observations: exact, quantiles of beta distributions",
    "gaffke": "mean of independent scores in [0, 1]: Gaffke (2005); of zeros and ones it is Clopper and Pearson's",
    "korn_graubard": "share of observations in units: Clopper and Pearson's of an effective n, after Korn and Graubard "
    "(1998). Degrees of freedom are those of the units that fail; units show no more than as many that all come out "
    "alike",
    "hall": "mean without ends: the more cautious of Student's bound and Hall's (1992), over units",
    "order_statistic": "percentile of independent values: exact, an order statistic",
    "woodruff": "percentile of values in units: Woodruff (1952), an order statistic of their effective n",
    "betting": "share or mean at all looks together: Waudby-Smith and Ramdas (2024)",
    "prediction_powered": "a judge's mean, corrected by people's labels: after Angelopoulos, Duchi and Zrnic (2023), "
    "with one error more than was seen; labelled units show no more than as many that all come out alike",
    "krippendorff": "Krippendorff's alpha, at all looks together",
    "krippendorff_bootstrap": "Krippendorff's alpha of any number of ratings: bootstrap over units, with one unit more "
    "that speaks against each bound",
    "tango": "difference of shares of the same items: Tango (1998), with a continuity correction of one half",
    "newcombe_exact": "difference of shares of other items: Newcombe (1998), method 10 of exact bounds",
    "cluster_t": "difference of means of the same items: cluster-robust t, with one and a half clusters more that "
    "differ by all there is",
    "newcombe_t": "difference of means of other items: the bounds of each mean, put together by squares",
}
