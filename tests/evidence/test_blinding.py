"""What colleagues said of an answer one may still judge is shown by no door before one has judged it."""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.access import principal_of_command_line
from evidence.actors import actor_of_user
from evidence.models import (
    AccessToken,
    Adjudication,
    AuditEvent,
    GateDecision,
    Membership,
    ReleaseVerdict,
    Review,
    ReviewTask,
    Scope,
    Trace,
)
from evidence.services import gates, registry, reviews
from evidence.services.people import tokens
from requirements.models import AcceptanceCriterion, Assessment
from tests.e2e.cases import make_task
from tests.evidence.binder_world import PERIOD
from tests.factories import World, acting, define_gate, make_person
from tests.invariants.walk import OUR_APPS, REPOSITORY
from tests.kept_scenes import kept_scene
from tests.requirements.builders import make_criterion, make_trace

SAID = "The fee is invented."
HIDDEN_ROWS = {
    f"{noun}.objects"
    for noun in ("Review", "ClaimJudgement", "ReviewDraft", "Adjudication", "GateDecision", "Assessment")
}


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
@kept_scene
def task(world: World) -> ReviewTask:
    """A task for two people, of whom the first has rejected the answer."""
    task = make_task(world)
    assert task.reviews_required == 2
    reviews.record_review(
        principal=world.principal("reviewer"), trace=task.trace, decision="reject", reason_code="wrong_fact",
        rationale=SAID,
    )  # fmt: skip
    return task


def later_revision(world: World, task: ReviewTask) -> ReviewTask:
    """Seal the revision of the task's answer that late spans make, and ask people about it."""
    trace = make_trace(world, trace_id=task.trace.trace_id, revision=2)
    return reviews.open_review_task(trace=trace, reason="high_risk", actor="system:assembler")


def listed(client: APIClient, path: str, **query: str) -> list[Any]:
    answer = client.get(f"/api/v1/{path}", query)
    assert answer.status_code == 200, answer.content
    rows: list[Any] = answer.json()["results"]
    return rows


def rows_on_page(client: Client, noun: str, **query: str) -> list[Any]:
    page = client.get(reverse(f"admin:{noun}_changelist"), query)
    return list(page.context["cl"].result_list)


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
        systems=[world.system], expires_at=timezone.now() + timedelta(days=1), principal=principal_of_command_line(),
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


def test_what_was_said_of_an_earlier_revision_is_shown_once_the_current_one_is_judged(
    world: World, task: ReviewTask
) -> None:
    first, second = world.people["reviewer"], colleague(world, "second", "reviewer")
    say(signed_in(second), task, "approve")
    settled = Adjudication.objects.create(
        task=task, adjudicator=colleague(world, "third", "reviewer"), decision="reject", rationale="It is."
    )
    later = later_revision(world, task)
    mine = {review["reviewer"] for review in listed(signed_in(second), "reviews")}
    assert mine == {actor_of_user(second)}
    assert rows_on_page(signed_in(second), "evidence_adjudication") == []
    page = signed_in(second).get(reverse("admin:evidence_trace_review", args=[task.trace.pk]))
    assert (settled.rationale in page.content.decode(), SAID in page.content.decode()) == (False, False)
    say(signed_in(second), later, "approve")
    assert len(listed(signed_in(second), "reviews")) == 3
    assert rows_on_page(signed_in(second), "evidence_adjudication") == [settled]
    assert len(listed(signed_in(first), "reviews")) == 1  # the current revision still waits for the first


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


@pytest.fixture
@kept_scene
def counted(world: World, task: ReviewTask) -> AcceptanceCriterion:
    """A criterion on what reviewers said, assessed and asked for by a gate, while a second judgement is awaited."""
    criterion = make_criterion(
        world, check="reviews.overridden", comparator="at_most", threshold=0.2, min_n=1,
        parameters="{risk_tiers: [high]}",
    )  # fmt: skip
    make_criterion(world, key="other")
    define_gate(
        system=world.system, key="release", principal=acting(),
        references=[gates.CriterionReference(requirement=key) for key in ("r", "other")],
    )  # fmt: skip
    gates.decide_gate(
        system=world.system, gate="release", release=world.release, principal=acting("token:ci")
    )
    return criterion


def test_no_rate_tells_a_reviewer_what_they_may_not_read_yet(
    world: World, task: ReviewTask, counted: AcceptanceCriterion
) -> None:
    """Over one answer a rate is the judgement itself, and two rates, before and after, tell it over any number."""
    second = signed_in(colleague(world, "second", "reviewer"))
    judged = {row["criterion"] for row in listed(second, "assessments")}
    assert judged == {"other/c"}
    assert listed(second, "gate-decisions") == []
    assert [str(row.criterion) for row in rows_on_page(second, "requirements_assessment")] == ["other/c"]
    assert rows_on_page(second, "evidence_gatedecision") == []
    say(second, task, "approve")
    assert {row["criterion"] for row in listed(second, "assessments")} == {str(counted), "other/c"}
    assert len(listed(second, "gate-decisions")) == 1


