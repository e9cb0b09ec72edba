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
        ("fees-3", "fees-3"),
        ("C#", "C#"),
        ("q#later", "q#later"),
        ("#3", "#3"),
    ],
)
def test_an_attempt_is_named_after_its_item(sample_id: str, item: str) -> None:
    assert item_of(sample_id) == item


def test_samples_of_an_item_or_of_a_trace_are_one_unit() -> None:
    units = units_of(
        [("a#1", TRACES[0]), ("a#2", TRACES[1]), ("b", TRACES[1]), ("c", TRACES[2]), ("d", None)]
    )
    assert len({units[each] for each in ("a#1", "a#2", "b")}) == 1
    assert len(set(units.values())) == 3


def test_units_do_not_depend_on_the_order_that_samples_come_in() -> None:
    samples = [("a#1", TRACES[0]), ("b", TRACES[1]), ("a#2", TRACES[1]), ("c", None)]
    forwards, backwards = units_of(samples), units_of(reversed(samples))
    same = [
        [units[one] == units[other] for one, _ in samples for other, _ in samples]
        for units in (forwards, backwards)
    ]
    assert same[0] == same[1]


def test_a_missing_attempt_counts_in_the_unit_of_its_item() -> None:
    observed = [Observed(str(n), ScoreStatus.SCORED, 1.0) for n in range(30)]
    errored = [Observed(str(n), ScoreStatus.ERROR, None) for n in range(30)]
    estimate = estimate_metric([*observed, *errored], bounded=True, alone_missing=0, confidence=0.9)
    assert estimate is not None
    assert (estimate.n, estimate.n_units, estimate.worst, estimate.best) == (30, 30, 0.5, 1.0)
