"""The strip on home: what each system's release comes to, in few queries, and to nobody whom it could lead."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidence.access import principal_of_user
from evidence.models import Release
from requirements.models import AcceptanceCriterion, Assessment
from requirements.selectors.system_strips import Strip, strips_of
from tests.evidence.test_blinding import (
    colleague,
    counted,  # noqa: F401  # a fixture
    say,
    signed_in,
    task,  # noqa: F401  # a fixture
)
from tests.factories import World, deploy, make_world, second_release
from tests.requirements.builders import make_criterion


@pytest.fixture
def criteria(world: World) -> list[AcceptanceCriterion]:
    return [make_criterion(world, key=f"r{n}") for n in range(4)]


def judged(criterion: AcceptanceCriterion, release: Release, verdict: str, **over: Any) -> Assessment:
    """Store an assessment as the service leaves it, without what it read."""
    now = timezone.now()
    told: dict[str, Any] = {
        "criterion": criterion, "release": release, "as_of": now, "verdict": verdict, "detail": "said",
        "value": 0.9, "unit": "share", "direction": "higher", "n": 40, "low": 0.8, "high": 1.0,
        "bound_confidence": 0.95, "observed_from": now, "observed_to": now, "inputs": {}, "inputs_digest": "a" * 64,
        "code_version": "1", "counts_reviews": False,
    }  # fmt: skip
    return Assessment.objects.create(**told | over)


def strip_of(world: World, role: str = "auditor") -> Strip:
    return strips_of(world.principal(role), {world.system.pk})[world.system.pk]


def test_what_nobody_can_tell_is_unknown_and_said_why(
    world: World, criteria: list[AcceptanceCriterion]
) -> None:
    long_ago = timezone.now() - timedelta(days=4000)
    judged(criteria[0], world.release, "met", n=12)
    judged(criteria[1], world.release, "met", observed_to=long_ago)
    judged(criteria[2], world.release, "insufficient")
    strip = strip_of(world)
    assert (strip.met, strip.not_met, strip.unknown, strip.total) == (1, 0, 3, 4)
    assert strip.why_unknown == [("untested", 1), ("stale", 1), ("insufficient", 1)]
    assert (strip.fewest, strip.most) == (12, 40)
    assert strip.trend is None


def test_what_was_not_met_stays_so_when_it_is_old(world: World, criteria: list[AcceptanceCriterion]) -> None:
    judged(criteria[0], world.release, "not_met", observed_to=timezone.now() - timedelta(days=4000))
    assert strip_of(world).not_met == 1


def test_the_last_assessment_counts(world: World, criteria: list[AcceptanceCriterion]) -> None:
    judged(criteria[0], world.release, "met", as_of=timezone.now() - timedelta(hours=1))
    judged(criteria[0], world.release, "not_met")
    assert (strip_of(world).met, strip_of(world).not_met) == (0, 1)


def test_the_trend_is_of_the_criteria_that_both_were_judged_on(
    world: World, criteria: list[AcceptanceCriterion]
) -> None:
    after = second_release(world)
    for criterion, then, now in zip(
        criteria, ("met", "not_met", "met", "insufficient"), ("not_met", "met", "", "met"), strict=True
    ):
        judged(criterion, world.release, then)
        if now:
            judged(criterion, after, now)
    strip = strip_of(world)
    assert (strip.release, strip.before, strip.is_live) == (after.name, world.release.name, False)
    assert strip.trend is not None
    assert (strip.trend.n, strip.trend.better, strip.trend.worse, strip.trend.lost) == (3, 1, 1, 1)


def test_what_is_live_is_shown_and_not_what_came_after(world: World) -> None:
    second_release(world)
    deploy(world.release)
    strip = strip_of(world)
    assert (strip.release, strip.is_live, strip.before) == (world.release.name, True, "")


def test_what_is_live_again_is_compared_with_what_it_stood_in_for(world: World) -> None:
    after = second_release(world)
    deploy(after)
    deploy(world.release)
    assert (strip_of(world).release, strip_of(world).before) == (world.release.name, after.name)


def test_home_says_it_and_takes_no_more_queries_for_more_systems(
    world: World, criteria: list[AcceptanceCriterion], client: Client
) -> None:
    judged(criteria[0], world.release, "met")
    auditor = world.people["auditor"]
    client.force_login(auditor)
    page = client.get("/admin/").content.decode()
    assert "1 met, 0 not met, 3 unknown, of 4" in page
    assert "nothing to compare with: it is the first release" in page
    assert re.search(r"as of \S+ \S+ UTC<", page), "a time names its zone"
    with CaptureQueriesContext(connection) as few:
        client.get("/admin/")
    for n in range(3):
        other = make_world(f"other-{n}")
        other.system.memberships.create(user=auditor)
        judged(make_criterion(other), other.release, "met")
    with CaptureQueriesContext(connection) as many:
        assert client.get("/admin/").content.decode().count("1 met, 0 not met") == 4
    assert len(many) == len(few) <= 25


def test_a_system_without_a_release_says_so(world: World) -> None:
    assert strips_of(world.principal("auditor"), set()) == {}


def test_a_verdict_that_counts_reviews_is_kept_from_whom_it_could_lead(
    world: World, task: Any, counted: AcceptanceCriterion  # noqa: F811  # fixtures
) -> None:  # fmt: skip
    second = colleague(world, "second", "reviewer")
    client = signed_in(second)

    def shown() -> dict[str, int]:
        (system,) = client.get("/admin/").context["work"].systems
        return dict(system.strip.counts)

    assert shown()["hidden"] == 1
    page = client.get("/admin/").content.decode()
    assert "none that you may see" in page, "a gate did decide, by what colleagues said"
    say(client, task, "approve")
    assert "hidden" not in shown()


def test_what_is_kept_from_somebody_is_not_told_as_lost(
    world: World, task: Any, counted: AcceptanceCriterion  # noqa: F811  # fixtures
) -> None:  # fmt: skip
    after = second_release(world)
    judged(counted, after, "met", counts_reviews=True)
    deploy(after)
    deploy(world.release)
    second = principal_of_user(colleague(world, "second", "reviewer"))
    strip = strips_of(second, {world.system.pk})[world.system.pk]
    assert (strip.before, strip.counts["hidden"]) == (after.name, 1)
    assert strip.trend is None
    assert strip_of(world).trend is not None


def test_an_operator_is_told_of_no_verdict_on_home(
    world: World, criteria: list[AcceptanceCriterion], client: Client
) -> None:
    """Who gives access sees none of what it opens: not how a system stands, nor what its gate said."""
    judged(criteria[0], world.release, "met")
    client.force_login(world.people["operator"])
    page = client.get("/admin/")
    assert page.context["work"] is None
    assert "Waits for operators" in page.content.decode()
    assert not any(
        told in page.content.decode()
        for told in ("1 met", "Last decision of each gate", world.release.name + "<")
    )


def test_criteria_of_which_the_same_is_on_record_are_told_as_each_of_them_is(world: World) -> None:
    """They are read as one; of those whose age has an end, some may be past it."""
    now = timezone.now()
    old = now - timedelta(days=4000)
    after = second_release(world)
    then = ("met", "not_met", "insufficient", "")
    on_record: list[dict[str, Any]] = [
        {"verdict": "met", "n": 7},
        {"verdict": "met", "n": 90, "observed_to": old},
        {"verdict": "not_met", "as_of": old},
        {"verdict": "insufficient", "n": 0},
        {"verdict": "insufficient", "n": 3},
        {"verdict": "not_assessed"},
        {"verdict": "stale"},
    ]
    told = ["met", "stale", "not_met", "untested", "insufficient", "untested", "stale"]
    alone: Counter[str] = Counter()
    moved: Counter[tuple[str, str]] = Counter()
    for place, (before, (on, word)) in enumerate(product(then, zip(on_record, told, strict=True))):
        criterion = make_criterion(world, key=f"r{place}")
        judged(criterion, after, **on)
        if before:
            judged(criterion, world.release, before)
        alone[word] += 1
        moved[before, word] += 1
    strip = strip_of(world)
    assert strip.counts == alone
    assert (strip.fewest, strip.most, strip.as_of_first) == (3, 90, old)
    assert strip.trend is not None
    assert (strip.trend.n, strip.trend.better) == (14, moved["not_met", "met"])
    assert (strip.trend.worse, strip.trend.lost) == (moved["met", "not_met"], 10)
    assert Counter(each.word for each in strip.unmet.values()) == alone - Counter(met=alone["met"])
    aged = [each for each in strip.unmet.values() if each.stale_since]
    assert {each.word for each in aged} == {"stale"}
    assert len(aged) == 8
