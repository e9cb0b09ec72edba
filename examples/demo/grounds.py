"""Why a gate decided as it did, in words: from its reasons, and the numbers of its assessments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Assessed = Mapping[str, Any]  # an assessment as the API shows it


def say_found(row: Assessed, threshold: float) -> str:
    """Return in one line what was found of a criterion, and what it asks; what stands in the way, where something does.

    Args:
        threshold: of the criterion, in its unit.
    """
    if row["value"] is None or _bound(row) is None or row["detail"].startswith("cannot count"):
        return str(row["detail"])  # where nothing was measured, nobody knows which direction is better
    low, high = (f"{end:.2f}" if end is not None else "?" for end in (row["low"], row["high"]))
    return f"{row['value']:.2f}, shown to lie between {low} and {high}; asked: {_words(row)} {threshold:g}"


def say_why(
    reasons: Sequence[Mapping[str, Any]],
    assessed: Mapping[str, Assessed],
    thresholds: Mapping[str, float],
) -> str:
    """Return the grounds of one decision.

    Args:
        reasons: the decision's own, a criterion each.
        assessed: the latest assessment by criterion.
        thresholds: by criterion, in its unit.
    """
    missed = [reason["criterion"] for reason in reasons if reason["verdict"] == "not_met"]
    open_ones = [reason["criterion"] for reason in reasons if reason["verdict"] not in {"met", "not_met"}]
    if missed:
        left = f", and {len(open_ones)} lack evidence" if open_ones else ""
        return f"{len(missed)} of {len(reasons)} criteria are known not to be met{left}: {', '.join(missed)}."
    if open_ones:
        shown = _tightest(open_ones, assessed, thresholds)
        return f"{len(open_ones)} of {len(reasons)} criteria lack evidence, none is known to fail. {shown}"
    shown = _tightest([reason["criterion"] for reason in reasons], assessed, thresholds)
    return f"Each of the {len(reasons)} criteria is met: the bound of its interval reaches the threshold. {shown}"


def _tightest(
    criteria: Sequence[str], assessed: Mapping[str, Assessed], thresholds: Mapping[str, float]
) -> str:
    """Show the criterion whose bound clears its threshold by least, or misses it by most."""
    measured = [name for name in criteria if name in assessed and _bound(assessed[name]) is not None]
    if not measured:
        return f"{criteria[0]}: {assessed[criteria[0]]['detail']}." if criteria[0] in assessed else ""
    name = min(measured, key=lambda each: _margin(assessed[each], thresholds[each]))
    row = assessed[name]
    words = _words(row)
    counted = (
        f"{row['value'] * row['n']:.0f} of {row['n']}" if row["unit"] == "share" else f"{row['value']:.3g}"
    )
    shown = f"{counted}, which shows {words} {_bound(row):.3f} with {row['bound_confidence']:.0%} confidence"
    asked = f"{words} {thresholds[name]:g} is asked"
    if row["verdict"] == "met":
        return f"The tightest, {name}: {shown}, and {asked}."
    return f"The furthest off, {name}: {shown}, and {asked}: too few to tell."


def _words(row: Assessed) -> str:
    return "at least" if row["direction"] == "higher" else "at most"


def _bound(row: Assessed) -> float | None:
    bound: float | None = row["low"] if row["direction"] == "higher" else row["high"]
    return bound


def _margin(row: Assessed, threshold: float) -> float:
    """Return how far the bound is on the right side of the threshold, in the criterion's unit."""
    bound = _bound(row)
    distance = (bound if bound is not None else threshold) - threshold
    return distance if row["direction"] == "higher" else -distance
