"""Home tells an author how much of theirs waits, since when, and leads to a list of exactly that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence import clock
from evidence.models import Membership
from requirements.admin import home
from requirements.models import RequirementVersion
from requirements.selectors import system_strips
from requirements.services.requirements import import_requirements
from tests.evidence.test_admin_pages import signed_in
from tests.factories import World, deploy, make_person, make_world, second_release
from tests.requirements.builders import approve, make_criterion, move, requirement_file
from tests.requirements.links_world import change, put, tie
from tests.requirements.test_system_strips import judged

pytestmark = pytest.mark.django_db

DRAFTS, BACK = "Drafts of yours, not proposed", "Versions sent back to you"
NOT_MET, UNKNOWN = "Criteria not met", "Criteria nobody can tell of"


@pytest.fixture
def world() -> World:
    return make_world()


def draft(world: World, key: str, role: str = "author", **over: Any) -> RequirementVersion:
    result = import_requirements(
        principal=world.principal(role), system=world.system, file_name=f"{key}.yaml",
        source=requirement_file(key=key, **over),
    )  # fmt: skip
    return result.requirements[0].version


def figures(client: Client, role: str = "author") -> dict[str, Any]:
    """Return what waits for whoever has a role, by what it is called."""
    sections = client.get(reverse("admin:index")).context["work"].sections
    return {str(each.text): each for of in sections if of.key == role for each in of.waiting}


def listed(client: Client, url: str) -> set[str]:
    """Return what the list shows to which a figure leads."""
    answer = client.get(url)
    assert answer.status_code == 200
    return {str(row) for row in answer.context["cl"].result_list}


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=days, hours=1))


def test_drafts_that_nobody_was_asked_to_approve_wait_and_what_came_back_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    author, approver = (world.principal(role).actor for role in ("author", "approver"))
    draft(world, "unproposed")
    taken_back, sent_back, asked = (draft(world, key) for key in ("taken-back", "sent-back", "asked"))
    for version in (taken_back, sent_back, asked):
        move(version, "in_review", author)
    move(taken_back, "draft", author, "not yet")
    move(sent_back, "draft", approver, "too vague")
    later(monkeypatch, 4)
    client = signed_in(world.people["author"])
    told = figures(client)
    assert (told[DRAFTS].count, told[DRAFTS].oldest) == (2, 4)
    assert listed(client, told[DRAFTS].url) == {"unproposed v1", "taken-back v1"}
    assert (told[BACK].count, told[BACK].oldest) == (1, 4)
    assert listed(client, told[BACK].url) == {"sent-back v1"}


def test_what_others_draft_and_what_was_overtaken_waits_for_nobody_here(world: World) -> None:
    colleague = make_person("colleague", "author")
    Membership.objects.create(system=world.system, user=colleague)
    draft(world, "mine")
    draft(world, "mine", owner="another-owner")
    told = figures(signed_in(colleague))
    assert (told[DRAFTS].count, told[DRAFTS].oldest) == (0, None)
    client = signed_in(world.people["author"])
    assert listed(client, figures(client)[DRAFTS].url) == {"mine v2"}


def test_criteria_wait_that_are_not_met_or_unknown_since_they_were_last_met(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    met, failed, few, _untested = (make_criterion(world, key=f"r{n}") for n in range(4))
    now = clock.now()
    judged(met, world.release, "met")
    judged(failed, world.release, "met", as_of=now - timedelta(days=9))
    judged(failed, world.release, "not_met", as_of=now - timedelta(days=6))
    judged(failed, world.release, "not_met", as_of=now - timedelta(days=1))
    judged(few, world.release, "insufficient", as_of=now - timedelta(days=3))
    later(monkeypatch, 0)
    client = signed_in(world.people["author"])
    told = figures(client)
    assert (told[NOT_MET].count, told[NOT_MET].oldest) == (1, 6)
    assert listed(client, told[NOT_MET].url) == {"r1/c"}
    assert (told[UNKNOWN].count, told[UNKNOWN].oldest) == (2, 3)
    assert listed(client, told[UNKNOWN].url) == {"r2/c", "r3/c"}


def test_suspect_links_are_counted_by_system_and_lead_to_its_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_world("other")
    Membership.objects.create(system=other.system, user=world.people["author"])
    for one in (world, other):
        put(one.system, "P", "A", "B")
        tie(one.system, "P>A")
        tie(one.system, "A>B")
    assert figures(signed_in(world.people["author"]))["Suspect links"].count == 0
    change_of(other, "P")
    later(monkeypatch, 2)
    client = signed_in(world.people["author"])
    told = figures(client)
    assert "Suspect links" not in told
    figure = told[f"Suspect links · {other.system.name}"]
    assert (figure.count, figure.oldest) == (2, 2)
    page = client.get(figure.url)
    assert {each.name for each in page.context["rows"]} == {"P>A", "A>B"}


def change_of(world: World, key: str) -> None:
    (version,) = put(world.system, key, approved=False, statement='"The answer must say S, once more."')
    approve(version)


def test_home_of_an_author_asks_no_more_where_more_waits_and_in_more_systems(world: World) -> None:
    client = signed_in(world.people["author"])
    put(world.system, "P", "A", "B")
    tie(world.system, "P>A")
    change(world.system, "P")
    asked = []
    for n in range(2):
        draft(world, f"draft-{n}")
        judged(make_criterion(world, key=f"r{n}"), world.release, "not_met")
        client.get(reverse("admin:index"))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("admin:index"))
        asked.append(len(queries))
        other = make_world(f"other-{n}")
        Membership.objects.create(system=other.system, user=world.people["author"])
        put(other.system, "P", "A")
        tie(other.system, "P>A")
        deploy(second_release(other, "live"))
        change_of(other, "P")
    assert asked[0] == asked[1] <= 25


@pytest.mark.parametrize("role", ["approver", "reviewer", "auditor", "researcher", "operator"])
def test_nobody_else_is_told_of_an_authors_work(world: World, role: str) -> None:
    draft(world, "unproposed")
    page = signed_in(world.people[role]).get(reverse("admin:index"))
    assert DRAFTS not in page.content.decode()


def test_a_system_of_many_links_has_a_way_on_home_and_no_figure(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = make_world("large")
    Membership.objects.create(system=large.system, user=world.people["author"])
    for one, keys in ((world, ("P", "A")), (large, ("P", "A", "B", "C"))):
        put(one.system, *keys)
        for key in keys[1:]:
            tie(one.system, f"P>{key}")
    change_of(world, "P")
    change_of(large, "P")
    client = signed_in(world.people["author"])
    everything = figures(client)
    assert everything[f"Suspect links · {large.system.name}"].count == 3
    monkeypatch.setattr(home, "_MOST_JUDGED", 4)
    with CaptureQueriesContext(connection) as queries:
        told = figures(client)
        asked = [each["sql"] for each in queries]
    assert told[f"Suspect links · {world.system.name}"].count == 1
    assert f"Suspect links · {large.system.name}" not in told
    (untold,) = [each for text, each in told.items() if text.startswith("Where links stand: no figure for 1")]
    assert (untold.count, untold.oldest) == (None, None)
    assert {each.name for each in client.get(untold.url).context["rows"]} == {"P>A", "P>B", "P>C"}
    read = [sql for sql in asked if "r.upstream_fingerprint" in sql]
    assert [f"'{{{world.system.pk}}}'" in sql for sql in read] == [True]
    page = client.get(reverse("admin:index")).content.decode()
    assert "<strong>None</strong>" not in page


def test_home_says_of_no_more_criteria_than_a_few_since_when_they_are_not_met(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(2):
        judged(make_criterion(world, key=f"r{n}"), world.release, "not_met")
    client = signed_in(world.people["author"])
    assert (figures(client)[NOT_MET].count, figures(client)[NOT_MET].oldest) == (2, 0)
    monkeypatch.setattr(system_strips, "MOST_DATED", 1)
    assert (figures(client)[NOT_MET].count, figures(client)[NOT_MET].oldest) == (2, None)
