from __future__ import annotations

import pytest

from evidence.evals.contracts import ScoreStatus
from evidence.evals.observations import Observed, estimate_metric, item_of, units_of

TRACES = [f"{number:032x}" for number in range(1, 4)]


@pytest.mark.parametrize(
    ("sample_id", "item"),
    [
        ("q0#e0", "q0"),
        ("fees-3#2", "fees-3"),
        ("fees-3#epoch-12", "fees-3"),
        ("a#b#3", "a#b"),
        ("fees-3/epoch-2", "fees-3"),
        ("fees-3-attempt4", "fees-3"),
        ("epoch-2", "epoch-2"),
        ("trial-3", "trial-3"),
        ("fees-3", "fees-3"),
        ("C#", "C#"),
        ("q#later", "q#later"),
        ("#3", "#3"),
    ],
)
def test_an_attempt_is_named_after_its_item(sample_id: str, item: str) -> None:
    assert item_of(sample_id) == item


def test_samples_of_an_item_of_a_trace_or_of_a_conversation_are_one_unit() -> None:
    samples: list[tuple[str, str | None, dict[str, str]]] = [
        ("a#1", TRACES[0], {}),
        ("a#2", TRACES[1], {}),
        ("b", TRACES[1], {"language": "en"}),
        ("c", TRACES[2], {"conversation": "c1", "language": "en"}),
        ("d", None, {"conversation": "c1"}),
        ("e", None, {"item": "a"}),
        ("f", None, {"language": "en"}),
    ]
    for ordered in (samples, samples[::-1]):
        units = units_of(ordered)
        together = [
            {name for name, unit in units.items() if unit == units[first]} for first in ("a#1", "c", "f")
        ]
        assert together == [{"a#1", "a#2", "b", "e"}, {"c", "d"}, {"f"}]


def test_a_missing_attempt_counts_in_the_unit_of_its_item() -> None:
    observed = [Observed(str(n), ScoreStatus.SCORED, 1.0) for n in range(30)]
    errored = [Observed(str(n), ScoreStatus.ERROR, None) for n in range(30)]
    estimate = estimate_metric([*observed, *errored], bounded=True, alone_missing=0, confidence=0.9)
    assert estimate is not None
    assert (estimate.n, estimate.n_units, estimate.worst, estimate.best) == (30, 30, 0.5, 1.0)
