"""Measurements for tests, without a model."""

from __future__ import annotations

from typing import Any

from interpret.contracts import (
    ClaimLevel,
    Comparison,
    ComparisonKind,
    Estimate,
    HoldsFor,
    Measurement,
    NullKind,
    ProbeResult,
    Stability,
    Status,
    Tested,
    TestedUnit,
    TestKind,
)


def make_estimate(value: float, half_width: float = 0.1, n: int = 20) -> Estimate:
    return Estimate(value, value - half_width, value + half_width, n, 0.95, "bootstrap-bca over prompts")


def make_comparison(kind: ComparisonKind, value: float = 0.0) -> Comparison:
    return Comparison(kind, f"a {kind}", make_estimate(value))


def make_tested(beyond: float = 2.0, spread: float = 0.1, n: int = 20, **changes: Any) -> Tested:
    """A test over `n` texts whose statistic lies `beyond` every null, by a unit that varies by `spread`."""
    units = tuple(
        TestedUnit(f"c{i}", f"t{i}", beyond + spread * (i % 5 - 2), {str(kind): 0.0 for kind in NullKind})
        for i in range(n)
    )
    fields: dict[str, Any] = {"kind": TestKind.EFFECT, "smallest_effect": 0.5, "why": "half is felt"}
    return Tested(**{**fields, "units": units, **changes})


OF_STATUS: dict[Status, dict[str, Any]] = {
    Status.DESCRIBED: {"level": ClaimLevel.DESCRIPTIVE, "tested": None},
    Status.SUPPORTED: {},
    Status.NOT_SUPPORTED: {"tested": make_tested(0.0)},
    Status.INCONCLUSIVE: {"tested": make_tested(0.5)},
    Status.INVALID: {"tested": None},
}


def make_measurement_of(status: Status) -> Measurement:
    """A measurement whose verdict is `status`."""
    return make_measurement(**OF_STATUS[status])


def make_measurement(**changes: Any) -> Measurement:
    fields: dict[str, Any] = {
        "statistic": "test.statistic",
        "unit": "nats",
        "level": ClaimLevel.ASSOCIATIONAL,
        "estimate": make_estimate(2.0),
        "baseline": make_comparison(ComparisonKind.BASELINE),
        "null": make_comparison(ComparisonKind.NULL),
        "tested": make_tested(),
        "holds_for": HoldsFor("a" * 64, "b" * 64, ("en",), "final logits"),
        "stability": Stability(0, 1, make_estimate(2.05), agrees=True, what="the prompts"),
        "supports": "Something is there.",
        "does_not_show": "That it matters.",
        "p_value": 0.001,
        "q_value": 0.002,
        "correction": "Benjamini-Hochberg over the 2 tests of this run",
        "family_size": 2,
    }
    return Measurement(**{**fields, **changes})


def make_result(*measurements: Measurement) -> ProbeResult:
    return ProbeResult("entropy.next_token", "1", measurements or (make_measurement(),), {"torch": "2"}, 1, 3)
