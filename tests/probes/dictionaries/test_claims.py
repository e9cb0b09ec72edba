"""What is said of dictionaries whose features are known: the short version of what `make calibrate` counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.probe_calibration.cases import KINDS, statistics_of
from bench.probe_calibration.runs import measure
from interpret.dictionaries.claims import CARD, CONCEPTS, KEY, LABEL, RIVALS, not_below
from interpret.dictionaries.concepts import CONCEPTS as LABELLED
from interpret.dictionaries.polysemanticity import areas_of, check_concepts, counts_of, sure_counts_of

BY_NAME = {kind.name.removeprefix("dictionaries: "): kind for kind in KINDS if kind.probe == KEY}
_, OF = check_concepts(LABELLED)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("every concept", {LABEL, CONCEPTS}),
        ("two concepts a feature", {CONCEPTS}),
        ("labels shuffled", set[str]()),
        ("dead", set[str]()),
        ("frozen decoder", set[str]()),
        ("card, trained", {CARD}),
        ("card, dead", set[str]()),
        ("card, frozen decoder", set[str]()),
    ],
)
def test_what_is_there_is_said_and_what_is_not_is_not(name: str, found: set[str], tmp_path: Path) -> None:
    told = measure(BY_NAME[name], 0, tmp_path).findings
    said = {each.statistic for each in told if each.status == "supported"}
    assert all(each.true for each in told if each.status == "supported")
    assert said >= found
    assert found or not said  # of nothing, nothing is said


def test_each_claim_has_kinds_with_and_without_truth() -> None:
    for statistic in statistics_of(KEY):
        measuring = [kind for kind in BY_NAME.values() if ("card" in kind.name) == (statistic == CARD)]
        assert sum(kind.many for kind in measuring if kind.holds(statistic)) >= 40
        assert sum(kind.many for kind in measuring if not kind.holds(statistic)) >= 120


def test_a_unit_near_the_border_does_not_surely_answer_and_a_clear_one_does() -> None:
    rng = np.random.default_rng(0)
    clear = rng.standard_normal((len(OF), 20)) + 6 * (OF == 1)[:, None]
    border = rng.standard_normal((len(OF), 200)) + 1.2 * (OF == 1)[:, None]  # whose true area is 0.8
    values = np.concatenate([clear, border], axis=1).astype(np.float32)
    sure = sure_counts_of(values, OF)
    assert sure[:20].tolist() == [1] * 20
    assert counts_of(areas_of(values, OF))[20:].mean() > 0.3
    assert sure[20:].mean() < 0.05


def test_a_silent_unit_is_none_of_the_family() -> None:
    clear = (np.random.default_rng(0).standard_normal((len(OF), 1)) + 4 * (OF == 1)[:, None]).astype(
        np.float32
    )
    silent = np.zeros((len(OF), 4000), dtype=np.float32)
    assert sure_counts_of(np.concatenate([clear, silent], axis=1), OF).sum() == 1


def test_a_card_is_better_than_the_rivals_whose_intervals_lie_below() -> None:
    def row(low: float, high: float) -> dict[str, dict[str, dict[str, float]]]:
        return {"quality": {"explained_without": {"low": low, "high": high}}}

    rows = {"dictionary": row(0.7, 0.8)} | {name: row(0.3, 0.5) for name in RIVALS}
    assert not_below(rows) == []
    assert not_below(rows | {"dead model": row(0.5, 0.71)}) == ["dead model"]
