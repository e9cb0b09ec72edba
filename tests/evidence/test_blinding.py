"""What colleagues said of an answer one may still judge is shown by no door before one has judged it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.models import AccessToken, AuditEvent, Membership, Review, ReviewTask, Scope
from evidence.services.people import tokens
from tests.e2e.cases import make_task
from tests.evidence.binder_world import PERIOD
from tests.factories import World, acting, make_person

SAID = "The fee is invented."


def signed_in(person: User) -> APIClient:
    client = APIClient()
    client.force_login(person)
    return client


def colleague(world: World, name: str, *roles: str) -> User:
    person = make_person(name, *roles)
    Membership.objects.create(system=world.system, user=person)
    return person


def say(client: APIClient, task: ReviewTask, decision: str = "reject") -> Any:
    body = {
        "system": task.system.key, "trace_id": task.trace.trace_id.hex, "decision": decision,
        "reason_code": "" if decision == "approve" else "wrong_fact", "rationale": SAID,
    }  # fmt: skip
    return client.post("/api/v1/reviews", body, format="json")


@pytest.fixture
def task(world: World) -> ReviewTask:
    """A task for two people, of whom the first has rejected the answer."""
    task = make_task(world)
    assert task.reviews_required == 2
    assert say(signed_in(world.people["reviewer"]), task).status_code == 201
    return task


def listed(client: APIClient, path: str, **query: str) -> list[Any]:
    answer = client.get(f"/api/v1/{path}", query)
    assert answer.status_code == 200, answer.content
    rows: list[Any] = answer.json()["results"]
    return rows


def test_a_reviewer_reads_colleagues_by_api_once_they_have_judged_themselves(
    world: World, task: ReviewTask
) -> None:
    second = signed_in(colleague(world, "second", "reviewer"))
    assert listed(second, "reviews") == []
    assert say(second, task, "approve").status_code == 201
    assert SAID in {review["rationale"] for review in listed(second, "reviews")}


def test_a_filter_tells_no_more_than_the_list(world: World, task: ReviewTask) -> None:
    second = signed_in(colleague(world, "second", "reviewer"))
    assert listed(second, "traces", decision="reject") == []
    assert len(listed(second, "traces", reviewed="true")) == 1  # that somebody judged it is on the page too
    say(second, task, "approve")
    assert len(listed(second, "traces", decision="reject")) == 1


def test_a_reviewers_own_token_reads_no_more_than_the_reviewer(
    world: World, task: ReviewTask, api: APIClient
) -> None:
    issued = tokens.issue_token(
        name="mine", owner=colleague(world, "second", "reviewer"), scopes=[Scope.READ],
        systems=[world.system], expires_at=timezone.now() + timedelta(days=1), principal=acting("user:omar"),
    )  # fmt: skip
    answer = api.get("/api/v1/reviews", HTTP_AUTHORIZATION=f"Bearer {issued.text}")
    assert answer.json()["results"] == []
    assert AccessToken.objects.get(pk=issued.token.pk).owner.username == "second"


@pytest.mark.parametrize("role", ["author", "approver", "auditor"])
def test_those_who_judge_no_answers_read_what_was_said(world: World, task: ReviewTask, role: str) -> None:
    assert [review["rationale"] for review in listed(signed_in(world.people[role]), "reviews")] == [SAID]


def test_a_closed_task_is_open_to_read(world: World, task: ReviewTask) -> None:
    say(signed_in(colleague(world, "second", "reviewer")), task, "approve")
    third = signed_in(colleague(world, "third", "reviewer"))
    assert len(listed(third, "reviews")) == 2


def test_no_binder_tells_a_reviewer_what_they_may_not_read_yet(world: World, task: ReviewTask) -> None:
    body = {
        "system": world.system.key, "release": "r1", "period_from": PERIOD[0].isoformat(),
        "period_to": PERIOD[1].isoformat(), "as_of": timezone.now().isoformat(),
    }  # fmt: skip
    made = signed_in(world.people["auditor"]).post("/api/v1/binders", body, format="json").json()
    address = f"/api/v1/binders/{made['id']}/download"
    both = colleague(world, "second", "reviewer")
    both.groups.add(Group.objects.get(name="auditor"))
    second = signed_in(both)
    for refused in (second.get(address), second.post("/api/v1/binders", body, format="json")):
        assert (refused.status_code, refused.json()["code"]) == (403, "access_denied")
    assert say(second, task, "approve").status_code == 201
    archive = zipfile.ZipFile(io.BytesIO(second.get(address).getvalue()))
    (reviews,) = (name for name in archive.namelist() if name.endswith("reviews.jsonl"))
    assert SAID in archive.read(reviews).decode()


def paths_to_reviews(model: type[Model], depth: int = 4) -> Iterator[str]:
    """Yield the relations, as a filter of an address names them, that lead from a model to reviews."""
    for field in model._meta.get_fields():
        if field.related_model is Review:
            yield field.name
        elif depth > 1 and isinstance(field.related_model, type):
            yield from (f"{field.name}__{rest}" for rest in paths_to_reviews(field.related_model, depth - 1))


def test_no_filter_of_an_admins_list_leads_to_what_was_said(rf: RequestFactory, world: World) -> None:
    request = rf.get("/")
    request.user = world.people["reviewer"]
    paths = [
        (model, path)
        for model in apps.get_app_config("evidence").get_models()
        for path in paths_to_reviews(model)
    ]
    assert (ReviewTask, "reviews") in paths
    assert len(paths) > 20
    for model, path in paths:
        assert not admin.site._registry[model].lookup_allowed(f"{path}__decision", "reject", request), path


def test_an_audit_event_says_that_somebody_judged_and_not_what(world: World, task: ReviewTask) -> None:
    second = signed_in(colleague(world, "second", "reviewer"))
    (event,) = listed(second, "audit-events", verb="review.recorded")
    assert "reject" not in str(event)
    assert b"reject" not in bytes(AuditEvent.objects.get(verb="review.recorded").entry)
