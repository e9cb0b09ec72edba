"""What a population came to, and the digest of it, which stays the same however many rows there are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import pytest
from django.utils import timezone

from evidence import clock
from evidence.digests import sha256_hex
from evidence.models import Trace
from evidence.services import registry
from evidence.statistics import Unit, estimate_share, tally, two_sided
from evidence.statistics.sequences import anytime_mean
from requirements.checks import Check, Population, get_check, known_checks
from tests.factories import World
from tests.requirements.builders import make_trace, make_traces
from tests.requirements.test_assessment import judge as review

pytestmark = pytest.mark.django_db
PARAMETERS = {"parts": ["confidence", "limitations"], "risk_tiers": ["high"]}


def observed(world: World) -> Mapping[str, Any]:
    """Return what an assessment of all traces says of its observations."""
    everything = Population(world.system.pk, world.release.pk, clock.read_moment(), None)
    measured = get_check("answers.confidence_and_limits").measure(everything, PARAMETERS, 0.95)
    return cast("Mapping[str, Any]", measured.inputs["observations"])


def make_forty(world: World) -> list[Trace]:
    """Make forty traces: the third says no limits, the sixth used a version that nobody registered."""
    unknown = registry.ensure_version(
        system=world.system, kind="tool", key="rates", label="new", digest="9" * 64, actor="user:ana"
    )
    pinned = {pin.slot: pin.version for pin in world.release.pins.all()}
    return [
        *make_traces(world, 2),
        *make_traces(world, 1, has_limitations=False),
        *make_traces(world, 2),
        *make_traces(world, 1, versions={**pinned, "tool": unknown}),
        *make_traces(world, 34),
    ]


def digest_of_lines(lines: list[str]) -> str:
    """Work the digest out again: a SHA-256 a line, as four signed numbers, summed."""
    hashes = [hashlib.sha256(line.encode()).digest() for line in lines]
    sums = [sum(int.from_bytes(each[at : at + 8], signed=True) for each in hashes) for at in (0, 8, 16, 24)]
    return sha256_hex(":".join(map(str, (len(lines), *sums))).encode())


def test_the_digest_is_over_a_line_a_row_in_any_order(world: World) -> None:
    """Whoever has the rows can work it out, and one that comes out otherwise gives another."""
    traces = make_forty(world)
    good = {trace.pk for number, trace in enumerate(traces) if number not in {2, 5}}
    lines = [f"{trace.digest}/{trace.pk}{'+' if trace.pk in good else '-'}" for trace in reversed(traces)]
    assert observed(world) == {
        "n": 40,
        "successes": 38,
        "mis_versioned": 1,
        "digest": digest_of_lines(lines),
    }
    assert digest_of_lines([lines[0][:-1] + "-", *lines[1:]]) != digest_of_lines(lines)


def test_the_digest_over_nothing_is_empty(world: World) -> None:
    assert observed(world) == {"n": 0, "successes": 0, "mis_versioned": 0, "digest": ""}


@pytest.mark.parametrize(("unsupported", "n_units", "low"), [(4, 25, 0.75), (0, 25, 0.82)])
def test_the_claims_of_a_trace_are_one_unit(world: World, unsupported: int, n_units: int, low: float) -> None:
    """A hundred claims of 25 traces, those of one trace all unsupported: 96 of 100 alone would show 0.91."""
    make_traces(world, 1, claims=[("not_found" if unsupported else "verbatim", 1.0)] * 4)
    make_traces(world, 24, claims=[("verbatim", 1.0)] * 4)
    everything = Population(world.system.pk, world.release.pk, clock.read_moment(), None)
    check = get_check("citations.material_supported")
    measured = check.measure(everything, check.with_defaults({}), 0.95)
    assert (measured.n, measured.n_units, measured.successes) == (100, n_units, 100 - unsupported)
    assert measured.low == pytest.approx(low, abs=0.01)


def test_a_gate_that_is_asked_again_and_again_has_bounds_that_hold_at_each_look(world: World) -> None:
    """Twenty-five traces of four claims: the bound is further from the value than that of one look, stated or not."""
    make_traces(world, 1, claims=[("not_found", 1.0)] * 4)
    make_traces(world, 24, claims=[("verbatim", 1.0)] * 4)
    everything = Population(world.system.pk, world.release.pk, clock.read_moment(), None)
    check = get_check("citations.material_supported")
    unsaid = check.measure(everything, check.with_defaults({}), 0.95)
    said = check.measure(everything, check.with_defaults({"looks": "continuous"}), 0.95)
    once = estimate_share(tally([Unit(4, 0.0), *[Unit(4, 4.0)] * 24]), two_sided(0.95))
    assert once
    assert unsaid == said
    assert said.estimate
    assert (said.value, said.n, said.n_units, said.estimate.method) == (0.96, 100, 25, "betting")
    assert said.low == pytest.approx(anytime_mean([0.0] + [1.0] * 24, 0.9).low)
    assert said.low < once.low < once.high <= said.high  # type: ignore[operator]


# Of parameters without a default.
EXAMPLES: Mapping[str, object] = {"within_hours": 24, "verdicts": ["verbatim"], "attribute": "app.level"}
# These need more than a trace and a review: `test_declared_checks.py` looks at what their bounds are of.
OWN_SCENES = ("documents.in_date", "reviews.agreement")


@pytest.mark.parametrize(
    "check",
    [each for each in known_checks().values() if "Trace" in each.reads and each.name not in OWN_SCENES],
)
def test_every_check_of_production_traces_holds_at_all_looks(world: World, check: Check) -> None:
    """A check that is added later, and that takes its bounds for one look, fails here."""
    make_trace(world, claims=[("verbatim", 1.0)], policy=["rule"], age=timedelta(days=3))
    review(
        world, make_trace(world, age=timedelta(days=3)), "reviewer", "reject", "wrong_fact", "the fee is 5"
    )
    later = clock.as_of(timezone.now() + timedelta(days=2))
    everything = Population(world.system.pk, world.release.pk, later, None)
    required = cast("list[str]", check.parameters["required"])
    given = {name: example for name, example in EXAMPLES.items() if name in required}
    measured = check.measure(everything, check.with_defaults(given), 0.95)
    assert check.grows
    assert measured.estimate
    assert measured.estimate.method == "betting"
