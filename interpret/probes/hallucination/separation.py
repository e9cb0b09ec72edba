"""How well scores tell claims that are not backed from backed ones: the area under the ROC curve, claim by claim.

Source: E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the Areas under Two or More Correlated Receiver
Operating Characteristic Curves: A Nonparametric Approach" (1988): the pseudo-values below are its components, so that
the mean over facts is the area and their spread is its spread.
"""

from __future__ import annotations

import numpy as np

from interpret.probes.directions.reading import Array


def area_by_fact(unbacked: Array, backed: Array) -> Array:
    """Return each fact's pseudo-value of the area: their mean is how often a claim that is not backed scores higher.

    One value may lie outside [0, 1]; a tie counts half. Shape (fact,).

    Args:
        unbacked: scores, (text of a fact, fact).
        backed: as `unbacked`.
    """
    above = unbacked[:, :, None, None] - backed[None, None]  # (text, fact, text, fact)
    wins = (np.sign(above) + 1) / 2
    pseudo: Array = wins.mean(axis=(0, 2, 3)) + wins.mean(axis=(0, 1, 2)) - wins.mean()
    return pseudo


def best_way_round(values: Array) -> Array:
    """Return pseudo-values of a score, or of its opposite where that tells more."""
    turned: Array = values if values.mean() >= 0.5 else 1 - values
    return turned


def share_side_by_side(unbacked: Array, backed: Array) -> float:
    """Return how often the same claim scores higher after a source without it than after one with it.

    Args:
        unbacked: scores, (text of a fact, fact), the second claim first.
        backed: likewise, the first claim first.
    """
    return float(((np.sign(unbacked - backed[::-1]) + 1) / 2).mean())
