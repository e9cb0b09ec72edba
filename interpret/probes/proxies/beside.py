"""How well the one best feature of a dictionary tells the sides, beside the dense direction: described, never judged.

The feature is chosen on the pairs that the direction was fitted on, and told on those that it is reported on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from interpret.probes.directions.best_feature import best_of, code
from interpret.probes.directions.reading import Array


def tell_by_features(model: str, layer: int, fit: Array, report: Array) -> dict[str, Any]:
    """Return what the best single feature tells, as JSON values: `what` in words, and `value`, a probability or None.

    Args:
        fit: residuals of the fitting pairs, (side, pair, width).
        report: of the reporting pairs, likewise.
    """
    rows = np.concatenate([each.reshape(-1, each.shape[-1]) for each in (*fit, *report)])
    coded, why_not = code(model, layer, rows)
    if coded is None:
        return {"what": why_not, "value": None}
    fitting = 2 * fit.shape[1]
    chosen, told = best_of(_apart(coded.values[:fitting]), _apart(coded.values[fitting:]))
    if chosen is None:
        return {
            "what": f"no feature of dictionary {coded.dictionary} fires on the fitting pairs",
            "value": None,
        }
    return {
        "what": (
            f"how surely one feature tells the sides, number {chosen} of {coded.values.shape[1]} of dictionary"
            f" {coded.dictionary}: the one that told most on the fitting pairs"
        ),
        "value": told,
    }


def _apart(values: Array) -> Array:
    """Return the first side less the second, of rows that have all first sides first. Shape (pair, feature)."""
    first, second = np.split(values.astype(np.float64), 2)
    apart: Array = first - second
    return apart
