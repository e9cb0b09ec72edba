"""What a verdict may rest on: estimates with their intervals. One place for criteria, gates, comparisons and reviews.

Django-free: whoever has observations can call it, whatever they were read from. scipy is imported by the first number
that needs it (`numerics`). What the methods promise is measured by `make calibrate-gates`.
"""

from evidence.statistics.discoveries import level_of_batch
from evidence.statistics.intervals import BOUND_CONFIDENCE, CONFIDENCE, Estimate, two_sided
from evidence.statistics.judging import End, judge_bounds, more_units
from evidence.statistics.means import estimate_mean
from evidence.statistics.missing import Missing, Plan
from evidence.statistics.percentiles import estimate_percentile
from evidence.statistics.shares import (
    clopper_pearson,
    estimate_share,
    estimate_successes,
    smallest_n_at_least,
)
from evidence.statistics.units import Tally, Unit, tally, tally_share

__all__ = [
    "BOUND_CONFIDENCE",
    "CONFIDENCE",
    "End",
    "Estimate",
    "Missing",
    "Plan",
    "Tally",
    "Unit",
    "clopper_pearson",
    "estimate_mean",
    "estimate_percentile",
    "estimate_share",
    "estimate_successes",
    "judge_bounds",
    "level_of_batch",
    "more_units",
    "smallest_n_at_least",
    "tally",
    "tally_share",
    "two_sided",
]
