"""What a script finds without a browser: its systems, their releases and binders, and what people have to judge."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from evidence.models import Adjudication, AuditEvent, Scope
from tests.e2e.cases import make_task, make_trace
from tests.evidence import binder_world
from tests.factories import World, make_world, second_release
from tests.invariants.act_doors.judging import disputed

pytestmark = pytest.mark.django_db


def listed(world: World, path: str, scope: Scope = Scope.READ, **query: str) -> list[Any]:
    client = APIClient()
    client.credentials(**world.headers(scope))
    answer = client.get(f"/api/v1/{path}", query)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def test_a_token_is_told_of_its_systems_and_of_no_other(world: World) -> None:
    make_world("aml-copilot")
    (system,) = listed(world, "systems")
    assert (system["key"], system["risk_tier"]) == ("credit-assistant", "high")
    assert system["owner"].startswith("person:")
    assert listed(world, "systems", key="aml-copilot") == []


def test_a_release_is_listed_with_its_pins_and_what_nobody_registered(world: World) -> None:
    pin = {"slot": "model", "kind": "model", "key": "smol", "label": "2", "digest": "a" * 64}
    body = {"system": world.system.key, "name": "r2", "pins": [pin]}
    posted = APIClient().post("/api/v1/releases", body, format="json", **world.headers(Scope.IMPORT))
    newest, first = listed(world, "releases", system=world.system.key)
    assert (newest["name"], first["name"]) == ("r2", "r1")
    assert {"model", "prompt", "index", "policy"} <= set(first["pins"])
    assert first["unregistered"] == []
    assert newest == posted.json()
    assert [each["slot"] for each in newest["unregistered"]] == ["model"]
    assert listed(world, "releases", digest=first["digest"]) == [first]


def test_more_releases_take_no_more_queries(world: World) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            listed(world, "releases")
        return len(queries)

    one = asked()
    for number in range(3):
        second_release(world, f"later-{number}")
    assert asked() == one


def test_a_review_task_says_how_it_stands(world: World) -> None:
    disagreed, waiting = disputed(world), make_task(world)
    told = {each["trace_id"]: each for each in listed(world, "review-tasks", system=world.system.key)}
    of_waiting, of_disagreed = told[waiting.trace.trace_id.hex], told[disagreed.trace.trace_id.hex]
    assert (of_waiting["is_open"], of_waiting["n_reviews"], of_waiting["is_disputed"]) == (True, 0, False)
    assert (of_disagreed["is_open"], of_disagreed["n_reviews"], of_disagreed["is_disputed"]) == (
        False, 2, True,
    )  # fmt: skip
    assert [each["id"] for each in listed(world, "review-tasks", standing="open")] == [of_waiting["id"]]
    reviewer = APIClient()
    reviewer.force_login(world.people["reviewer"])
    own = reviewer.get("/api/v1/review-tasks", {"standing": "disputed"}).json()["results"]
    assert [each["id"] for each in own] == [of_disagreed["id"]]


def test_a_binder_is_found_by_the_digest_of_the_file_one_holds(world: World) -> None:
    binder = binder_world.export(binder_world.fill_lightly(world))
    (found,) = listed(world, "binders", Scope.BINDER, digest=binder.archive_id)
    assert (found["id"], found["state"]) == (str(binder.binder_uuid), "ready")
    assert listed(world, "binders", Scope.BINDER, digest="0" * 64) == []


def test_a_third_reviewer_settles_a_disagreement_by_api_once(world: World) -> None:
    task = disputed(world)
    body = {
        "system": world.system.key, "trace_id": task.trace.trace_id.hex, "decision": "reject",
        "rationale": "the tariff says 1%",
    }  # fmt: skip
    third = APIClient()
    third.force_login(world.people["reviewer"])
    settled = third.post("/api/v1/adjudications", body, format="json")
    assert settled.status_code == 201, settled.content
    events = AuditEvent.objects.count()
    again = third.post("/api/v1/adjudications", body, format="json")
    assert (again.status_code, again.json()) == (201, settled.json())
    assert (Adjudication.objects.count(), AuditEvent.objects.count()) == (1, events)
    changed = third.post("/api/v1/adjudications", {**body, "decision": "approve"}, format="json")
    assert (changed.status_code, changed.json()["detail"]) == (409, "This disagreement was settled before.")
    assert listed(world, "adjudications", system=world.system.key) == [settled.json()]


def test_of_a_trace_that_nobody_was_asked_about_nothing_is_settled(world: World) -> None:
    trace = make_trace(world)
    client = APIClient()
    client.force_login(world.people["reviewer"])
    body = {
        "system": world.system.key,
        "trace_id": trace.trace_id.hex,
        "decision": "reject",
        "rationale": "r",
    }
    answer = client.post("/api/v1/adjudications", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
