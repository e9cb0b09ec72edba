"""Home tells what waits for a person, and for how long the oldest has, and counts no further than that helps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence import clock
from evidence.actors import actor_of_token, person_behind, remembering_people
from evidence.models import AccessToken, Scope
from evidence.selectors import counting
from evidence.services import evals
from requirements.services.retirements import ask_retirement
from tests.e2e.cases import make_task
from tests.e2e.pages import full_world
from tests.evidence.eval_files import eval_file
from tests.evidence.test_admin_pages import signed_in
from tests.factories import World, acting, ask_for_waiver, make_world
from tests.requirements.builders import make_criterion, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def figures(client: Client) -> dict[str, Any]:
    """Return what waits for a reviewer, by what it is called."""
    return {str(each.text): each for each in client.get(reverse("admin:index")).context["work"].waiting}


def test_home_says_how_many_wait_and_since_when(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    make_task(world)
    make_task(world)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=3, hours=1))
    client = signed_in(world.people["reviewer"])
    told = figures(client)
    assert (told["Waiting for me"].count, told["Waiting for me"].oldest) == (2, 3)
    assert (told["Disagreement to settle"].count, told["Disagreement to settle"].oldest) == (0, None)
    assert "the oldest for 3 days" in client.get(reverse("admin:index")).content.decode()


def test_what_waits_is_counted_no_further_than_helps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_COUNTED", 1)
    client = signed_in(world.people["reviewer"])
    make_task(world)
    assert "1+" not in client.get(reverse("admin:index")).content.decode()
    make_task(world)
    make_task(world)
    home = client.get(reverse("admin:index")).content.decode()
    assert "<strong>1+</strong> <span>Waiting for me</span>" in home
    desk = client.get(reverse("admin:review_desk")).content.decode()
    assert "1+ answers wait for you" in desk


def test_home_finds_the_first_that_wait_without_all_others(world: World) -> None:
    make_task(world)
    client = signed_in(world.people["reviewer"])
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("admin:index"))
    (counted,) = [each["sql"] for each in queries if "'waiting' AS" in each["sql"]]
    with transaction.atomic(), connection.cursor() as cursor:
        # As where so many wait that to sort them is dear: what has no index to be read by is sorted even so.
        cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {counted}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Limit" in plan
    assert "Sort" not in plan


def test_home_asks_no_more_of_the_database_where_more_waits(world: World) -> None:
    client = signed_in(world.people["reviewer"])
    client.get(reverse("admin:index"))
    asked = []
    for _ in range(2):
        make_task(world)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("admin:index"))
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 25


@pytest.mark.parametrize("role", ["author", "approver", "reviewer", "researcher", "auditor", "operator"])
def test_home_asks_few_queries_in_each_role(role: str) -> None:
    world = full_world()
    client = signed_in(world.people[role])
    client.get(reverse("admin:index"))
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("admin:index"))
    assert len(queries) <= 25


def test_home_of_an_approver_asks_no_more_where_more_requests_wait(world: World) -> None:
    client, author = signed_in(world.people["approver"]), world.principal("author")
    asked = []
    for n in range(5):
        raw = eval_file([1.0], run_key=f"run-{n}")
        recorded = evals.record_eval_run(
            principal=acting("token:ci"), system=world.system, raw=raw, format_name="native"
        )
        evals.ask_retraction(principal=author, run=recorded.run, reason="r")
        ask_for_waiver(world, f"r{n}/c")
        version = make_criterion(world, key=f"q{n}").version
        ask_retirement(principal=author, version=version, reason="r", read=read(version))
        client.get(reverse("admin:index"))
        with CaptureQueriesContext(connection) as queries:
            home = client.get(reverse("admin:index"))
        asked.append(len(queries))
    told = {str(each.text): each.count for each in home.context["work"].approvals}
    waiting = ("Retractions to confirm", "Waivers to grant", "Retirements to grant")
    assert [told[each] for each in waiting] == [5, 5, 5]
    assert asked[0] == asked[4] <= 25, asked


def test_a_page_asks_once_for_the_person_behind_a_token(world: World) -> None:
    world.token(Scope.INGEST)
    token = actor_of_token(AccessToken.objects.get())
    with CaptureQueriesContext(connection) as asked_each_time:
        behind = {person_behind(token) for _ in range(3)}
    with remembering_people(), CaptureQueriesContext(connection) as asked_once:
        assert {person_behind(token) for _ in range(3)} == behind
    assert len(asked_each_time) == 3 * len(asked_once)