def test_the_front_page_tells_no_verdict_that_is_hidden(
    world: World, task: ReviewTask, counted: AcceptanceCriterion
) -> None:
    second = signed_in(colleague(world, "second", "reviewer"))
    (system,) = second.get("/admin/").context["work"].systems
    assert system.gates == []
    say(second, task, "approve")
    (system,) = second.get("/admin/").context["work"].systems
    assert [each.verdict for each in system.gates] == ["insufficient"]


def test_an_answer_of_no_release_hides_nothing_but_itself(
    world: World, task: ReviewTask, counted: AcceptanceCriterion
) -> None:
    second = signed_in(colleague(world, "second", "reviewer"))
    say(second, task, "approve")
    other = Trace.objects.get(pk=make_trace(world).pk)
    other.pk, other.trace_id, other.release, other._state.adding = None, uuid4(), None, True
    other.save(force_insert=True)
    waiting = reviews.open_review_task(trace=other, reason="high_risk", actor="system:assembler")
    say(signed_in(world.people["reviewer"]), waiting)
    assert len(listed(second, "gate-decisions")) == 1


def test_who_may_never_judge_an_answer_is_not_told_to_judge_it_first(
    world: World, task: ReviewTask, counted: AcceptanceCriterion
) -> None:
    maker = colleague(world, "maker", "reviewer")
    pins = [registry.PinSpec(slot="model", kind="model", key="smol", label="2", digest="a" * 64)]
    manifest = registry.ReleaseManifest(name="r2", pins=pins)
    own = registry.register_release(
        principal=acting(actor_of_user(maker)), system=world.system, manifest=manifest
    )
    trace = make_trace(world, release=own)
    half = reviews.open_review_task(trace=trace, reason="high_risk", actor="system:assembler")
    say(signed_in(world.people["reviewer"]), half)
    say(signed_in(maker), task, "approve")
    assert len(listed(signed_in(maker), "gate-decisions")) == 1
    assert rows_on_page(signed_in(maker), "evidence_reviewtask", standing="waiting") == []


def test_those_who_judge_no_answers_read_the_rates(world: World, counted: AcceptanceCriterion) -> None:
    auditor = signed_in(world.people["auditor"])
    assert str(counted) in {row["criterion"] for row in listed(auditor, "assessments")}
    assert len(listed(auditor, "gate-decisions")) == 1


def test_a_reviewer_who_has_nothing_to_judge_that_others_judged_reads_the_rates(
    world: World, counted: AcceptanceCriterion
) -> None:
    make_task(world)  # waits for everybody, and nobody said anything of it
    assert len(listed(signed_in(world.people["reviewer"]), "gate-decisions")) == 1


def test_nobody_has_a_rate_counted_that_would_lead_them(
    world: World, task: ReviewTask, counted: AcceptanceCriterion, api: APIClient
) -> None:
    owner, n = colleague(world, "second", "reviewer", "author"), Assessment.objects.count()
    issued = tokens.issue_token(
        name="ci", owner=owner, scopes=[Scope.GATE], systems=[world.system],
        expires_at=timezone.now() + timedelta(days=1), principal=principal_of_command_line(),
    )  # fmt: skip

    def ask(path: str) -> Any:
        asked = {"system": world.system.key, "release": "r1"}
        return api.post(path, asked, format="json", HTTP_AUTHORIZATION=f"Bearer {issued.text}")

    doors = ("/api/v1/assessments", "/api/v1/gates/release/decisions")
    for refused in map(ask, doors):
        assert (refused.status_code, refused.json()["code"]) == (403, "access_denied")
        assert "judge those first" in refused.json()["detail"]
    assert (Assessment.objects.count(), GateDecision.objects.count()) == (n, 1)
    say(signed_in(owner), task, "approve")
    assert [answer.status_code for answer in map(ask, doors)] == [201, 201]


def statements_that_read() -> Iterator[tuple[str, str]]:
    """Yield file and text of each statement of admin, pages and API that reads what could lead a reviewer."""
    for folder in (REPOSITORY / app / part for app in OUR_APPS for part in ("admin", "pages", "api")):
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr):
                    text = ast.unparse(node)
                    if any(noun in text for noun in HIDDEN_ROWS):
                        yield path.relative_to(REPOSITORY).as_posix(), text


def test_no_page_and_no_address_reads_past_the_one_place_that_hides() -> None:
    found = list(statements_that_read())
    assert len(found) > 5
    narrowed = ("visible(", "visible_to(", "queryset = ")  # a view's `queryset` is narrowed for each request
    past = {path for path, text in found if not any(word in text for word in narrowed)}
    assert past == set()


def test_every_verdict_on_a_release_says_whether_it_counts_reviews() -> None:
    """A verdict is stored with its inputs, so a model with both, on a release, must be one that `access` can hide."""
    judging = {
        model
        for model in apps.get_models()
        if {"release", "verdict", "inputs"} <= {field.name for field in model._meta.get_fields()}
    }
    assert judging == {Assessment, GateDecision}
    assert all(issubclass(model, ReleaseVerdict) for model in judging)
