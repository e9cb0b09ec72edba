"""Traces of one conversation or session: in time, each with its turns, and from each to the next."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from evidence.access import principal_of_command_line
from evidence.models import Scope, Trace
from evidence.selectors import conversations
from evidence.services.disposal.erasure import erase_trace_payload
from evidence.services.people import memberships
from tests.evidence.test_trace_words import BEGAN, store
from tests.factories import World, acting, make_world

pytestmark = pytest.mark.django_db


def tell(world: World, question: str, minute: int, **columns: Any) -> Trace:
    """Store a trace of conversation c/1."""
    own: dict[str, Any] = {"conversation_ids": ["c/1"], "session_ids": ["s 1"], **columns}
    return store(world, question, f"About {question}", started_at=BEGAN + timedelta(minutes=minute), **own)


def ask(api: Any, world: World, **query: Any) -> Any:
    return api.get("/api/v1/conversations", query, **world.headers(Scope.READ))


def questions(api: Any, world: World, **query: Any) -> list[list[str]]:
    response = ask(api, world, **query)
    assert response.status_code == 200, response.content
    return [[turn["question"] for turn in row["turns"]] for row in response.json()["results"]]


def detail(api: Any, world: World, trace: Trace) -> Any:
    return api.get(f"/api/v1/traces/{trace.trace_id.hex}", **world.headers(Scope.READ)).json()


def test_a_conversation_is_told_in_time_with_every_turn(api: Any, world: World) -> None:
    tell(world, "second", 2)
    tell(world, "first", 1)
    tell(world, "third", 3, turns=(("before", "it"),), conversation_ids=["c/1", "c/2"])
    tell(world, "elsewhere", 4, conversation_ids=["c/2"], session_ids=[])
    assert questions(api, world, conversation="c/1") == [["first"], ["second"], ["before", "third"]]
    assert questions(api, world, session="s 1") == [["first"], ["second"], ["before", "third"]]
    assert questions(api, world, conversation="c/3") == []


def test_a_conversation_goes_on_over_pages(api: Any, world: World) -> None:
    for number in range(5):
        tell(world, f"question {number}", number // 2)  # some began at the same moment
    first = ask(api, world, conversation="c/1", limit=2).json()
    told = [row["turns"][0]["question"] for row in first["results"]]
    address = first["next"]
    while address:
        page = api.get(address, **world.headers(Scope.READ)).json()
        told += [row["turns"][0]["question"] for row in page["results"]]
        address = page["next"]
    assert told == [f"question {number}" for number in range(5)]


def test_each_trace_names_what_came_before_and_after(api: Any, world: World) -> None:
    first, second, third = (tell(world, str(minute), minute, session_ids=[]) for minute in (1, 2, 3))
    (told,) = detail(api, world, second)["neighbours"]
    assert told == {
        "kind": "conversation", "id": "c/1", "place": 2, "count": 3, "previous": first.trace_id.hex,
        "next": third.trace_id.hex,
    }  # fmt: skip
    assert detail(api, world, first)["neighbours"][0]["previous"] is None
    assert detail(api, world, third)["neighbours"][0]["next"] is None


def test_a_trace_stands_once_in_its_conversation_whatever_its_revision(api: Any, world: World) -> None:
    trace_id = uuid.uuid4()
    tell(world, "said first", 1, trace_id=trace_id)
    tell(world, "next", 2)
    tell(world, "said again", 1, trace_id=trace_id, revision=2)
    assert questions(api, world, conversation="c/1") == [["said again"], ["next"]]
    headers = world.headers(Scope.READ)
    earlier = api.get(f"/api/v1/traces/{trace_id.hex}?revision=1", **headers).json()
    assert [(one["place"], one["count"]) for one in earlier["neighbours"]] == [(1, 2), (1, 2)]


def test_nothing_is_told_of_other_systems(api: Any, world: World) -> None:
    other = make_world("aml-copilot")
    mine = tell(world, "mine", 1)
    tell(other, "theirs", 2)
    assert questions(api, world, conversation="c/1") == [["mine"]]
    assert questions(api, world, conversation="c/1", system="aml-copilot") == []
    assert detail(api, world, mine)["neighbours"][0]["next"] is None


def test_the_same_id_in_two_systems_is_two_conversations(api: Any, world: World) -> None:
    other = make_world("aml-copilot")
    tell(world, "mine", 1)
    tell(other, "theirs", 2)
    both = world.people["auditor"]
    client = Client()
    client.force_login(both)
    memberships.grant_membership(principal=principal_of_command_line(), system=other.system, user=both)
    response = client.get("/api/v1/conversations", {"conversation": "c/1"})
    assert (response.status_code, response.json()["code"]) == (409, "ambiguous_conversation")
    response = client.get("/api/v1/conversations", {"conversation": "c/1", "system": "aml-copilot"})
    assert [row["turns"][0]["question"] for row in response.json()["results"]] == ["theirs"]


@pytest.mark.parametrize("query", [{}, {"conversation": "a", "session": "b"}])
def test_one_of_the_two_is_named(api: Any, world: World, query: dict[str, str]) -> None:
    response = ask(api, world, **query)
    assert response.status_code == 422
    assert "name either a conversation or a session" in response.json()["detail"]


def test_an_id_of_very_many_traces_is_no_conversation(
    api: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "LONGEST", 2)
    traces = [tell(world, str(minute), minute, session_ids=[]) for minute in range(3)]
    response = ask(api, world, conversation="c/1")
    assert (response.status_code, response.json()["code"]) == (422, "conversation_too_long")
    assert detail(api, world, traces[0])["neighbours"] == []


def test_an_erased_trace_is_in_no_conversation_any_more(api: Any, world: World) -> None:
    first = tell(world, "first", 1)
    second = tell(world, "second", 2)
    erase_trace_payload(system=world.system, trace_id=first.trace_id, principal=acting(), reason="request 1")
    assert questions(api, world, conversation="c/1") == [["second"]]
    assert detail(api, world, first)["neighbours"] == []
    assert [one["count"] for one in detail(api, world, second)["neighbours"]] == [1, 1]


@pytest.fixture
def auditor(world: World) -> Client:
    """The browser of somebody who reads traces."""
    client = Client()
    client.force_login(world.people["auditor"])
    return client


def test_the_page_of_a_conversation_and_the_links_to_it(world: World, auditor: Client) -> None:
    first, second = tell(world, "the <first> question", 1), tell(world, "the second question", 2)
    record = auditor.get(reverse("admin:evidence_trace_change", args=[first.pk])).content.decode()
    address = f"{reverse('admin:conversation')}?system=credit-assistant&amp;conversation=c%2F1"
    assert f'<a href="{address}">The whole conversation: 1 of 2</a>' in record
    assert reverse("admin:evidence_trace_change", args=[second.pk]) in record
    page = auditor.get(address.replace("&amp;", "&")).content.decode()
    assert page.index("the &lt;first&gt; question") < page.index("the second question")
    assert reverse("admin:evidence_trace_change", args=[first.pk]) in page
    session = {"system": "credit-assistant", "session": "s 1"}
    assert "the second question" in auditor.get(reverse("admin:conversation"), session).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {"system": "aml-copilot", "conversation": "c/1"},
        {"system": "credit-assistant", "conversation": "nobody's"},
        {"system": "credit-assistant", "conversation": "c/1", "page": "2"},
        {"conversation": "c/1"},
    ],
)
def test_a_conversation_of_others_is_not_found(world: World, auditor: Client, query: dict[str, str]) -> None:
    tell(world, "mine", 1)
    tell(make_world("aml-copilot"), "theirs", 1)
    assert auditor.get(reverse("admin:conversation"), query).status_code == 404


@pytest.mark.parametrize("page", [{}, {"page": "2"}, {"page": "last"}])
def test_whatever_page_is_asked_for_it_is_the_conversation_that_there_is_not(
    auditor: Client, page: dict[str, str]
) -> None:
    query = {"system": "credit-assistant", "conversation": "nobody's", **page}
    told = auditor.get(reverse("admin:conversation"), query)
    assert told.status_code == 404
    assert "There is no such conversation" in told.content.decode()
