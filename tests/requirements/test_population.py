"""What a population came to, and the digest of it, which stays the same however many rows there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from evidence import clock
from evidence.digests import sha256_hex
from evidence.models import Trace
from evidence.services import registry
from evidence.statistics.sequences import anytime_mean
from requirements.checks import Population, get_check
from tests.factories import World
from tests.requirements.builders import make_trace

pytestmark = pytest.mark.django_db
PARAMETERS = {"parts": ["confidence", "limitations"], "risk_tiers": ["high"]}


def observed(world: World) -> Mapping[str, Any]:
    """Return what an assessment of all traces says of its observations."""
    everything = Population(world.system.pk, world.release.pk, clock.read_moment(), None)
    measured = get_check("answers.confidence_and_limits").measure(everything, PARAMETERS, 0.95)
    return cast("Mapping[str, Any]", measured.inputs["observations"])


def make_traces(world: World) -> list[Trace]:
    """Make forty traces: the third says no limits, the sixth used a version that nobody registered."""
    unknown = registry.ensure_version(
        system=world.system, kind="tool", key="rates", label="new", digest="9" * 64, actor="user:ana"
    )
    pinned = {pin.slot: pin.version for pin in world.release.pins.all()}
    return [
        make_trace(
            world,
            has_limitations=number != 2,
            versions={**pinned, "tool": unknown} if number == 5 else pinned,
        )
        for number in range(40)
    ]


def test_the_digest_is_over_a_line_a_row_as_ever(world: World) -> None:
    """Verdicts that were stored when one aggregate made it replay the same."""
    traces = make_traces(world)
    good = {trace.pk for number, trace in enumerate(traces) if number not in {2, 5}}
    lines = sorted(
        (trace.digest, f"{trace.digest}/{trace.pk}{'+' if trace.pk in good else '-'}") for trace in traces
    )
    assert observed(world) == {
        "n": 40,
        "successes": 38,
        "mis_versioned": 1,
        "digest": sha256_hex(",".join(line for _, line in lines).encode()),
    }


def test_the_digest_over_nothing_is_empty(world: World) -> None:
    assert observed(world) == {"n": 0, "successes": 0, "mis_versioned": 0, "digest": ""}


@pytest.mark.parametrize(("unsupported", "n_units", "low"), [(4, 25, 0.82), (0, 25, 0.88)])
def test_the_claims_of_a_trace_are_one_unit(world: World, unsupported: int, n_units: int, low: float) -> None:
    """A hundred claims of 25 traces, those of one trace all unsupported: 96 of 100 alone would show 0.91."""
    for number in range(25):
        verdict = "not_found" if number == 0 and unsupported else "verbatim"
        make_trace(world, claims=[(verdict, 1.0)] * 4)
    everything = Population(world.system.pk, world.release.pk, clock.read_moment(), None)
    check = get_check("citations.material_supported")
    measured = check.measure(everything, check.with_defaults({}), 0.95)
    assert (measured.n, measured.n_units, measured.successes) == (100, n_units, 100 - unsupported)
    assert measured.low == pytest.approx(low, abs=0.01)


def test_a_gate_that_is_asked_again_and_again_has_bounds_that_hold_at_each_look(world: World) -> None:
    """Twenty-five traces of four claims: each counts once, and the bound is further from the value."""
    for number in range(25):
        make_trace(world, claims=[("not_found" if number == 0 else "verbatim", 1.0)] * 4)
    everything = Population(world.system.pk, world.release.pk, clock.read_moment(), None)
    check = get_check("citations.material_supported")
    once = check.measure(everything, check.with_defaults({}), 0.95)
    often = check.measure(everything, check.with_defaults({"looks": "continuous"}), 0.95)
    assert once.estimate
    assert often.estimate
    assert (often.value, often.n, often.n_units, often.estimate.method) == (0.96, 100, 25, "betting")
    assert often.low == pytest.approx(anytime_mean([0.0] + [1.0] * 24, 0.9).low)
    assert often.low < once.estimate.low < once.estimate.high <= often.high  # type: ignore[operator]
