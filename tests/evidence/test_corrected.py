"""A judge corrected by people: which labels count, and what is missing counted against either end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from evidence.evals.corrected import Answer, agreement_with, drawn_order, estimate_corrected, take_labels

SEED = "a run"


def answers(
    judge: Sequence[float | None], human: Sequence[float | None], *, units: Sequence[str] | None = None
) -> list[Answer]:
    """Return answers in the order in which they are drawn: the first of them are labelled."""
    names = drawn_order(SEED, [f"q{k}" for k in range(len(judge))])
    said = [*((each,) for each in human), *[()] * (len(judge) - len(human))]
    return [Answer(name, units[k] if units else name, judge[k], said[k]) for k, name in enumerate(names)]


def good(n: int, bad: int = 0) -> list[float]:
    return [1.0] * (n - bad) + [0.0] * bad


def test_the_order_is_that_of_no_id_and_another_for_another_run() -> None:
    names = [f"q{k:03}" for k in range(100)]
    drawn = drawn_order(SEED, names)
    assert sorted(drawn) == names
    assert drawn == drawn_order(SEED, reversed(names))
    assert drawn != names
    assert drawn != drawn_order("another run", names)


def test_labels_count_up_to_the_first_answer_without_one() -> None:
    listed = answers(good(100), good(50))
    listed[40] = replace(listed[40], labels=())
    labelled = take_labels(SEED, listed)
    assert len(labelled.pairs) == labelled.n_units == 40
    assert labelled.n_out_of_order == 9


def test_whoever_picks_the_answers_a_judge_has_right_is_not_heard() -> None:
    listed = answers([1.0] * 200, [])
    picked = [replace(each, labels=(1.0,)) if k % 2 else each for k, each in enumerate(listed)]
    labelled = take_labels(SEED, picked)
    assert labelled.pairs == []
    assert labelled.n_out_of_order == 100
    assert estimate_corrected(labelled, 0.9) is None


def test_units_are_counted_and_not_answers() -> None:
    units = [f"item {k // 4}" for k in range(160)]
    labelled = take_labels(SEED, answers(good(160), good(100, 5), units=units))
    assert (len(labelled.pairs), labelled.n_units) == (100, 25)
    assert estimate_corrected(labelled, 0.9) is None


def test_two_people_are_heard_by_their_mean() -> None:
    listed = answers(good(40), good(40))
    listed[0] = replace(listed[0], labels=(1.0, 0.0))
    estimate = estimate_corrected(take_labels(SEED, listed), 0.9)
    assert estimate is not None
    assert estimate.value == pytest.approx(39.5 / 40)


@pytest.mark.parametrize("missing", ["scores", "ids", "opinions"])
def test_what_is_missing_counts_against_either_end(missing: str) -> None:
    judge: list[float | None] = list(good(400, 40))
    human: list[float | None] = list(good(100, 10))
    alone = 0
    if missing == "scores":
        judge[::10] = [None] * 40
    elif missing == "ids":
        alone = 40
    else:
        human[::10] = [None] * 10
    whole = estimate_corrected(take_labels(SEED, answers(good(400, 40), good(100, 10))), 0.9)
    found = estimate_corrected(take_labels(SEED, answers(judge, human), alone_missing=alone), 0.9)
    assert whole is not None
    assert found is not None
    assert None not in (found.low, found.high, whole.low, whole.high, found.worst, found.best)
    assert (found.low or 0) < (whole.low or 0) - 0.02
    assert (found.high or 0) > (whole.high or 0)
    assert (found.worst or 0) < found.value < (found.best or 0)


def test_a_missing_answer_is_no_label() -> None:
    judge: list[float | None] = [*good(29), None, *good(100)]
    assert estimate_corrected(take_labels(SEED, answers(judge, good(30))), 0.9) is None


def test_agreement_counts_units() -> None:
    judge, human = good(120, 12), [*good(108, 6), *good(12)]
    alone = agreement_with(take_labels(SEED, answers(judge, human)), 0.9)
    together = agreement_with(
        take_labels(SEED, answers(judge, human, units=[f"item {k // 6}" for k in range(120)])), 0.9
    )
    assert alone is not None
    assert together is not None
    assert together.kappa == alone.kappa
    assert (together.kappa_low or 0) < (alone.kappa_low or 0)


def test_false_passes_keep_alpha_where_the_missing_are_the_wrong_ones() -> None:
    """People would say 0.8 of all answers; one in twenty has no score, and it is always a wrong one."""
    rng, runs, passes = np.random.default_rng(7), 400, 0
    for _ in range(runs):
        truth = rng.random(600) < 0.8
        judge: list[float | None] = [float(t if rng.random() < 0.9 else not t) for t in truth]
        for k in np.flatnonzero(~truth & (rng.random(600) < 0.25)):
            judge[k] = None
        human = [float(each) for each in truth[:120]]
        estimate = estimate_corrected(take_labels(SEED, answers(judge, human)), 0.9)
        passes += estimate is not None and (estimate.low or 0) >= 0.8
    assert passes / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5
