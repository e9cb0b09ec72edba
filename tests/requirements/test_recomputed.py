"""What a decision says, worked out again from the posted values by scipy and statsmodels alone."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pytest
from rest_framework.test import APIClient
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

from evidence.digests import sha256_hex
from evidence.models import ArtefactKind, Scope
from evidence.services import registry
from evidence.services.gates import CriterionReference
from evidence.statistics.methods import METHODS
from tests.evidence.eval_files import eval_file, pusher, register_eval_versions
from tests.factories import World, acting, define_gate
from tests.requirements.builders import make_criterion

pytestmark = pytest.mark.django_db

ALPHA: Final = 0.05
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class Case:
    """One criterion, the values that are posted for it, and both bounds as somebody else computes them."""

    values: Sequence[Sequence[float | None]]  # attempts by item; None: no score
    bounds: Callable[[Sequence[Sequence[float | None]], float], Bounds]
    comparator: str = "at_least"
    unit: str = "share"
    percentile: float | None = None
    planned: int = 1
    tolerance: float = 1e-7

    @property
    def alpha(self) -> float:
        """Alpha of each bound."""
        return ALPHA / self.planned

    def seen(self) -> list[float]:
        """The values that there are."""
        return [value for item in self.values for value in item if value is not None]


def exact(values: Sequence[Sequence[float | None]], alpha: float) -> Bounds:
    """Return Clopper and Pearson's bounds, with what is missing failed for the lower and passed for the upper one."""
    flat = [value for item in values for value in item]
    right, lost = flat.count(1.0), flat.count(None)
    low = proportion_confint(right, len(flat), alpha=2 * alpha, method="beta")[0]
    high = proportion_confint(right + lost, len(flat), alpha=2 * alpha, method="beta")[1]
    return low, high


def clustered(values: Sequence[Sequence[float | None]], alpha: float) -> Bounds:
    """Return Korn and Graubard's bounds of items of one size, with the degrees of freedom of items that failed."""
    rows = np.array(values, dtype=float)
    return _korn_graubard(rows, alpha), 1 - _korn_graubard(1 - rows, alpha)


def _korn_graubard(rows: Any, alpha: float) -> float:
    items, n = rows.shape[0], rows.size
    p, missed = rows.mean(), (1 - rows).sum(axis=1)
    failed, effective = missed[missed > 0], float(items)
    if failed.size:
        # With items of one size, leaving one out of the mean stretches each residual by items / (items - 1).
        residuals = (rows.mean(axis=1) - p) * items / (items - 1)
        variance = (items - 1) / items * (residuals**2).sum() / items**2
        degrees = min(failed.size, 1.5 * (failed**2).sum() ** 2 / (failed**4).sum(), items - 1)
        ratio = stats.t.ppf(1 - alpha, n - 1) / stats.t.ppf(1 - alpha, degrees)
        effective = min(max(p * (1 - p) / variance * ratio**2, items), n)
        if effective > items and _bound(p, effective, alpha) > p * alpha ** (
            1 / items
        ):  # all items alike show this
            effective = optimize.brentq(
                lambda m: _bound(p, m, alpha) - p * alpha ** (1 / items), items, effective
            )
    return _bound(p, effective, alpha)


def _bound(p: float, n: float, alpha: float) -> float:
    return float(stats.beta.ppf(alpha, p * n, n - p * n + 1))


def percentile_95(values: Sequence[Sequence[float | None]], alpha: float) -> Bounds:
    """Return the order statistics that hold the percentile, with what is missing at either end of the order."""
    flat = [value for item in values for value in item]
    seen, n = sorted(value for value in flat if value is not None), len(flat)
    lost = n - len(seen)
    upper = next((k for k in range(1, n + 1) if stats.binom.cdf(k - 1, n, 0.95) >= 1 - alpha), n + 1)
    lower = next((k for k in range(n, 0, -1) if stats.binom.cdf(k - 1, n, 0.95) <= alpha), 0)
    low = seen[lower - lost - 1] if lower > lost else None
    return low, seen[upper - 1] if upper <= len(seen) else None


def skewed(values: Sequence[Sequence[float | None]], alpha: float) -> Bounds:
    """Return the outer ones of Student's bounds and Hall's."""
    seen = np.array([item[0] for item in values], dtype=float)
    student = stats.t.interval(1 - 2 * alpha, seen.size - 1, seen.mean(), stats.sem(seen))
    skew, quantile = stats.skew(seen) / math.sqrt(seen.size), stats.t.ppf(1 - alpha, seen.size - 1)

    def hall(t: float) -> float:
        return float(seen.mean() - stats.sem(seen) * 3 / skew * (np.cbrt(1 + skew * (t - skew / 6)) - 1))

    return min(student[0], hall(quantile)), max(student[1], hall(-quantile))


def weighted_at_random(values: Sequence[Sequence[float | None]], alpha: float) -> Bounds:
    """Return Gaffke's bounds: quantiles of the mean with random weights and one value more, at the far end."""
    seen = np.array([item[0] for item in values], dtype=float)
    weights = np.random.default_rng(11).dirichlet(np.ones(seen.size + 1), size=200_000)
    means = [weights @ np.append(seen, far) for far in (0.0, 1.0)]
    return float(np.quantile(means[0], alpha)), float(np.quantile(means[1], 1 - alpha))


def coin(random: np.random.Generator, p: float, n: int, *, lost: int = 0) -> list[list[float | None]]:
    seen: list[list[float | None]] = [[float(value)] for value in random.random(n) < p]
    return seen + [[None]] * lost


def attempts(random: np.random.Generator, p: float, items: int, each: int) -> list[list[float | None]]:
    rates = random.beta(p * 2, (1 - p) * 2, items)
    return [[float(value) for value in random.random(each) < rate] for rate in rates]


