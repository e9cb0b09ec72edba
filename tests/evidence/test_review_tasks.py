"""When a task is open: one definition, which the API's filter, the queue, the front page and the services share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.models import Adjudication, Pseudonym, Release, Review, ReviewTask, Scope
from evidence.services import review_queue
from evidence.services.people import tokens
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague, later_revision, listed, say, signed_in
from tests.factories import ACTOR, World, acting
from tests.requirements.builders import make_trace


def listed_in_queue(person: User, standing: str) -> list[int]:
    client = Client()
    client.force_login(person)
    page = client.get(reverse("admin:evidence_reviewtask_changelist"), {"standing": standing})
    return [task.pk for task in page.context["cl"].result_list]


@pytest.fixture
def settled(world: World) -> ReviewTask:
    """A task that was adjudicated before all the reviews it asked for had come."""
    task = make_task(world)
    Review.objects.create(
        task=task, reviewer=world.people["reviewer"], decision="reject", reason_code="unclear", machine_verdict={}
    )  # fmt: skip
    Adjudication.objects.create(
        task=task, adjudicator=colleague(world, "third", "reviewer"), decision="reject", rationale="so it is"
    )
    review_queue.requeue(task)
    return task


def test_an_adjudicated_task_is_done_everywhere(world: World, settled: ReviewTask) -> None:
    auditor = world.people["auditor"]
    assert listed_in_queue(auditor, "open") == []
    assert listed_in_queue(auditor, "closed") == [settled.pk]
    api = signed_in(auditor)
    assert listed(api, "traces", review="open") == []
    assert [row["trace_id"] for row in listed(api, "traces", review="done")] == [settled.trace.trace_id.hex]


def test_a_task_that_has_its_reviews_takes_no_more_by_any_door(world: World) -> None:
    """The page offered no form, the API took the review, and its reader had been shown what the others said."""
    task = make_task(world, risk="low")
    assert task.reviews_required == 1
    say(signed_in(world.people["reviewer"]), task, "approve")
    late = colleague(world, "late", "reviewer")
    answer = say(signed_in(late), task)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflicting_content")
    client = Client()
    client.force_login(late)
    address = reverse("admin:evidence_reviewtask_change", args=[task.pk])
    page = client.post(address, {"review": "1", "decision": "approve"})
    assert page.status_code == 409
    assert Review.objects.count() == 1


def test_who_put_the_release_on_record_does_not_settle_what_others_say_of_it(world: World) -> None:
    maker = colleague(world, "olga", "reviewer")
    Pseudonym.objects.create(user=maker, formerly=ACTOR)  # who made the world's release, before pseudonyms
    task = make_task(world)
    say(signed_in(world.people["reviewer"]), task)
    say(signed_in(colleague(world, "second", "reviewer")), task, "approve")
    client = Client()
    client.force_login(maker)
    address = reverse("admin:evidence_reviewtask_change", args=[task.pk])
    data: dict[str, Any] = {"adjudicate": "1", "decision": "approve", "rationale": "mine is fine"}
    assert client.post(address, data).status_code == 403
    assert not Adjudication.objects.exists()


def test_a_release_made_by_ones_own_token_is_ones_own(world: World, api: APIClient) -> None:
    maker = colleague(world, "maker", "reviewer", "author")
    issued = tokens.issue_token(
        principal=acting(), name="git", owner=maker, scopes=[Scope.IMPORT], systems=[world.system],
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    pins = [{"slot": "model", "kind": "model", "key": "smol", "label": "2", "digest": "a" * 64}]
    body = {"system": world.system.key, "name": "r2", "pins": pins}
    made = api.post("/api/v1/releases", body, format="json", HTTP_AUTHORIZATION=f"Bearer {issued.text}")
    assert made.status_code == 201, made.content
    trace = make_trace(world, release=Release.objects.get(name="r2"))
    judgement = {"system": world.system.key, "trace_id": trace.trace_id.hex, "decision": "approve"}
    answer = signed_in(maker).post("/api/v1/reviews", judgement, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "access_denied")


def test_there_is_nothing_to_settle_where_nobody_was_asked(world: World) -> None:
    """It was an internal error."""
    trace = make_trace(world)
    client = Client()
    client.force_login(world.people["reviewer"])
    data = {"adjudicate": "1", "decision": "approve", "rationale": "r"}
    assert client.post(reverse("admin:evidence_trace_review", args=[trace.pk]), data).status_code == 404


def test_a_superseded_revision_is_judged_and_settled_by_no_door(world: World) -> None:
    """The page took judgements of it, which no assessment counts, and it stayed in the queue for ever."""
    task = make_task(world)
    reviewers = [world.people["reviewer"], colleague(world, "second", "reviewer")]
    for person, decision in zip(reviewers, ("reject", "approve"), strict=True):
        say(signed_in(person), task, decision)
    third = colleague(world, "third", "reviewer")
    assert listed_in_queue(third, "disputed") == [task.pk]
    later = later_revision(world, task)
    assert listed_in_queue(third, "disputed") == []
    assert listed_in_queue(third, "waiting") == [later.pk]
    assert listed_in_queue(third, "closed") == [task.pk]
    page = signed_in(third)
    address = reverse("admin:evidence_reviewtask_change", args=[task.pk])
    for form in (
        {"review": "1", "decision": "approve"},
        {"adjudicate": "1", "decision": "approve", "rationale": "ok"},
    ):
        refused = page.post(address, form)
        assert refused.status_code == 409
        assert "Spans arrived later" in refused.content.decode()
    assert Review.objects.count() == 2


def test_a_judgement_by_api_says_which_revision_was_read(world: World) -> None:
    task = make_task(world)
    later = later_revision(world, task)
    reviewer = signed_in(world.people["reviewer"])
    body = {"system": world.system.key, "trace_id": task.trace.trace_id.hex, "decision": "approve"}
    refused = reviewer.post("/api/v1/reviews", {**body, "revision": 1}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflicting_content")
    assert "revision 2" in refused.json()["detail"]
    assert reviewer.post("/api/v1/reviews", {**body, "revision": 3}, format="json").status_code == 404
    assert reviewer.post("/api/v1/reviews", {**body, "revision": 2}, format="json").status_code == 201
    assert Review.objects.get().task == later
