"""A token that a reviewer makes for themselves judges as they do, and says so; one that was issued judges nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from evidence import clock
from evidence.access import Principal, principal_of_command_line, principal_of_token, principal_of_user
from evidence.actors import actor_of_token, actor_of_user
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput, NotFound, ProofNeeded
from evidence.models import (
    AccessToken,
    Adjudication,
    AuditEvent,
    GoldJudgement,
    Membership,
    QueuedTask,
    Review,
    ReviewDraft,
    ReviewTask,
    Scope,
    System,
)
from evidence.pages.review_desk.address import address_of
from evidence.services import labels, registry, review_drafts, review_work, reviews
from evidence.services.log.access import find_access_beside_the_record
from evidence.services.people import memberships, second_factors, tokens
from evidence.services.people.passwords import make_password_link
from tests.config.test_second_factor import code_of
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import SAID, say, signed_in
from tests.evidence.test_blinding import task as _task
from tests.evidence.test_gold_answers import _every as _gold_at_each_review
from tests.evidence.test_gold_answers import scene as _gold_scene
from tests.evidence.token_expiry import set_expiry
from tests.factories import World, make_world, manifest
from tests.invariants.act_doors import ACTS, ALLOWED
from tests.invariants.act_doors.judging import disputed, judged_run
from tests.invariants.test_16_one_rule_one_room import ask, doors
from tests.invariants.who import TOKEN_WITH, Who

pytestmark = pytest.mark.django_db

task, scene, gold_at_each_review = _task, _gold_scene, _gold_at_each_review


def make_own(person: User, *systems: System, days: int = 7, name: str = "notebook") -> tokens.IssuedToken:
    """Have somebody make a token for themselves."""
    return tokens.make_review_token(
        principal=principal_of_user(person), name=name, systems=systems, days=days
    )


def bearer(issued: tokens.IssuedToken) -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {issued.text}")


def settle(client: APIClient, task: ReviewTask) -> Any:
    body = {
        "system": task.system.key, "trace_id": task.trace.trace_id.hex, "decision": "reject",
        "rationale": "The tariff says 1%.",
    }  # fmt: skip
    return client.post("/api/v1/adjudications", body, format="json")


def answers_of(client: APIClient, task: ReviewTask) -> tuple[int, str]:
    """Return how a review is answered that must not be stored."""
    answer = say(client, task)
    assert not Review.objects.filter(task=task, token_prefix__gt="").exists()
    return answer.status_code, answer.json()["code"]


# --- What it judges ---------------------------------------------------------------------------------------------


def test_a_review_by_ones_own_token_is_ones_own_and_names_the_token(world: World) -> None:
    task, person = make_task(world), world.people["reviewer"]
    issued = make_own(person, world.system)
    answer = say(bearer(issued), task)
    assert answer.status_code == 201, answer.content
    assert (answer.json()["reviewer"], answer.json()["by_token"]) == (
        actor_of_user(person),
        actor_of_token(issued.token),
    )
    review = Review.objects.get()
    assert (review.reviewer, review.token_prefix) == (person, issued.token.prefix)
    assert AuditEvent.objects.get(verb="review.recorded").actor == actor_of_token(issued.token)


def test_the_same_sent_again_by_either_way_is_the_one_review(world: World) -> None:
    task, person = make_task(world), world.people["reviewer"]
    by_token = bearer(make_own(person, world.system))
    first = say(by_token, task)
    assert say(by_token, task).content == first.content
    assert say(signed_in(person), task).content == first.content  # it came by the token, whoever asks again
    assert Review.objects.count() == 1
    changed = say(by_token, task, "approve")
    assert (changed.status_code, changed.json()["code"]) == (409, "conflicting_content")


def test_a_review_of_somebody_who_signed_in_names_no_token(world: World) -> None:
    answer = say(signed_in(world.people["reviewer"]), make_task(world))
    assert answer.json()["by_token"] is None
    assert Review.objects.get().token_prefix == ""


def test_a_third_settles_by_their_token_and_neither_of_the_two_does(world: World) -> None:
    task = disputed(world)
    for name in ("one", "two"):
        one_of_them = bearer(make_own(User.objects.get(username=name), world.system))
        refused = settle(one_of_them, task)
        assert (refused.status_code, refused.json()["code"]) == (403, "access_denied")
    third = make_own(world.people["reviewer"], world.system)
    answer = settle(bearer(third), task)
    assert answer.status_code == 201, answer.content
    assert answer.json()["by_token"] == actor_of_token(third.token)
    assert settle(bearer(third), task).content == answer.content
    settled = Adjudication.objects.get()
    assert (settled.adjudicator, settled.token_prefix) == (world.people["reviewer"], third.token.prefix)


def test_two_people_are_still_asked_for_and_a_token_makes_nobody_two(world: World) -> None:
    task, person = make_task(world), world.people["reviewer"]
    say(signed_in(person), task, "approve")
    for name in ("one", "two"):
        again = say(bearer(make_own(person, world.system, name=name)), task)
        assert (again.status_code, again.json()["code"]) == (409, "conflicting_content")
    assert Review.objects.count() == 1


def test_what_waits_is_listed_to_it_as_to_its_owner(world: World, task: ReviewTask) -> None:
    person = world.join("second", "reviewer")
    client = bearer(make_own(person, world.system))
    for path in (
        "review-tasks?standing=waiting",
        "review-reasons",
        "traces",
        f"traces/{task.trace.trace_id.hex}",
    ):
        by_token, by_owner = client.get(f"/api/v1/{path}"), signed_in(person).get(f"/api/v1/{path}")
        assert by_token.status_code == 200, path
        assert by_token.json() == by_owner.json(), path
    (waiting,) = client.get("/api/v1/review-tasks?standing=waiting").json()["results"]
    assert waiting["trace_id"] == task.trace.trace_id.hex


def test_whoever_reads_a_review_is_told_by_which_token_it_came(world: World) -> None:
    task = make_task(world, risk="low")
    issued = make_own(world.people["reviewer"], world.system)
    reviews.record_review(principal=principal_of_token(issued.token), trace=task.trace, decision="approve")
    (listed,) = signed_in(world.people["auditor"]).get("/api/v1/reviews").json()["results"]
    assert listed["by_token"] == actor_of_token(issued.token)


# --- What it takes from the queue ---------------------------------------------------------------------------------


def take_next(client: APIClient, **asked: Any) -> Any:
    answer = client.post("/api/v1/review-tasks/next", asked, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def step(client: APIClient, task: ReviewTask, to_state: str) -> Any:
    path = f"/api/v1/review-tasks/{task.pk}/transitions"
    return client.post(path, {"to_state": to_state}, format="json")


def holder(task: ReviewTask) -> User | None:
    return QueuedTask.objects.get(task=task).held_by


def test_what_it_takes_its_owner_has_at_the_desk_and_nobody_else_judges_it(world: World) -> None:
    task, person = make_task(world), world.people["reviewer"]
    colleague = world.join("second", "reviewer")
    given = take_next(bearer(make_own(person, world.system)))
    assert given["task"]["trace_id"] == task.trace.trace_id.hex
    browser = Client()
    browser.force_login(person)
    at_the_desk = browser.get(reverse("admin:review_desk"))
    assert at_the_desk.headers["Location"].startswith(address_of(task.trace_id))
    theirs = bearer(make_own(colleague, world.system))
    refused = say(theirs, task)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflicting_content")
    assert "A colleague is at this answer" in refused.json()["detail"]
    assert step(theirs, task, "taken").status_code == 409
    assert take_next(theirs) == {"task": None, "held_until": None}


def test_asked_again_it_is_given_the_same_and_holds_it_anew(world: World) -> None:
    first, _ = make_task(world), make_task(world)
    client = bearer(make_own(world.people["reviewer"], world.system))
    given = take_next(client)
    QueuedTask.objects.filter(task=first).update(held_until=clock.now() + timedelta(seconds=5))
    again = take_next(client)
    assert again["task"] == given["task"]
    assert again["held_until"] >= given["held_until"]
    assert take_next(client, after=given["task"]["id"])["task"]["id"] != given["task"]["id"]


def test_a_hold_that_is_over_is_anybodys(world: World) -> None:
    task, colleague = make_task(world), world.join("second", "reviewer")
    take_next(bearer(make_own(world.people["reviewer"], world.system)))
    QueuedTask.objects.update(held_until=clock.now() - timedelta(seconds=1))
    assert step(bearer(make_own(colleague, world.system)), task, "taken").status_code == 200
    assert holder(task) == colleague


def test_one_that_is_chosen_is_held_and_put_back_for_a_colleague_however_often(world: World) -> None:
    _, chosen = make_task(world), make_task(world)
    person, colleague = world.people["reviewer"], world.join("second", "reviewer")
    mine, theirs = bearer(make_own(person, world.system)), bearer(make_own(colleague, world.system))
    for _ in range(2):
        taken = step(mine, chosen, "taken")
        assert taken.status_code == 200, taken.content
        assert (taken.json()["task"]["id"], holder(chosen)) == (chosen.pk, person)
        assert taken.json()["held_until"] is not None
    assert step(theirs, chosen, "put_back").status_code == 200  # they do not hold it
    assert holder(chosen) == person
    for _ in range(2):
        back = step(mine, chosen, "put_back")
        assert (back.status_code, back.json()["held_until"], holder(chosen)) == (200, None, None)
    assert step(theirs, chosen, "taken").status_code == 200


def test_it_is_given_nothing_of_a_system_that_it_does_not_name(world: World) -> None:
    other, person = make_world("aml-copilot"), world.people["reviewer"]
    memberships.grant_membership(principal=principal_of_command_line(), system=other.system, user=person)
    beyond, client = make_task(other), bearer(make_own(person, world.system))
    assert take_next(client)["task"] is None
    assert step(client, beyond, "taken").status_code == 404
    assert (
        client.post("/api/v1/review-tasks/next", {"system": "aml-copilot"}, format="json").status_code == 404
    )
    assert holder(beyond) is None
    both = take_next(bearer(make_own(person, world.system, other.system, name="both")), system="aml-copilot")
    assert both["task"]["id"] == beyond.pk


def test_a_disagreement_is_taken_to_be_settled_by_a_third_alone(world: World) -> None:
    task = disputed(world)
    third = bearer(make_own(world.people["reviewer"], world.system))
    assert take_next(third)["task"] is None
    assert take_next(third, stage="settle")["task"]["id"] == task.pk
    one = bearer(make_own(User.objects.get(username="one"), world.system))
    QueuedTask.objects.update(held_by=None, held_until=None)
    assert step(one, task, "taken").status_code == 403
    assert step(third, task, "taken").json()["task"]["is_disputed"] is True
    assert settle(third, task).status_code == 201


def test_a_closed_answer_and_one_that_was_judged_are_not_taken(world: World, task: ReviewTask) -> None:
    first = bearer(make_own(world.people["reviewer"], world.system))
    refused = step(first, task, "taken")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflicting_content")
    closed = make_task(world, risk="low")
    assert say(first, closed).status_code == 201
    second = bearer(make_own(world.join("second", "reviewer"), world.system))
    assert step(second, closed, "taken").status_code == 409


def test_a_token_that_was_issued_takes_nothing_and_puts_nothing_of_its_owners_back(world: World) -> None:
    task, person = make_task(world), world.people["reviewer"]
    issued = bearer(issued_for_the_reviewer(world))
    assert issued.post("/api/v1/review-tasks/next").status_code == 403
    assert step(issued, task, "taken").status_code == 403
    assert step(bearer(make_own(person, world.system)), task, "taken").status_code == 200
    assert step(issued, task, "put_back").status_code == 403
    assert holder(task) == person


def test_drafts_and_decisions_of_its_owner_it_neither_takes_back_nor_throws_away(world: World) -> None:
    task, person = make_task(world), world.people["reviewer"]
    said = {"decision": "approve"}
    review_drafts.decide(principal=principal_of_user(person), trace=task.trace, said=said)
    by_token = principal_of_token(make_own(person, world.system).token)
    for undo in (review_drafts.take_back, review_drafts.discard):
        with pytest.raises(AccessDenied, match="sign in"):
            undo(principal=by_token, trace=task.trace)
    assert ReviewDraft.objects.get().takes_effect_at is not None


def test_lists_are_narrowed_to_what_came_by_a_token_and_to_what_did_not(world: World) -> None:
    by_token, by_person = make_task(world, risk="low"), make_task(world, risk="low")
    person = world.people["reviewer"]
    assert say(bearer(make_own(person, world.system)), by_token).status_code == 201
    assert say(signed_in(person), by_person).status_code == 201
    task = disputed(world)
    assert settle(bearer(make_own(person, world.system, name="another")), task).status_code == 201
    auditor = signed_in(world.people["auditor"])

    def listed(name: str, by_token: str) -> list[str]:
        answer = auditor.get(f"/api/v1/{name}", {"by_token": by_token})
        assert answer.status_code == 200, answer.content
        return [each["trace_id"] for each in answer.json()["results"]]

    assert listed("reviews", "true") == [by_token.trace.trace_id.hex]
    of_people = listed("reviews", "false")
    assert (of_people[-1], len(of_people)) == (by_person.trace.trace_id.hex, 3)
    assert listed("adjudications", "true") == [task.trace.trace_id.hex]
    assert listed("adjudications", "false") == listed("gold-judgements", "true") == []
    assert auditor.get("/api/v1/reviews", {"by_token": "yes"}).status_code == 422
    browser = Client()
    browser.force_login(world.people["auditor"])
    page = reverse("admin:evidence_review_changelist")
    for asked, n in (("yes", 1), ("no", 3)):
        answer: Any = browser.get(page, {"by_token": asked})
        assert answer.context["cl"].result_count == n
    refused: Any = browser.get(page, {"by_token": "perhaps"})
    assert "e=1" in refused.headers["Location"], "what is no choice is said, as in every list"


# --- What it is not told ----------------------------------------------------------------------------------------


def test_what_colleagues_said_is_shown_to_it_once_its_owner_has_judged(
    world: World, task: ReviewTask
) -> None:
    second = bearer(make_own(world.join("second", "reviewer"), world.system))
    assert second.get("/api/v1/reviews").json()["results"] == []
    assert second.get("/api/v1/traces?decision=reject").json()["results"] == []
    assert say(second, task, "approve").status_code == 201
    said = {review["rationale"] for review in second.get("/api/v1/reviews").json()["results"]}
    assert SAID in said


def test_a_gold_answer_is_judged_by_it_as_one_that_waits(
    world: World, scene: tuple[ReviewTask, ReviewTask]
) -> None:
    issued = make_own(world.people["reviewer"], world.system)
    client, differ = bearer(issued), {"id", "trace_id", "created_at", "machine_verdict"}
    assert client.get("/api/v1/gold-answers").json()["results"] == []
    told = []
    for each in scene:
        answer = say(client, each)
        assert answer.status_code == 201, answer.content
        assert say(client, each).content == answer.content
        told.append({name: value for name, value in answer.json().items() if name not in differ})
    assert told[0] == told[1]
    assert told[0]["by_token"] == actor_of_token(issued.token)
    assert GoldJudgement.objects.get().token_prefix == issued.token.prefix
    listed = client.get("/api/v1/gold-judgements").json()["results"]
    assert [each["by_token"] for each in listed] == [actor_of_token(issued.token)]


# --- What it does not judge -------------------------------------------------------------------------------------


@pytest.mark.parametrize("issuer", ["command line", "owner"])
def test_a_token_that_was_issued_judges_nothing_whatever_its_scopes(world: World, issuer: str) -> None:
    person = world.join("both", "reviewer", *(["operator"] if issuer == "owner" else []))
    principal = principal_of_user(person) if issuer == "owner" else principal_of_command_line()
    issued = tokens.issue_token(
        principal=principal, name="t", owner=person, scopes=[Scope.REVIEW, Scope.READ], systems=[world.system],
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    client = bearer(issued)
    assert answers_of(client, make_task(world)) == (403, "access_denied")
    assert "that you made for yourself" in say(client, make_task(world)).json()["detail"]
    assert settle(client, disputed(world)).status_code == 403


def test_it_opens_no_system_that_it_does_not_name(world: World) -> None:
    other = make_world("aml-copilot")
    person = world.people["reviewer"]
    memberships.grant_membership(principal=principal_of_command_line(), system=other.system, user=person)
    issued = make_own(person, world.system)
    assert answers_of(bearer(issued), make_task(other)) == (404, "not_found")
    with pytest.raises(NotFound):
        make_own(person, make_world("third-system").system, name="another")


def test_it_judges_no_release_that_its_owner_put_on_record(world: World) -> None:
    author = world.join("both", "author", "reviewer")
    release = registry.register_release(
        principal=principal_of_user(author), system=world.system, manifest=manifest(name="r2")
    )
    task = make_task(World(world.system, release, world.people))
    assert answers_of(bearer(make_own(author, world.system)), task) == (403, "access_denied")


@pytest.mark.parametrize("how", ["expired", "revoked", "inactive", "no role", "no member"])
def test_it_judges_nothing_from_the_moment_that_its_owner_may_not(world: World, how: str) -> None:
    person, task = world.people["reviewer"], make_task(world)
    issued = make_own(person, world.system)
    client = bearer(issued)
    assert client.get("/api/v1/review-tasks?standing=waiting").status_code == 200
    if how == "expired":
        set_expiry(issued.token, timezone.now())
    elif how == "revoked":
        tokens.revoke_token(principal=principal_of_user(person), token=issued.token)
    elif how == "inactive":
        User.objects.filter(pk=person.pk).update(is_active=False)
    elif how == "no role":
        person.groups.clear()
    else:
        Membership.objects.filter(user=person).delete()
    expected = {"no role": (403, "access_denied"), "no member": (404, "not_found")}
    assert answers_of(client, task)[0] == expected.get(how, (401, ""))[0]


PERSONS_ALONE = [
    act
    for act in ACTS
    if "reviewer" in act.allowed and TOKEN_WITH not in act.allowed and act.owner in {"", "reviewer"}
]
JUDGING = {f"evidence.acts.check_can_{act}" for act in ("judge", "review", "adjudicate")}


@pytest.mark.parametrize("act", PERSONS_ALONE, ids=[act.label for act in PERSONS_ALONE])
def test_of_what_a_person_signs_in_for_it_does_judge_and_nothing_else(world: World, act: Any) -> None:
    made = act.prepare(world)
    issued = make_own(world.people["reviewer"], world.system)
    who = Who("reviewer's own token", world.people["reviewer"], issued.token, issued.text)
    assert (ask(act.service, world, who, made) == ALLOWED) == (act.check in JUDGING)
    for name, door in doors(act, who):
        assert (ask(door, world, who, made) == ALLOWED) == (act.check in JUDGING), name


def test_pauses_filters_and_labels_stay_with_whoever_signed_in(world: World) -> None:
    assert {act.check for act in PERSONS_ALONE} >= JUDGING | {
        f"evidence.acts.check_can_{act}" for act in ("pause_reviewing", "save_filter", "label")
    }
    principal = principal_of_token(make_own(world.people["reviewer"], world.system).token)
    with pytest.raises(AccessDenied, match="A pause is a person's"):
        review_work.pause_reviewing(principal=principal, until=clock.now() + timedelta(hours=1))
    with pytest.raises(AccessDenied, match="A label is a person's"):
        labels.record_labels(
            principal=principal, run=judged_run(world), labels=[labels.LabelDraft("0", "grounded", 1.0)]
        )


@pytest.mark.parametrize("what", ["second factor", "password"])
def test_it_ends_with_the_sessions_of_whoever_lost_what_they_sign_in_by(world: World, what: str) -> None:
    person = world.people["reviewer"]
    secret = second_factors.new_secret()
    second_factors.set_up_second_factor(
        principal=principal_of_user(person), secret=secret, code=code_of(secret)
    )
    issued = make_own(person, world.system)
    if what == "second factor":
        second_factors.reset_second_factor(
            principal=world.principal("operator"), person=person, reason="lost, seen in person"
        )
    else:
        make_password_link(principal=world.principal("operator"), person=person)
    assert answers_of(bearer(issued), make_task(world))[0] == 401
    assert AuditEvent.objects.get(verb="token.revoked").actor == world.principal("operator").actor
    assert not list(find_access_beside_the_record())


# --- Who makes it, and for how long -----------------------------------------------------------------------------


def test_it_holds_two_scopes_belongs_to_its_maker_and_its_making_is_on_record(world: World) -> None:
    person = world.people["reviewer"]
    token = make_own(person, world.system, days=30).token
    assert (token.owner, token.is_own, set(token.scopes)) == (person, True, {"read", "review"})
    assert token.expires_at - timezone.now() <= timedelta(days=30)
    event = AuditEvent.objects.get(verb="token.issued", object_id=str(token.pk))
    assert event.actor == actor_of_user(person)
    assert not list(find_access_beside_the_record())


@pytest.mark.parametrize("role", ["author", "approver", "researcher", "auditor", "operator"])
def test_nobody_but_a_reviewer_makes_one(world: World, role: str) -> None:
    with pytest.raises(AccessDenied, match="Only reviewers"):
        make_own(world.people[role], world.system)


def test_neither_a_token_nor_the_command_line_makes_one(world: World) -> None:
    by_token = principal_of_token(make_own(world.people["reviewer"], world.system).token)
    for principal in (by_token, principal_of_command_line()):
        with pytest.raises(AccessDenied, match="is a person's"):
            tokens.make_review_token(principal=principal, name="n", systems=[world.system], days=1)


def test_a_session_left_open_makes_none(world: World) -> None:
    principal = world.principal("reviewer")
    stale: Principal = replace(principal, proved_at=clock.now() - timedelta(days=1))
    with pytest.raises(ProofNeeded):
        tokens.make_review_token(principal=stale, name="n", systems=[world.system], days=1)
    assert not AccessToken.objects.exists()


def test_it_has_a_name_a_system_and_an_end_within_the_days_of_the_setting(
    world: World, settings: Any
) -> None:
    person = world.people["reviewer"]
    for days, told in ((31, "TRACEBINDER_MAX_REVIEW_TOKEN_DAYS allows 30"), (0, "expired already")):
        with pytest.raises(InvalidInput, match=told):
            make_own(person, world.system, days=days)
    with pytest.raises(InvalidInput, match="at least one scope and one system"):
        make_own(person)
    with pytest.raises(InvalidInput, match="what the token is for"):
        make_own(person, world.system, name=" ")
    settings.MAX_REVIEW_TOKEN_DAYS = 2
    with pytest.raises(InvalidInput, match="allows 2"):
        make_own(person, world.system, days=3)
    make_own(person, world.system, days=2)
    with pytest.raises(ConflictingContent, match="has a token of this name"):
        make_own(person, world.system, days=2)


def test_its_owner_and_an_operator_revoke_it_and_no_colleague_does(world: World) -> None:
    person, colleague = world.people["reviewer"], world.join("second", "reviewer")
    mine = make_own(person, world.system).token
    with pytest.raises(AccessDenied):
        tokens.revoke_token(principal=principal_of_user(colleague), token=mine)
    with pytest.raises(AccessDenied):
        tokens.revoke_token(principal=principal_of_token(mine), token=mine)  # not even itself
    tokens.revoke_token(principal=principal_of_user(person), token=mine)
    another = make_own(person, world.system).token
    tokens.revoke_token(principal=world.principal("operator"), token=another)
    assert not AccessToken.objects.filter(revoked_at=None).exists()


def test_a_reviewer_revokes_no_token_that_was_issued_for_them(world: World) -> None:
    issued = tokens.issue_token(
        principal=principal_of_command_line(), name="t", owner=world.people["reviewer"], scopes=[Scope.READ],
        systems=[world.system], expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    with pytest.raises(AccessDenied):
        tokens.revoke_token(principal=world.principal("reviewer"), token=issued.token)


# --- Behind the services' back ----------------------------------------------------------------------------------


def as_owner_of_the_database(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(f'SET ROLE "{django_settings.RUNTIME_ROLE}"')


def issued_for_the_reviewer(world: World) -> tokens.IssuedToken:
    return tokens.issue_token(
        principal=principal_of_command_line(), name="t", owner=world.people["reviewer"],
        scopes=[Scope.REVIEW, Scope.READ], systems=[world.system], expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip


def test_nobody_turns_an_issued_token_into_an_own_one_nor_back(world: World) -> None:
    issued, own = issued_for_the_reviewer(world), make_own(world.people["reviewer"], world.system)
    for token, wanted in ((issued.token, True), (own.token, False)):
        with pytest.raises(DatabaseError, match="who made it"):
            as_owner_of_the_database(
                f"UPDATE evidence_accesstoken SET is_own = {wanted} WHERE id = {token.pk}"  # ours
            )
        with pytest.raises(DatabaseError, match="who made it"), transaction.atomic():
            AccessToken.objects.filter(pk=token.pk).update(is_own=wanted)
    assert set(AccessToken.objects.values_list("pk", "is_own")) == {
        (issued.token.pk, False), (own.token.pk, True),
    }  # fmt: skip


def test_with_the_trigger_off_the_log_names_the_token_that_was_turned(world: World) -> None:
    issued = issued_for_the_reviewer(world)
    as_owner_of_the_database(
        "SET CONSTRAINTS ALL IMMEDIATE",
        "ALTER TABLE evidence_accesstoken DISABLE TRIGGER USER",
        "UPDATE evidence_accesstoken SET is_own = true",
        "ALTER TABLE evidence_accesstoken ENABLE TRIGGER USER",
    )
    (told,) = find_access_beside_the_record()
    assert issued.token.prefix in told
    assert "is_own" in told
