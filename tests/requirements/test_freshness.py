"""What a criterion came to, and whether that is recent: two axes, and only one corner of them is a pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from rest_framework.test import APIClient

from evidence import clock
from evidence.models import Scope
from evidence.vocabulary import CriterionVerdict as Verdict
from requirements.freshness import BEGINNING, oldest_allowed, standing_of
from requirements.selectors.standings import standing
from requirements.services.assessment import assess, replay_assessment
from requirements.verdicts import status_of
from tests.factories import World
from tests.requirements.builders import make_criterion, make_traces

MAY = datetime(2026, 5, 3, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("verdict", "is_old"), list(product([Verdict.MET, Verdict.NOT_MET, Verdict.INSUFFICIENT], [False, True]))
)
def test_only_what_is_met_and_recent_is_a_pass(verdict: Verdict, is_old: bool) -> None:
    found = standing_of(
        verdict, whatever_its_age=verdict, observed_to=MAY - 30 * DAY, max_age_days=30, judged_at=MAY - 20 * DAY,
        at=MAY + DAY if is_old else MAY - DAY,
    )  # fmt: skip
    assert found.verdict is verdict
    assert found.is_stale is is_old
    assert found.stale_since == (MAY if is_old else None)
    assert found.is_pass is (verdict is Verdict.MET and not is_old)


def test_without_an_age_limit_nothing_becomes_stale() -> None:
    found = standing_of(
        Verdict.MET, whatever_its_age=Verdict.MET, observed_to=BEGINNING, max_age_days=None, judged_at=BEGINNING,
        at=MAY,
    )  # fmt: skip
    assert found.is_pass


@pytest.mark.parametrize("days", [2**31 - 1, 10**9, 10**30])
def test_no_age_limit_is_beyond_the_calendar(days: int) -> None:
    assert oldest_allowed(MAY, days) == BEGINNING
    found = standing_of(
        Verdict.MET, whatever_its_age=Verdict.MET, observed_to=MAY, max_age_days=days, judged_at=MAY, at=MAY
    )
    assert found.is_pass


def test_mapped_and_not_run_is_no_pass() -> None:
    """Five criteria, of which two are met: the requirement is not, and each of the others is told by name."""
    verdicts = {
        "c1": Verdict.MET, "c2": Verdict.MET, "c3": Verdict.NOT_ASSESSED, "c4": Verdict.NOT_ASSESSED,
        "c5": Verdict.STALE,
    }  # fmt: skip
    assert status_of(verdicts, waived=(), approved=True) == "partial"
    without_the_stale = {key: each for key, each in verdicts.items() if each is not Verdict.STALE}
    assert status_of(without_the_stale, waived=(), approved=True) == "partial"
    met = {key: each for key, each in verdicts.items() if each is Verdict.MET}
    assert status_of(met, waived=(), approved=True) == "satisfied"


@pytest.mark.django_db
@pytest.mark.parametrize(("good", "came_to"), [(True, "met"), (False, "not_met")])
def test_a_stale_assessment_says_what_it_is_stale_of(world: World, good: bool, came_to: str) -> None:
    criterion = make_criterion(world, max_age_days=30)
    make_traces(world, 14, age=timedelta(days=40), has_limitations=good)
    assessed = assess(criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ci")
    assert assessed.verdict == "stale"
    assert (assessed.n, assessed.value) == (14, 1.0 if good else 0.0)
    found = standing(assessed, clock.now())
    assert (found.verdict, found.is_stale, found.is_pass) == (came_to, True, False)
    assert found.stale_since is not None
    assert timedelta(days=9) < clock.now() - found.stale_since < timedelta(days=11)
    assert replay_assessment(assessed).agrees
    told = APIClient().get("/api/v1/assessments", **world.headers(Scope.READ)).json()["results"]
    assert [(each["verdict"], each["standing"]["verdict"]) for each in told] == [("stale", came_to)]
    assert told[0]["standing"]["is_pass"] is False
