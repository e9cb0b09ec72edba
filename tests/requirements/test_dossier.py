"""The dossier of a release: everything on record about it, nothing that would lead a reviewer, and no hidden cut."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evidence.models import Release, Scope
from evidence.selectors import release_activity
from evidence.services import reviews
from evidence.statement_limit import TookTooLong
from requirements.models import Assessment
from requirements.pages import dossier
from tests.e2e.cases import make_task
from tests.evidence.binder_world import Filled, fill
from tests.evidence.test_blinding import colleague
from tests.factories import World, make_world, second_release, waive
from tests.kept_scenes import kept_scene
from tests.requirements.builders import make_trace

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_scene
def filled(world: World) -> Filled:
    return fill(world)


def show(person: User, release: Release, status: int = 200, **asked: Any) -> Any:
    client = Client()
    client.force_login(person)
    answer = client.get(reverse("admin:dossier", args=[release.pk]), asked)
    assert answer.status_code == status, answer.content.decode()
    return answer


def test_it_tells_all_that_stands_behind_a_release(filled: Filled) -> None:
    world = filled.world
    waiver = waive(world, "R/c", expires_at=timezone.now() + timedelta(days=3))
    answer = show(world.people["auditor"], world.release)
    page, told = answer.content.decode(), answer.context
    for pin in world.release.pins.select_related("version"):
        assert pin.version.digest in page
    assert [each.environment for each in told["deployments"].rows] == ["production"]
    assert told["deployments"].rows[0].is_live
    assert all(each.told for each in told["decisions"].rows)
    assert {each.verdict for each in told["decisions"].rows} == {"pass", "fail"}
    assert [each.run_key for each in told["runs"].rows] == ["ci/41"]
    assert told["runs"].rows[0].whole[0][0] == "grounded"
    assert [each.in_force for each in told["waivers"].rows] == [True]
    assert waiver.criterion_ref in page
    assert told["doubts"].n == 1
    assert told["n_requirements"] == len(told["rows"]) > 0
    assert told["reviews"].n == 1
    assert next(each for each in told["reasons_given"] if each.count).share.startswith(
        "1 share of reviews [0.05, 1]"
    )
    assert reverse("admin:export_binder", args=[world.release.pk]) in page
    assert "all of this as of" in page


def test_trends_count_what_lists_hold_and_a_period_narrows_them(filled: Filled) -> None:
    release, auditor = filled.world.release, filled.world.people["auditor"]
    told = show(auditor, release).context
    totals = {each.name: each.total for each in told["trends"]}
    assert totals["Answers"] == release.traces.filter(started_at__lt=told["days"].until).count() == 20
    assert totals["Reviews"] == totals["Reviews that override or reject"] == 1
    assert sum(numbers[0] for _, numbers in told["table"]) == totals["Answers"]
    before = show(auditor, release, 200, **{"from": "2020-01-01", "to": "2020-01-03"}).context
    assert [each.total for each in before["trends"]] == [0] * len(before["trends"])
    assert [first.isoformat() for first, _ in before["table"]] == ["2020-01-01", "2020-01-02", "2020-01-03"]
    assert (before["runs"].n, before["runs"].n_in_all, before["runs"].is_cut) == (0, 1, True)
    by_week = show(auditor, release, 200, **{"from": "2020-01-01", "to": "2020-01-20", "by": "week"}).context
    assert [first.isoformat() for first, _ in by_week["table"]] == [
        "2019-12-30",
        "2020-01-06",
        "2020-01-13",
        "2020-01-20",
    ]
    for wrong in (
        {"by": "year"},
        {"from": "2026-02-02", "to": "2026-02-01"},
        {"from": "1980-01-01"},
        {"to": "soon"},
    ):
        show(auditor, release, 422, **wrong)


def test_a_list_that_is_cut_says_so_and_where_all_of_it_is(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, auditor = filled.world.release, filled.world.people["auditor"]
    n = len(show(auditor, release).context["decisions"].rows)
    monkeypatch.setattr(dossier, "MOST", 1)
    monkeypatch.setattr(dossier, "MOST_REQUIREMENTS", 1)
    told = show(auditor, release)
    decisions = told.context["decisions"]
    assert (len(decisions.rows), decisions.n, decisions.is_cut) == (1, n, n > 1)
    page = told.content.decode()
    assert "the worst 1 are shown" in page
    assert reverse("admin:coverage", args=[release.pk]) in page


def test_a_great_many_answers_are_counted_when_somebody_asks(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is there at once; the way to the figures stands where they would."""
    release, auditor = filled.world.release, filled.world.people["auditor"]
    monkeypatch.setattr(dossier, "MOST_UNASKED", 0)
    answer = show(auditor, release)
    assert "trends" not in answer.context
    assert [each.run_key for each in answer.context["runs"].rows] == ["ci/41"]
    ways = re.findall(r'href="(\?[^"#]+)#trends">Count them', answer.content.decode())
    assert len(ways) == 2, "of what it did, and of what reviewers said"
    for way in ways:
        asked: dict[str, Any] = dict(parse_qsl(unescape(way).removeprefix("?")))
        told = show(auditor, release, **asked).context
        assert told["reviews"].n == 1
        assert {each.name: each.total for each in told["trends"]}["Answers"] == 20


