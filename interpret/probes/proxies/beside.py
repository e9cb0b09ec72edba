"""How well the one best feature of a dictionary tells the sides, beside the dense direction: described, never judged.

The feature is chosen on the pairs that the direction was fitted on, and told on those that it is reported on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from interpret import registry
from interpret.errors import ProbeUnavailable
from interpret.probes.directions.reading import Array, fit_readout


def tell_by_features(model: str, layer: int, fit: Array, report: Array) -> dict[str, Any]:
    """Return what the best single feature tells, as JSON values: `what` in words, and `value`, a probability or None.

    Args:
        fit: residuals of the fitting pairs, (side, pair, width).
        report: of the reporting pairs, likewise.
    """
    rows = np.concatenate([each.reshape(-1, each.shape[-1]) for each in (*fit, *report)])
    try:
        coded = registry.dictionary_beside()(model, layer, rows)
    except (
        ProbeUnavailable
    ) as exc:  # sae-lens is not in this image; a dictionary that was changed is an error
        return {
            "what": f"no dictionary could be read for this layer (after layer {layer}): {exc.code}",
            "value": None,
        }
    if coded is None:
        return {"what": f"no dictionary for this layer (after layer {layer})", "value": None}
    fitting = 2 * fit.shape[1]
    chosen, told = _best(_apart(coded.values[:fitting]), _apart(coded.values[fitting:]))
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


def _best(fit: Array, report: Array) -> tuple[int | None, float]:
    """Return the feature that is surest of the fitting pairs, and how sure it is of the others on average."""
    alive = np.flatnonzero((fit != 0).any(axis=0))
    readouts = {int(each): fit_readout(fit[:, [each]]) for each in alive}
    if not readouts:
        return None, 0.5
    chosen = max(readouts, key=lambda each: float(readouts[each].tells(fit[:, [each]]).mean()))
    return chosen, float(readouts[chosen].tells(report[:, [chosen]]).mean())
