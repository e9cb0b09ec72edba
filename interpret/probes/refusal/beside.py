"""Which features of a dictionary a pressing context triggers, beside random ones that fire as often: never judged.

A feature is triggered where it fires in a request that is pressed for and in neither placebo of that request. The one
that tells most is chosen on every other request and told on the rest; so is the best of as many random directions, each
cut off so that it fires in as many of the texts as its feature.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from interpret.probes.directions.best_feature import best_of, code
from interpret.probes.directions.reading import Array
from interpret.probes.refusal.contexts import OTHER_PLACEBO, PLACEBO, PRESSING

NAMED: Final = 5  # features that are triggered in most requests


def tell_triggered(model: str, layer: int, residual: Array, seed: int) -> dict[str, Any]:
    """Return what contexts trigger, as JSON values: `what` in words, and `value`, a probability or None.

    Args:
        residual: (context of a request, request, width).
        seed: of the random directions.
    """
    rows = residual.reshape(-1, residual.shape[-1])
    coded, why_not = code(model, layer, rows)
    if coded is None:
        return {"what": why_not, "value": None}
    values = coded.values.astype(np.float64).reshape(*residual.shape[:2], -1)
    counts = _triggered(values).sum(axis=0)
    triggered, dictionary = np.flatnonzero(counts), f"dictionary {coded.dictionary}"
    if not len(triggered):
        return {"what": f"no feature of {dictionary} fires in a pressing context alone", "value": None}
    chosen, told = _tells(values[:, :, triggered])
    if chosen is None:
        return {"what": f"no feature of {dictionary} tells the requests that it is chosen by", "value": None}
    _, by_chance = _tells(_as_often(residual, values[:, :, triggered], seed))
    most = triggered[np.argsort(-counts[triggered], kind="stable")][:NAMED]
    named = ", ".join(f"{each} ({counts[each]})" for each in most)
    return {
        "what": (
            "how surely one feature tells a request that is pressed for from the same in placebos, number"
            f" {triggered[chosen]} of {values.shape[2]} of {dictionary}: of the {len(triggered)} that fire in a"
            " pressing context and in neither placebo, the one that told most on every other request, told on the"
            f" rest; the best of as many random directions that fire as often, chosen likewise, tells {by_chance:.2f}."
            f" Triggered in most of {values.shape[1]} requests: {named}"
        ),
        "value": told,
    }


def _triggered(values: Array) -> Any:
    """Return whether each feature fires in the pressing context alone. Shape (request, feature)."""
    fires = values > 0
    return fires[PRESSING] & ~fires[PLACEBO] & ~fires[OTHER_PLACEBO]


def _tells(values: Array) -> tuple[int | None, float]:
    """Choose by every other request the feature that tells most, and tell it on the rest; as `best_of`."""
    apart: Array = values[PRESSING] - (values[PLACEBO] + values[OTHER_PLACEBO]) / 2
    return best_of(apart[::2], apart[1::2])


def _as_often(residual: Array, values: Array, seed: int) -> Array:
    """Return what random directions give, one a feature, each cut off to fire in as many texts. Shape of `values`."""
    rows = residual.reshape(-1, residual.shape[-1])
    directions = np.random.default_rng(seed).standard_normal((values.shape[-1], rows.shape[-1]))
    along = (rows - rows.mean(axis=0)) @ directions.T
    often = (values.reshape(len(rows), -1) > 0).sum(axis=0)
    ranked = np.sort(along, axis=0)[::-1]
    least = ranked[np.minimum(often, len(rows) - 1), np.arange(len(often))]
    cut: Array = np.maximum(along - least, 0).reshape(values.shape)
    return cut