def cases() -> list[Case]:
    """Return twenty, drawn once and for all."""
    random = np.random.default_rng(20261127)
    found = [Case(coin(random, p, n), exact) for p, n in ((0.9, 37), (0.97, 211), (0.6, 64), (1.0, 25))]
    found += [
        Case(coin(random, 0.95, n, lost=lost), exact, planned=planned)
        for n, lost, planned in ((80, 3, 1), (300, 9, 2), (45, 1, 5))
    ]
    found += [
        Case(attempts(random, p, items, 4), clustered) for p, items in ((0.9, 30), (0.8, 75), (0.95, 50))
    ]
    found += [Case(attempts(random, 0.85, 40, 5), clustered, planned=3)]
    for n, lost in ((80, 0), (400, 3), (1000, 0)):
        times = [[float(value)] for value in random.lognormal(6, 0.5, n)] + [[None]] * lost
        found.append(Case(times, percentile_95, "at_most", "ms", percentile=95))
    for n in (60, 150, 600):
        tokens: list[list[float | None]] = [[float(value)] for value in random.gamma(9, 12, n)]
        found.append(Case(tokens, skewed, "at_most", "tokens"))
    for n, a in ((40, 6.0), (90, 2.5), (250, 12.0)):
        scores: list[list[float | None]] = [[float(value)] for value in random.beta(a, 1.0, n)]
        found.append(Case(scores, weighted_at_random, tolerance=6e-4))
    return found


def file_of(case: Case, suite: str) -> bytes:
    """Return the values as a native file, attempts named as such."""
    direction = "lower" if case.comparator == "at_most" else "higher"
    kind = "proportion" if case.unit == "share" else "mean"
    metrics = {"grounded": {"kind": kind, "direction": direction, "unit": case.unit}}
    version = {"key": suite, "label": "1", "digest": sha256_hex(suite.encode())}
    document = json.loads(eval_file(case.seen(), run_key=suite, suite=version, metrics=metrics))
    document["samples"] = [
        {
            "id": f"item {number}#{attempt}",
            "scores": {"grounded": {"status": "error" if value is None else "scored", "value": value}},
        }
        for number, item in enumerate(case.values)
        for attempt, value in enumerate(item, start=1)
    ]
    return json.dumps(document).encode()


def ask(world: World, number: int, case: Case, threshold: float) -> None:
    """Put the criterion of a case on record, of a suite that is registered."""
    suite = f"suite-{number:02}"
    version = registry.ensure_version(
        system=world.system, kind=ArtefactKind.SUITE, key=suite, label="1", digest=sha256_hex(suite.encode()),
        actor="user:ci",
    )  # fmt: skip
    registry.register_version(principal=acting("user:ann"), version=version)
    percentile = f", percentile: {case.percentile:g}" if case.percentile else ""
    make_criterion(
        world, key=f"r{number:02}", check="evals.metric", comparator=case.comparator, min_n=10,
        threshold=f"{threshold!r}\n        unit: {case.unit}",
        parameters=f"{{suite: {{key: {suite}}}, metric: grounded, planned_runs: {case.planned}{percentile}}}",
    )  # fmt: skip


def expected_verdict(case: Case, bounds: Bounds, threshold: float) -> str:
    low, high = bounds
    if case.comparator == "at_most":
        low, high, threshold = (None if high is None else -high), (None if low is None else -low), -threshold
    if low is not None and low >= threshold:
        return "met"
    return "not_met" if high is not None and high < threshold else "insufficient"


def test_twenty_decisions_are_what_scipy_makes_of_the_same_values(world: World, api: APIClient) -> None:
    register_eval_versions(world)
    random, drawn = np.random.default_rng(5), cases()
    assert len(drawn) == 20
    thresholds = []
    for number, case in enumerate(drawn):
        low, high = case.bounds(case.values, case.alpha)
        reach = (high if high is not None else max(case.seen())) - (low or 0.0)
        # Now and then beyond either bound, so that each verdict is among the twenty.
        place = float((low or 0.0) + reach * random.choice([-0.25, 0.5, 1.25]))
        thresholds.append(round(min(place, 0.999) if case.unit == "share" else place, 3))
        ask(world, number, case, thresholds[-1])
        answer = pusher(world, api)(file_of(case, f"suite-{number:02}"), name="x.json")
        assert answer.status_code == 201, answer.content
    references = [CriterionReference(requirement=f"r{number:02}") for number in range(len(drawn))]
    define_gate(system=world.system, key="release", references=references)
    body = {"system": world.system.key, "release": "r1"}
    answer = api.post("/api/v1/gates/release/decisions", body, format="json", **world.headers(Scope.GATE))
    assert answer.status_code == 201, answer.content
    reasons = answer.json()["reasons"]
    assert {reason["verdict"] for reason in reasons} == {"met", "not_met", "insufficient"}
    for case, threshold, reason in zip(drawn, thresholds, reasons, strict=True):
        measured, bounds = reason["measured"], case.bounds(case.values, case.alpha)
        for told, ours in zip((measured["low"], measured["high"]), bounds, strict=True):
            if ours is None or told is None:
                assert told is ours
            else:
                assert told == pytest.approx(ours, rel=case.tolerance), (reason["criterion"], case.bounds)
        assert measured["method"] in METHODS
        assert measured["bound_confidence"] == pytest.approx(1 - case.alpha)
        assert (measured["n_units"], measured["n_observations"]) == (
            len(case.values),
            sum(map(len, case.values)),
        )
        assert reason["verdict"] == expected_verdict(case, bounds, threshold), reason["detail"]
