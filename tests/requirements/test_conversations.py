"""Traces of one conversation depend on each other: they are one unit, at one look and at any number of looks."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from evidence import clock
from evidence.clock import AsOf
from evidence.models import TraceFacts
from evidence.services.assembly import assemble_due_traces
from evidence.services.disposal.erasure import erase_trace_payload
from evidence.statistics import Unit, tally
from evidence.statistics.sequences import estimate_share_anytime
from requirements.checks import Measured, Population, get_check
from requirements.services.assessment import assess, replay_assessment
from tests.evidence.stored_spans import BASE_NS, store_spans
from tests.evidence.test_assembly import spans_of
from tests.factories import World, acting
from tests.requirements.builders import make_criterion, make_trace, make_traces
from tests.requirements.test_assessment import judge as review

pytestmark = pytest.mark.django_db
LIMITS = "answers.confidence_and_limits"


def measure(world: World, check_name: str, *, as_of: AsOf | None = None, **parameters: Any) -> Measured:
    check = get_check(check_name)
    population = Population(world.system.pk, world.release.pk, as_of or clock.read_moment(), None)
    return check.measure(population, check.with_defaults(parameters), 0.95)


def later(moment: AsOf, **time: float) -> AsOf:
    return replace(moment, at=moment.at + timedelta(**time))


def assess_now(world: World, *, hours: float = 0, **criterion: Any) -> Any:
    return assess(
        criterion=make_criterion(world, **criterion), release=world.release,
        as_of=later(clock.read_moment(), hours=hours), actor="user:ana",
    )  # fmt: skip


def test_traces_of_one_conversation_are_one_unit(world: World) -> None:
    """Of 100 traces in 25 conversations those of one are all bad: 96 of 100 alone would show 0.88."""
    for _ in range(24):
        conversation = uuid4()
        make_traces(world, 4, conversation=conversation, age=timedelta(hours=30))
    bad = uuid4()
    make_traces(world, 4, conversation=bad, has_limitations=False, age=timedelta(hours=30))
    assessed = assess_now(world, threshold=0.8)
    assert assessed.verdict == "insufficient"
    assert assessed.low == pytest.approx(0.75, abs=0.01)
    assert "n 25 units (conversations) of 100 traces" in assessed.detail
    assert replay_assessment(assessed).agrees


def test_a_trace_that_names_no_conversation_stands_for_itself(world: World) -> None:
    conversation = uuid4()
    for n in range(10):
        make_trace(world, conversation=conversation if n < 4 else None)
    measured = measure(world, LIMITS, as_of=later(clock.read_moment(), hours=25))
    assert (measured.n, measured.n_units, measured.successes) == (10, 7, 10)


def test_claims_and_reviews_are_of_the_conversation_too(world: World) -> None:
    conversation = uuid4()
    for number in range(6):
        trace = make_trace(
            world, claims=[("verbatim", 1.0)] * 2, conversation=conversation if number < 3 else None
        )
        review(world, trace, "reviewer")
    claims, reviews = (
        measure(world, name, as_of=later(clock.read_moment(), hours=25))
        for name in ("citations.material_supported", "reviews.overridden")
    )
    assert (claims.n, claims.n_units, claims.counts.units) == (12, 4, "conversations")
    assert (reviews.n, reviews.n_units, reviews.counts.observations) == (6, 4, "reviews")


def seal(world: World, *conversations: str) -> TraceFacts:
    """Have the assembler seal a trace that names these conversations."""
    spans, trace_id = spans_of(world), uuid4()
    ago = (BASE_NS - time.time_ns()) // 1_000_000 + 60_000  # from a minute ago on, in the spans' milliseconds
    for span in spans:
        span["start_ns"], span["end_ns"] = span["start_ns"] - ago, span["end_ns"] - ago
    for span, conversation in zip(spans, conversations, strict=False):
        span["attributes"]["gen_ai.conversation.id"] = conversation
    store_spans(world.system, trace_id, spans)
    assert assemble_due_traces(limit=10) == 1
    return TraceFacts.objects.get(trace__trace_id=trace_id)


def test_the_assembler_names_the_conversation_by_what_says_nothing(world: World) -> None:
    first, second, other = (seal(world, name).conversation for name in ("c-17", "c-17", "c-18"))
    assert first == second != other
    assert isinstance(first, UUID)
    assert seal(world).conversation is None
    assert seal(world, "c-17", "c-18").conversation is None  # nobody knows which it depends on


def test_an_erased_conversation_is_the_unit_that_it_was(world: World) -> None:
    sealed = [seal(world, "ngozi@example.org") for _ in range(3)]
    assessed = assess_now(world, hours=25, min_n=1, parameters="{risk_tiers: [low]}")
    assert (assessed.n, assessed.inputs["measured"][0]["recent"]["inputs"]["estimate"]["n_units"]) == (3, 1)
    for facts in sealed[:2]:
        erase_trace_payload(
            system=world.system, trace_id=facts.trace.trace_id, reason="request 1", principal=acting()
        )
    assert TraceFacts.objects.filter(trace__conversation_ids=[]).count() == 2
    assert replay_assessment(assessed).agrees
    tomorrow = later(clock.read_moment(), hours=25)
    assert measure(world, LIMITS, as_of=tomorrow, risk_tiers=["low"]).n_units == 1


def test_a_conversation_counts_once_it_may_grow_no_more(world: World) -> None:
    conversation = uuid4()
    for hours in (30, 29, 1):
        make_trace(world, age=timedelta(hours=hours), conversation=conversation)
    make_trace(world, age=timedelta(hours=1))
    measured = measure(world, LIMITS, looks="continuous")
    assert (measured.n, measured.n_units, measured.counts.waiting) == (3, 2, 1)
    assessed = assess_now(world, min_n=4, max_age_days="null", parameters="{looks: continuous}")
    assert (
        "3 observations, at least 4 are needed (1 more wait until their unit is complete)" in assessed.detail
    )
    hasty = measure(world, LIMITS, looks="continuous", settle_hours=0.5)
    assert (hasty.n, hasty.n_units, hasty.counts.waiting) == (4, 4, 0)


@dataclass(frozen=True)
class Said:
    """A trace as the model below has it."""

    at: datetime  # when it was sealed
    conversation: UUID | None
    good: bool


def units_by(said: Sequence[Said], at: datetime, stretch: timedelta) -> list[Unit]:
    """Return the units that count at a time: each trace by itself, or a stretch of a conversation that is over."""
    units: dict[object, list[Said]] = {}
    for number, each in enumerate(sorted(said, key=lambda one: one.at)):
        if each.at > at:
            continue
        if each.conversation is None:
            units[number] = [each]
            continue
        began = min(one.at for one in said if one.conversation == each.conversation)
        number_of_stretch = (each.at - began) // stretch
        if began + (number_of_stretch + 1) * stretch <= at:
            units.setdefault((each.conversation, number_of_stretch), []).append(each)
    return [Unit(len(those), float(sum(one.good for one in those))) for those in units.values()]


@pytest.mark.parametrize("seed", range(3))
def test_what_a_look_counted_no_later_look_counts_otherwise(world: World, seed: int) -> None:
    """At each time the units are those of a plain reading of the rule, and no unit changes after it has counted."""
    drawn = random.Random(seed)  # a simulation
    conversations, stretch = [uuid4() for _ in range(4)], timedelta(hours=6)
    said = []
    for _ in range(40):
        age, good = timedelta(minutes=drawn.randrange(60, 3_000)), drawn.random() < 0.8
        conversation = drawn.choice([None, *conversations])
        trace = make_trace(world, age=age, versions={}, has_limitations=good, conversation=conversation)
        said.append(Said(trace.sealed_at, conversation, good))
    moment, before = clock.read_moment(), tally([])
    for hours in range(-48, 1, 3):
        as_of = later(moment, hours=hours)
        expected = tally(units_by(said, as_of.at, stretch))
        measured = measure(world, LIMITS, as_of=as_of, looks="continuous", settle_hours=6)
        wanted = estimate_share_anytime(expected, 0.9)
        assert (measured.n, measured.n_units) == (expected.n, expected.n_units)
        assert (measured.low, measured.high) == ((wanted.low, wanted.high) if wanted else (None, None))
        counted = dict(expected.items())
        assert all(counted.get(unit, 0) >= n for unit, n in before.items())
        before = expected


def test_reviews_count_once_their_time_is_over(world: World) -> None:
    """Further ones may come at any time: a trace that was reviewed just now waits, and later counts with both."""
    trace, other = make_trace(world), make_trace(world)
    review(world, trace, "reviewer", "override", "wrong_fact", "the fee is 5")
    review(world, trace, "auditor")
    review(world, other, "reviewer")
    moment = clock.read_moment()
    now = measure(world, "reviews.overridden", as_of=moment, looks="continuous")
    assert (now.n, now.counts.waiting) == (0, 3)
    tomorrow = measure(world, "reviews.overridden", as_of=later(moment, hours=25), looks="continuous")
    assert (tomorrow.n, tomorrow.n_units) == (3, 2)
    assert tomorrow.value == pytest.approx(1 / 3)
    assert tomorrow.estimate
    assert tomorrow.estimate.method == "betting"
    labelled = measure(world, "reviews.challenge_labelled", as_of=later(moment, hours=25), looks="continuous")
    assert (labelled.n, labelled.value) == (1, 1.0)


def test_reviews_in_time_wait_for_the_last_trace_of_their_unit(world: World) -> None:
    """A stretch that ended half an hour ago may hold a trace that has half an hour left."""
    for hours in (25.5, 24.5):
        make_trace(world, age=timedelta(hours=hours), conversation=uuid4())
    make_trace(world, age=timedelta(hours=2))
    measured = measure(world, "reviews.within_time", within_hours=1, looks="continuous")
    assert (measured.n, measured.n_units, measured.value, measured.counts.waiting) == (2, 2, 0.0, 1)
