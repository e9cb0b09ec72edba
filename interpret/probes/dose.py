"""What a change comes to at less of it and at more, beside placebos that are changed as much: described, never judged.

A change at dose d goes d of the way from what is there to what is put in its place; at 1 it is the change that the
finding's value is of. A placebo is one of what was drawn at random for the finding's control (a direction, a set of
heads), changed by the same dose and counted as it counts there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from interpret import statistics
from interpret.probes.estimates import Array, Estimates

WHOLE: Final = 1.0
SHARES: Final = (0.25, 0.5, 0.75)  # of a change, beside all of it
BEYOND: Final = (1.5, 2.0)  # a step along a direction can go on, where there is more to give
FEWEST, MOST, ONE_IN = 3, 6, 15  # placebos: of what was drawn one in fifteen, within these bounds
ByDose: TypeAlias = Mapping[str, Sequence[float]]  # dose, as text -> one number a unit, or one a placebo


def places_of_placebos(drawn: int) -> list[int]:
    """Return which of so many that were drawn are tried at other doses too, spread evenly over them."""
    many = min(drawn, max(FEWEST, min(MOST, drawn // ONE_IN)))
    return [int(place) for place in np.linspace(0, drawn - 1, many).round()] if many else []


def by_dose(tried: Mapping[float, Array]) -> dict[str, list[float]]:
    """Return what was found at each dose as JSON values."""
    return {f"{dose:g}": np.asarray(values, dtype=np.float64).tolist() for dose, values in tried.items()}


def dose_response(
    estimates: Estimates,
    *,
    values: ByDose,
    whole: Array,
    placebos: ByDose,
    drawn: Sequence[float] | Array,
    what: str,
) -> list[dict[str, float]]:
    """Return what each dose came to with its interval over units, and what its placebos did, with theirs.

    Args:
        values: of each dose but 1, one number a unit.
        whole: the same at dose 1. Shape (unit,).
        placebos: of each dose but 1, one number a placebo; empty: there were none.
        drawn: what each of all that was drawn came to at dose 1, the placebos among them.
        what: placebos are, in words: "random directions".
    """
    chosen = [float(drawn[place]) for place in places_of_placebos(len(drawn))] if placebos else []
    found: dict[str, Sequence[float] | Array] = {**values, "1": whole}
    beside: dict[str, Sequence[float]] = {**placebos, "1": chosen}
    return [
        _point(estimates, dose, found[dose], beside.get(dose, ()), what) for dose in sorted(found, key=float)
    ]


def doses_told(
    estimates: Estimates,
    told: Mapping[str, Any],
    *,
    whole: Array,
    drawn: Sequence[float] | Array,
    what: str,
) -> dict[str, Any]:
    """Return `dose_response` of what a part of a run gave, as a detail of its finding: `{"dose_response": points}`.

    A part that was measured before there were doses has none: empty.

    Args:
        told: what the part gave, among it `doses` and `placebo_doses`: the `values` and `placebos` of `dose_response`.
        whole: what all of the change came to, one number a unit. Shape (unit,).
        drawn: what each of all that was drawn came to at dose 1, the placebos among them.
        what: placebos are, in words: "random directions".
    """
    if "doses" not in told:
        return {}
    points = dose_response(
        estimates, values=told["doses"], whole=whole, placebos=told["placebo_doses"], drawn=drawn, what=what
    )
    return {"dose_response": points}


def _point(
    estimates: Estimates, dose: str, values: Sequence[float] | Array, placebos: Sequence[float], what: str
) -> dict[str, Any]:
    estimate = estimates.of(np.asarray(values, dtype=np.float64))
    point = {"dose": float(dose), "value": estimate.value, "low": estimate.low, "high": estimate.high}
    if len(placebos) < 2:
        return point
    beside = statistics.estimate_mean(placebos, seed=estimates.seed, unit=what)
    return point | {
        "control": beside.value,
        "control_low": beside.low,
        "control_high": beside.high,
        "control_n": beside.n,
    }
