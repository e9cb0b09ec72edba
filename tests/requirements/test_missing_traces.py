"""Traces that were set aside are evidence that is missing: they count against a pass and make nothing enough."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from evidence import clock
from evidence.access import principal_of_command_line
from evidence.models import Release
from evidence.services import registry
from evidence.services.assembly import assemble_due_traces, put_back
from evidence.vocabulary import CriterionVerdict
from requirements.models import Assessment
from requirements.services.assessment import assess, replay_assessment
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import spans_of
from tests.factories import World, acting, manifest
from tests.requirements.builders import make_criterion, make_trace, make_traces
from tests.requirements.test_assessment import judge as review

pytestmark = pytest.mark.django_db


def set_aside(world: World, settings: Settings, n: int, **attributes: Any) -> None:
    """Set traces of the world's release aside."""
    allowed, settings.TRACE_MAX_SPANS = settings.TRACE_MAX_SPANS, 1
    for _ in range(n):
        store_spans(world.system, uuid4(), spans_of(world, **attributes))
    assemble_due_traces(limit=100)
    settings.TRACE_MAX_SPANS = allowed


def judge(world: World, release: Release | None = None, **criterion: Any) -> Assessment:
    return assess(
        criterion=make_criterion(world, **criterion), release=release or world.release,
        as_of=clock.read_moment(), actor="user:ana",
    )  # fmt: skip


def test_they_count_against_a_pass_and_the_verdict_says_so(world: World, settings: Settings) -> None:
    make_traces(world, 20)
    assert judge(world, key="before").verdict == CriterionVerdict.MET
    set_aside(world, settings, 20)
    after = judge(world, key="after")
    assert (after.verdict, after.value, after.n) == (CriterionVerdict.INSUFFICIENT, 1.0, 40)
    estimate = after.inputs["measured"][0]["recent"]["inputs"]["estimate"]
    assert (estimate["worst"], estimate["best"]) == (0.5, 1.0)
    assert after.inputs["measured"][0]["recent"]["inputs"]["set_aside"] == {"trace_too_large": 20}
    assert "missing, which counts against it: 20 trace_too_large" in after.detail
    assert "the 20 that are missing could decide it" in after.detail
    assert replay_assessment(after).agrees


def test_of_claims_each_counts_as_many_as_any_trace_was_found_to_make(
    world: World, settings: Settings
) -> None:
    """Nobody knows how many claims an unread answer makes: as one claim each, twenty would hide among a thousand."""
    for n_claims in (10, 10, 4):
        make_trace(world, claims=[("verbatim", 1.0)] * n_claims)
    set_aside(world, settings, 2)
    judged = judge(world, check="citations.material_supported", min_n=1)
    estimate = judged.inputs["measured"][0]["recent"]["inputs"]["estimate"]
    assert (estimate["worst"], estimate["best"]) == (pytest.approx(24 / 44), 1.0)


def test_a_verdict_of_before_replays_the_same(world: World, settings: Settings) -> None:
    make_trace(world)
    before = judge(world, min_n=1)
    set_aside(world, settings, 3)
    assert replay_assessment(before).agrees


def test_they_make_no_evidence_enough(world: World, settings: Settings) -> None:
    make_trace(world)
    set_aside(world, settings, 10)
    judged = judge(world, min_n=11)
    assert judged.verdict == CriterionVerdict.INSUFFICIENT
    assert judged.detail.startswith("1 observations, at least 11 are needed (missing")


def test_once_sealed_they_are_missing_no_more(world: World, settings: Settings) -> None:

    make_trace(world)
    set_aside(world, settings, 1)
    put_back(principal=principal_of_command_line())
    assemble_due_traces(limit=10)
    assert "set_aside" not in judge(world, min_n=1).inputs["measured"][0]["recent"]["inputs"]


def test_one_that_names_its_release_counts_against_that_one_alone(world: World, settings: Settings) -> None:
    other = registry.register_release(principal=acting(), system=world.system, manifest=manifest(name="r2"))
    make_trace(world, release=other)
    set_aside(world, settings, 2)
    assert judge(world, other, key="named", min_n=1).n == 1
    set_aside(world, settings, 3, **{"tracebinder.release": None})
    assert judge(world, other, key="unnamed", min_n=1).n == 4


@pytest.mark.parametrize(
    ("check", "comparator", "bound", "at_first"),
    [("reviews.overridden", "at_most", "high", 0.0), ("reviews.challenge_labelled", "at_least", "low", 1.0)],
)
def test_checks_over_reviews_count_what_nobody_could_review(
    world: World, settings: Settings, check: str, comparator: str, bound: str, at_first: float
) -> None:
    decision = "approve" if check == "reviews.overridden" else "reject"
    for role in ("reviewer", "auditor"):
        review(world, make_trace(world), role, decision, "wrong_fact", "the fee is 5", timedelta(hours=25))
    criterion: dict[str, Any] = {"check": check, "comparator": comparator, "threshold": 0.9, "min_n": 2}
    before = judge(world, key="before", **criterion)
    assert (before.value, before.n) == (at_first, 2)
    set_aside(world, settings, 2)
    after = judge(world, key="after", **criterion)
    assert (after.value, after.n) == (at_first, 4)
    assert abs(getattr(after, bound) - at_first) > abs(getattr(before, bound) - at_first)
    assert replay_assessment(before).agrees
    assert replay_assessment(after).agrees
    few = judge(world, key="few", **(criterion | {"min_n": 3}))
    assert few.verdict == CriterionVerdict.INSUFFICIENT


def test_no_age_nor_slice_hides_them(world: World, settings: Settings) -> None:
    """Nobody has read them, so nobody knows that they are of another slice."""
    make_trace(world, language="de")
    set_aside(world, settings, 1)
    judged = judge(world, min_n=1, slices="[{language: de}]")
    assert [part["n"] for part in judged.slices] == [2]
