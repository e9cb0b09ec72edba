"""A judge that people correct, where answers have no score: those that people would find wrong first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from bench.calibration.judged import World
from bench.calibration.page import ALPHA, Rate, Row, section
from evidence.evals.corrected import Answer, Labelled, drawn_order, estimate_corrected, take_labels
from evidence.statistics import two_sided

_ANSWERS: Final = 600
_SEED: Final = "the order of one run"
_KIND, _HARSH = 0.5, 0.02  # how the judge errs


@section(
    title="A corrected judge, answers missing",
    says=(
        f"Of {_ANSWERS} answers, drawn as a run draws them, the first so many are labelled, and up to so many that "
        "people would find wrong have no score of the judge. The bound for a pass takes each for one on which both say "
        "the worst, the one for a fail for one on which both say the best. *Naive* leaves them out."
    ),
    columns=("false pass", "false fail", "naive"),
    order=96,
    one_in=4,
)
def measure(runs: int) -> list[Row]:
    """Return the rates for each threshold, number of labels and of answers that go missing."""
    cases = ((0.8, 60, 30), (0.8, 200, 30), (0.9, 100, 12), (0.9, 200, 30))
    return [measure_case(threshold, labels, most, runs) for threshold, labels, most in cases]


def measure_case(threshold: float, labels: int, most: int, runs: int) -> Row:
    """Return the rates where up to so many answers go missing, wrong ones first."""
    random = np.random.default_rng([labels, most, int(1000 * threshold)])
    names = drawn_order(_SEED, map(str, range(_ANSWERS)))
    passed = failed = naive = 0
    for _ in range(runs):
        labelled = _draw(random, names, threshold, labels, most)
        estimate = estimate_corrected(labelled, two_sided(1 - ALPHA))
        without = estimate_corrected(_without_missing(labelled), two_sided(1 - ALPHA))
        if estimate is None or without is None or estimate.low is None or estimate.high is None:
            continue  # fewer labels than are enough: no verdict
        passed, failed = passed + (estimate.low >= threshold), failed + (estimate.high < threshold)
        naive += (without.low or 0.0) >= threshold
    rates = Rate(passed / runs, runs), Rate(failed / runs, runs)
    cells = (str(rates[0]), str(rates[1]), Rate(naive / runs, runs).marked())
    return Row(f"{labels} labels, at least {threshold:g}, up to {most} missing", cells, rates)


def _draw(
    random: np.random.Generator, names: Sequence[str], threshold: float, labels: int, most: int
) -> Labelled:
    """Return answers of which people would find the share right that is asked for."""
    human, judge = World(threshold, _KIND, _HARSH).draw(random, len(names))
    lost = set(random.permutation(np.flatnonzero(human == 0))[:most].tolist())
    answers = [Answer(name, name, None if k in lost else float(judge[k])) for k, name in enumerate(names)]
    said = {name: {"a person": float(human[k])} for k, name in enumerate(names[:labels])}
    return take_labels(answers, said)


def _without_missing(labelled: Labelled) -> Labelled:
    """Return the answers as if those without a score had never been planned."""
    kept = (
        tuple(each for each in part if each.judge is not None) for part in (labelled.counting, labelled.rest)
    )
    return Labelled(*kept)
