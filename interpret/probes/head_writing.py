"""What probes of heads write alike: dead heads, random sets of heads, and every head's share of attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from interpret import statistics
from interpret.contracts import Comparison, ComparisonKind
from interpret.probes.estimates import Array, Estimates
from interpret.probes.head_sets import named_sets

DEAD_HEADS: Final = "the best heads of a dead model, weights shuffled inside each matrix, ablated in it"


def dead_head(rank: int) -> str:
    """Say which head of the dead model the one of this rank, from 0, is held against."""
    return (
        f"the head of rank {rank + 1} that the same search finds in a dead model,"
        " its weights shuffled inside each matrix"
    )


def random_sets(estimates: Estimates, costs: Array, asked: int) -> Comparison:
    """Return what ablating each of the random sets costs, of which so many were asked for."""
    estimate = statistics.estimate_mean(costs, seed=estimates.seed, unit="sets of heads")
    return Comparison(ComparisonKind.CONTROL, named_sets(costs.size, asked), estimate)


def heat_map(values: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Return every head's share of attention, by layer, as the page of a finding draws it."""
    return {
        "rows": [str(layer) for layer in range(len(values))],
        "columns": [str(head) for head in range(len(values[0]))],
        "row": "layer",
        "column": "head",
        "unit": "share of attention",
        "values": values,
    }