def test_more_answers_than_can_be_counted_in_time_are_told_to_be(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: Any) -> Any:
        raise TookTooLong

    monkeypatch.setattr(release_activity, "within", ended)
    answer = show(filled.world.people["auditor"], filled.world.release)
    assert [each.name for each in answer.context["trends"]] == ["Reviews", "Reviews that override or reject"]
    assert "more answers than can be counted" in answer.content.decode()


def test_a_reviewer_is_told_nothing_of_answers_that_wait_for_them(world: World) -> None:
    second = colleague(world, "second", "reviewer")
    task = make_task(world)
    reviews.record_review(
        principal=world.principal("reviewer"), trace=task.trace, decision="reject", reason_code="wrong_fact"
    )
    told = show(second, world.release)
    assert (told.context["reviews"].n, told.context["reviews"].kept_from_reader) == (0, 1)
    assert {each.name: each.total for each in told.context["trends"]}["Reviews"] == 0
    assert "wrong fact" not in told.content.decode()
    own = show(world.people["reviewer"], world.release).context["reviews"]
    assert (own.n, own.kept_from_reader) == (1, 0)


def test_what_counts_reviews_is_kept_from_a_reviewer_it_could_lead(filled: Filled) -> None:
    world = filled.world
    second = colleague(world, "second", "reviewer")
    task = make_task(world)
    reviews.record_review(
        principal=world.principal("reviewer"), trace=task.trace, decision="reject", reason_code="wrong_fact"
    )
    counting = {
        field.name: getattr(Assessment.objects.latest("pk"), field.name) for field in Assessment._meta.fields
    }
    del counting["id"], counting["xact_id"]
    Assessment.objects.create(**counting | {"counts_reviews": True, "as_of": timezone.now()})
    assert show(world.people["auditor"], world.release).context["coverage"].counts_reviews
    answer = show(second, world.release)
    assert answer.context["coverage"] is None
    assert "Judge those first" in answer.content.decode()
    assert not [each for each in answer.context["decisions"].rows if each.counts_reviews]


def test_others_find_nothing_and_statements_do_not_grow_with_rows(filled: Filled) -> None:
    world = filled.world
    show(make_world("other").people["auditor"], world.release, 404)
    show(world.people["operator"], world.release, 403)
    auditor = world.people["auditor"]
    with CaptureQueriesContext(
        connection,
    ) as few:
        show(auditor, world.release)
    waive(world, "R/d")
    waive(world, "R/e")
    for _ in range(3):
        make_trace(world)
    with CaptureQueriesContext(connection) as more:
        show(auditor, world.release)
    assert len(more) <= len(few) + 2
    assert len(more) <= 90, len(more)
    show(auditor, second_release(world))
    assert world.token(Scope.READ)
