"""Which one feature of a dictionary that ships tells two sides best: described, never judged."""

from __future__ import annotations

from typing import Any

import numpy as np

from interpret import registry
from interpret.errors import ProbeUnavailable
from interpret.probes.directions.reading import Array, fit_readout


def code(model: str, layer: int, rows: Array) -> tuple[Any, str]:
    """Return rows (row, width) as the dictionary of this model and layer codes them, or None and why there is none.

    Raises:
        DictionaryChanged, DictionaryUnreadable, DictionaryMisfit: what ships is not what it says.
    """
    try:
        coded = registry.dictionary_beside()(model, layer, rows)
    except ProbeUnavailable as exc:  # sae-lens is not in this image
        return None, f"no dictionary could be read for this layer (after layer {layer}): {exc.code}"
    return coded, "" if coded is not None else f"no dictionary for this layer (after layer {layer})"


def best_of(choose: Array, report: Array) -> tuple[int | None, float]:
    """Return the feature that is surest of some pairs, and how sure it is of others on average; None: none fires.

    Args:
        choose: (pair, feature), one side less the other; features that are 0 in all of them are left out.
        report: likewise, of other pairs.
    """
    alive = np.flatnonzero((choose != 0).any(axis=0))
    readouts = {int(each): fit_readout(choose[:, [each]]) for each in alive}
    if not readouts:
        return None, 0.5
    chosen = max(readouts, key=lambda each: float(readouts[each].tells(choose[:, [each]]).mean()))
    return chosen, float(readouts[chosen].tells(report[:, [chosen]]).mean())
