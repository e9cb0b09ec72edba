"""A judge corrected by people: which labels count, and what is missing counted against either end."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest

from bench.calibration.judged_missing import measure_case
from evidence.evals.corrected import (
    Answer,
    Labelled,
    agreement_with,
    draw,
    drawn_order,
    estimate_corrected,
    take_labels,
)

SEED = "a run"


def labelled_run(
    judge: Sequence[float | None],
    human: Sequence[float | None],
    *,
    units: Sequence[str] | None = None,
    alone: int = 0,
    skipped: Collection[int] = (),
    second: float | None = None,
) -> Labelled:
    """Return answers of which the first that are drawn are labelled.

    Args:
        skipped: places in the order that nobody labelled.
        second: what another person says of the first.
    """
    names = drawn_order(SEED, [f"q{k}" for k in range(len(judge))])
    answers = [Answer(name, units[k] if units else name, judge[k]) for k, name in enumerate(names)]
    said = {names[k]: {"ann": each} for k, each in enumerate(human) if k not in skipped}
    if second is not None:
        said[names[0]]["bob"] = second
    return take_labels(draw(SEED, answers, alone_missing=alone), said)


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
    labelled = labelled_run(good(100), good(50), skipped={40})
    assert len(labelled.pairs) == labelled.n_units == 40
    assert labelled.n_out_of_order == 9


def test_whoever_picks_the_answers_a_judge_has_right_is_not_heard() -> None:
    labelled = labelled_run([1.0] * 200, [1.0] * 200, skipped=range(0, 200, 2))
    assert labelled.pairs == []
    assert labelled.n_out_of_order == 100
    assert estimate_corrected(labelled, 0.9) is None


def test_units_are_counted_and_not_answers() -> None:
    units = [f"item {k // 4}" for k in range(160)]
    labelled = labelled_run(good(160), good(100, 5), units=units)
    assert (len(labelled.pairs), labelled.n_units) == (100, 25)
    assert estimate_corrected(labelled, 0.9) is None


def test_two_people_are_heard_by_their_mean() -> None:
    estimate = estimate_corrected(labelled_run(good(40), good(40), second=0.0), 0.9)
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
    whole = estimate_corrected(labelled_run(good(400, 40), good(100, 10)), 0.9)
    found = estimate_corrected(labelled_run(judge, human, alone=alone), 0.9)
    assert whole is not None
    assert found is not None
    assert None not in (found.low, found.high, whole.low, whole.high, found.worst, found.best)
    assert (found.low or 0) < (whole.low or 0) - 0.02
    assert (found.high or 0) > (whole.high or 0)
    assert (found.worst or 0) < found.value < (found.best or 0)


def test_a_missing_answer_is_no_label() -> None:
    judge: list[float | None] = [*good(29), None, *good(100)]
    assert estimate_corrected(labelled_run(judge, good(30)), 0.9) is None


def test_agreement_counts_units() -> None:
    judge, human = good(120, 12), [*good(108, 6), *good(12)]
    alone = agreement_with(labelled_run(judge, human), 0.9)
    together = agreement_with(labelled_run(judge, human, units=[f"item {k // 6}" for k in range(120)]), 0.9)
    assert alone is not None
    assert together is not None
    assert together.kappa == alone.kappa
    assert (together.kappa_low or 0) < (alone.kappa_low or 0)


@pytest.mark.parametrize(("threshold", "labels", "most"), [(0.8, 200, 30), (0.9, 200, 30)])
def test_false_passes_keep_alpha_where_the_missing_are_the_wrong_ones(
    threshold: float, labels: int, most: int
) -> None:
    row = measure_case(threshold, labels, most, runs=100)
    assert not row.is_broken
    assert "**" in row.cells[-1], "and leaving them out does not"
