"""What a verdict may rest on: estimates with their intervals. One place for criteria, gates, comparisons and reviews.

Django-free: whoever has observations can call it, whatever they were read from.
"""

from evidence.statistics.intervals import (
    CONFIDENCE,
    Estimate,
    beta_quantile,
    clopper_pearson,
    incomplete_beta,
    mean_t,
    mean_t_from_moments,
    smallest_n_at_least,
    t_quantile,
    two_sided,
    wilson,
)

__all__ = [
    "CONFIDENCE",
    "Estimate",
    "beta_quantile",
    "clopper_pearson",
    "incomplete_beta",
    "mean_t",
    "mean_t_from_moments",
    "smallest_n_at_least",
    "t_quantile",
    "two_sided",
    "wilson",
]
