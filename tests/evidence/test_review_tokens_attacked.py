"""A token of one's own ends with the sign-in by which it was made, undoes nothing, and opens for no other text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from evidence.access import Principal, principal_of_command_line, principal_of_token, principal_of_user
from evidence.digests import sha256_hex
from evidence.errors import AccessDenied, ConflictingContent
from evidence.models import (
    AccessToken,
    Adjudication,
    AuditEvent,
    GoldJudgement,
    Membership,
    Review,
    ReviewDraft,
    ReviewTask,
    Scope,
)
from evidence.pages.review_desk.address import address_of
from evidence.services import review_drafts, review_draws, review_queue, reviews
from evidence.services.log.access import find_access_beside_the_record
from evidence.services.people import (
    access_proposals,
    memberships,
    name_erasure,
    passwords,
    person_changes,
    tokens,
)
from evidence.services.people import sign_in_bindings as bindings
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import say, signed_in
from tests.evidence.test_gold_answers import _every as _gold_at_each_review
from tests.evidence.test_gold_answers import scene as _gold_scene
from tests.evidence.test_review_drafts import later
from tests.evidence.test_review_tokens import bearer, holder, make_own, settle, step
from tests.factories import World, make_world
from tests.interleaving import interleave
from tests.invariants.act_doors.judging import disputed

pytestmark = pytest.mark.django_db

scene, gold_at_each_review = _gold_scene, _gold_at_each_review
ISSUER = "https://idp.example"
OLD, NEW = "old-Password-123x", "tE9-wholly-other!"


def bind(world: World, subject: str = "theirs") -> None:
    bindings.bind_sign_in(
        principal=world.principal("operator"), person=world.people["reviewer"], issuer=ISSUER, subject=subject
    )


def change(world: World, principal: Principal | None = None, **over: Any) -> None:
    """Change a person as the form of the admin does."""
    person = User.objects.get(pk=world.people["reviewer"].pk)
    before = person_changes.roles_in_force(person)
    if "groups" in over:
        person.groups.set(Group.objects.filter(name__in=over["groups"]))
    else:
        for name, value in over.items():
            setattr(person, name, value)
        person.save()
    person_changes.record_person_changed(
        principal=principal or world.principal("operator"),
        person=person,
        fields=list(over),
        roles_before=before,
    )


def change_own_password(world: World) -> None:
    client = Client(headers={"accept": "text/html"})
    client.force_login(User.objects.get(pk=world.people["reviewer"].pk))
    typed = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/admin/password_change/", typed).status_code == 302


def promote(world: World) -> None:
    person = world.people["reviewer"]
    proposal = access_proposals.propose_access(
        principal=world.principal("operator"), person=person, role="approver"
    )
    confirming = principal_of_user(world.join("second-operator", "operator"))
    access_proposals.confirm_access(principal=confirming, proposal=proposal)


def choose_by_link(world: World) -> None:
    person = User.objects.get(pk=world.people["reviewer"].pk)
    link = passwords.make_password_link(principal=world.principal("operator"), person=person)
    make_own(User.objects.get(pk=person.pk), world.system, name="beside the link")
    passwords.choose_password(uid=link.uid, token=link.token, password=NEW)


def switch_off_and_on(world: World) -> None:
    change(world, is_active=False)
    change(world, is_active=True)


def take_the_role_and_give_it_back(world: World) -> None:
    change(world, groups=["author"])
    change(world, groups=["author", "reviewer"])


def erase(world: World) -> None:
    name_erasure.erase_names(principal=principal_of_command_line(), person=world.people["reviewer"])


ENDINGS: dict[str, Callable[[World], None]] = {
    "another subject": partial(bind, subject="another"),
    "no subject any more": lambda world: (
        bindings.end_sign_in_binding(principal=world.principal("operator"), person=world.people["reviewer"]),
        None,
    )[1],
    "their own password changed": change_own_password,
    "a password chosen by a link": choose_by_link,
    "switched off and on": switch_off_and_on,
    "promoted": promote,
    "promoted on the machine": lambda world: change(
        world, principal_of_command_line(), groups=["reviewer", "approver"]
    ),
    "the role taken and given back": take_the_role_and_give_it_back,
    "names erased": erase,
}


@pytest.mark.parametrize("how", ENDINGS)
def test_it_ends_for_good_with_the_sign_in_by_which_it_was_made(world: World, how: str) -> None:
    person = world.people["reviewer"]
    person.set_password(OLD)
    person.save()
    bind(world)
    api, task = bearer(make_own(person, world.system)), make_task(world)
    ENDINGS[how](world)
    assert say(api, task).status_code == 401
    assert not AccessToken.objects.filter(revoked_at=None).exists()
    n_made = AccessToken.objects.count()
    assert AuditEvent.objects.filter(verb="token.revoked").count() == n_made
    assert not [told for told in find_access_beside_the_record() if "Token" in told]


def test_what_ends_no_session_ends_no_token(world: World) -> None:
    api, task = bearer(make_own(world.people["reviewer"], world.system)), make_task(world)
    bind(world)  # for the first time: they come by their password as before
    bind(world)
    change(world, first_name="Rea")
    change(world, groups=["reviewer", "author"])
    assert say(api, task).status_code == 201


def test_one_that_was_issued_goes_on(world: World) -> None:
    person = world.people["reviewer"]
    issued = tokens.issue_token(
        principal=principal_of_command_line(), name="t", owner=person, scopes=[Scope.READ],
        systems=[world.system], expires_at=later(),
    )  # fmt: skip
    take_the_role_and_give_it_back(world)
    assert AccessToken.objects.get(pk=issued.token.pk).revoked_at is None


# --- Of an end and a making at once, one comes first --------------------------------------------------------------


@transaction.atomic
def change_atomic(world: World, **over: Any) -> None:
    change(world, **over)


ENDED_BESIDE: dict[str, Callable[[World], object]] = {
    "a link": lambda world: passwords.make_password_link(
        principal=world.principal("operator"), person=world.people["reviewer"]
    ),
    "the role taken": lambda world: change_atomic(world, groups=["author"]),
    "switched off": lambda world: change_atomic(world, is_active=False),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ENDED_BESIDE)
def test_none_is_made_beside_what_ends_them(how: str, transactional_db: None) -> None:
    world = make_world()
    ending = partial(ENDED_BESIDE[how], world)

    beside = _making_of_one_who_may(world)
    ending()
    with pytest.raises(AccessDenied):
        beside()
    beside = _making_of_one_who_may(world)
    beside()
    ending()
    assert not AccessToken.objects.filter(revoked_at=None).exists()

    for seed in range(12):
        made, ended = interleave(seed, [_making_of_one_who_may(world), ending])
        assert ended.problem is None
        assert made.problem is None or isinstance(made.problem, AccessDenied)
        assert not AccessToken.objects.filter(revoked_at=None).exists(), (how, seed)


def _making_of_one_who_may(world: World) -> Callable[[], object]:
    """Return the making of a token by the reviewer, as one reads who they are before anything ends."""
    change(world, principal_of_command_line(), is_active=True)
    change(world, principal_of_command_line(), groups=["reviewer"])
    person = User.objects.get(pk=world.people["reviewer"].pk)
    return partial(
        tokens.make_review_token,
        principal=principal_of_user(person), name=f"t{AccessToken.objects.count()}",
        systems=[world.system], days=1,
    )  # fmt: skip


@pytest.mark.parametrize("how", ["a session deleted", "another subject"])
def test_a_request_whose_session_has_ended_meanwhile_makes_none(world: World, how: str) -> None:
    person = world.people["reviewer"]
    bind(world)
    client = Client()
    client.force_login(person)
    session = client.session
    session["tracebinder_binding"] = bindings.find_binding(person).pk  # type: ignore[union-attr]
    session.save()
    principal = Principal(**{**_fields(principal_of_user(person)), "session_key": session.session_key})
    make = partial(tokens.make_review_token, principal=principal, systems=[world.system], days=1)
    make(name="before")
    if how == "a session deleted":
        session.delete()
    else:
        bind(world, "another")
    with pytest.raises(AccessDenied, match="has ended meanwhile"):
        make(name="after")


def _fields(principal: Principal) -> dict[str, Any]:
    return {name: getattr(principal, name) for name in Principal.__dataclass_fields__}


def test_a_page_asks_with_its_session(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        "evidence.services.people.tokens.check_goes_on", lambda principal: seen.append(principal.session_key)
    )
    client = Client(headers={"accept": "text/html"})
    client.force_login(world.people["reviewer"])
    told = {"act": "make", "name": "notebook", "systems": [world.system.pk], "days": 7}
    client.post("/admin/review-tokens/", told)
    assert seen == [client.session.session_key]


# --- The desk is a person's ---------------------------------------------------------------------------------------


def test_the_desk_takes_that_one_signs_in(world: World) -> None:
    task = make_task(world)
    principal = principal_of_token(make_own(world.people["reviewer"], world.system).token)
    calls: list[Callable[[], object]] = [
        lambda: review_drafts.discard(principal=principal, trace=task.trace),
        lambda: review_drafts.take_back(principal=principal, trace=task.trace),
        lambda: review_drafts.save_draft(principal=principal, trace=task.trace, said={"rationale": "x"}),
        lambda: review_drafts.decide(principal=principal, trace=task.trace, said={"decision": "approve"}),
        lambda: review_draws.draw_at_random(principal=principal),
    ]
    for call in calls:
        with pytest.raises(AccessDenied, match="The review desk is a person's"):
            call()
    assert not ReviewDraft.objects.exists()


SAID = {"decision": "reject", "reason_code": "unclear", "rationale": "mine, at the desk"}


def end_the_membership(world: World) -> None:
    membership = Membership.objects.get(user=world.people["reviewer"], system=world.system)
    memberships.end_membership(principal=world.principal("operator"), membership=membership)


LOSSES: dict[str, Callable[[World], None]] = {
    "role": partial(change, principal=principal_of_command_line(), groups=["author"]),
    "account": partial(change, principal=principal_of_command_line(), is_active=False),
    "names": erase,
    "membership": end_the_membership,
}


@pytest.mark.parametrize("lost", LOSSES)
def test_what_somebody_holds_who_judges_it_no_more_is_free_from_that_moment(world: World, lost: str) -> None:
    task, other = make_task(world), make_world("aml-copilot")
    person, second = world.people["reviewer"], world.join("second", "reviewer")
    memberships.grant_membership(principal=principal_of_command_line(), system=other.system, user=person)
    elsewhere = make_task(other)
    api = bearer(make_own(person, world.system, other.system))
    for each in (task, elsewhere):
        assert step(api, each, "taken").status_code == 200
    LOSSES[lost](world)
    assert holder(task) is None
    assert holder(elsewhere) == (person if lost == "membership" else None)
    assert step(bearer(make_own(second, world.system)), task, "taken").status_code == 200


@pytest.mark.parametrize("act", ["put_back", "take_back", "discard", "decide"])
@pytest.mark.parametrize("more", [{}, {"foo": "1"}])
def test_whoever_is_no_reviewer_any_more_is_shown_no_answer_and_does_nothing_at_the_desk(
    world: World, act: str, more: dict[str, str]
) -> None:
    task = make_task(world)
    decide(world, task)
    change(world, principal_of_command_line(), groups=["auditor"])
    browser = Client(headers={"accept": "text/html"})
    browser.force_login(User.objects.get(pk=world.people["reviewer"].pk))
    refused = browser.post(address_of(task.trace_id), {"act": act, **more})
    assert refused.status_code == 403
    assert task.trace.answer not in refused.content.decode()
    assert ReviewDraft.objects.get().takes_effect_at is not None
    assert review_drafts.record_decided(later()) == 0
    assert (ReviewDraft.objects.get().takes_effect_at, Review.objects.exists()) == (None, False)


def decide(world: World, task: ReviewTask) -> None:
    review_drafts.decide(principal=world.principal("reviewer"), trace=task.trace, said=SAID)


def test_what_was_decided_at_the_desk_is_taken_back_there_before_a_tool_says_another(world: World) -> None:
    task, person = make_task(world), world.people["reviewer"]
    api = bearer(make_own(person, world.system))
    decide(world, task)
    refused = say(api, task, "approve")
    assert refused.status_code == 409
    at = ReviewDraft.objects.get().takes_effect_at
    assert f"which counts at {at:%H:%M} UTC: take that back there first" in refused.json()["detail"]
    assert review_drafts.record_decided(later()) == 1
    assert (Review.objects.get().decision, Review.objects.get().token_prefix) == ("reject", "")
    assert not ReviewDraft.objects.exists()


def test_once_it_is_taken_back_the_tool_judges_and_the_draft_goes(world: World) -> None:
    task = make_task(world)
    api = bearer(make_own(world.people["reviewer"], world.system))
    decide(world, task)
    review_drafts.take_back(principal=world.principal("reviewer"), trace=task.trace)
    assert say(api, task, "approve").status_code == 201
    assert not ReviewDraft.objects.exists()


def test_a_colleague_who_decided_at_the_desk_keeps_nobody_else_from_judging(world: World) -> None:
    task, second = make_task(world), world.join("second", "reviewer")
    decide(world, task)
    review_queue.put_back(principal=world.principal("reviewer"), task=task)
    assert say(bearer(make_own(second, world.system)), task, "approve").status_code == 201


def test_a_settlement_that_was_decided_at_the_desk_is_taken_back_first_too(world: World) -> None:
    task = disputed(world)
    api = bearer(make_own(world.people["reviewer"], world.system))
    said = {"decision": "approve", "rationale": "the tariff says 2%"}
    review_drafts.decide(principal=world.principal("reviewer"), trace=task.trace, said=said)
    refused = settle(api, task)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflicting_content")
    assert "You decided this at the desk" in refused.json()["detail"]
    assert review_drafts.record_decided(later()) == 1
    assert Adjudication.objects.get().decision == "approve"


def test_of_a_gold_answer_the_same_is_told(world: World, scene: tuple[ReviewTask, ReviewTask]) -> None:
    api = bearer(make_own(world.people["reviewer"], world.system))
    told = set()
    for each in scene:
        decide(world, each)
    ReviewDraft.objects.update(takes_effect_at=later())
    for each in scene:
        refused = say(api, each, "approve")
        told.add((refused.status_code, refused.json()["detail"]))
    assert len(told) == 1
    assert "You decided this at the desk" in told.pop()[1]
    assert review_drafts.record_decided(later() + (later() - timezone.now())) == 2
    assert GoldJudgement.objects.count() == 1


def test_a_decision_made_beside_a_judgement_is_kept_and_told_to_be_too_late(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make_task(world)
    real = reviews.check_not_decided

    def then_decide(*args: Any) -> None:
        real(*args)
        decide(world, task)

    monkeypatch.setattr("evidence.services.reviews.check_not_decided", then_decide)
    assert say(bearer(make_own(world.people["reviewer"], world.system)), task, "approve").status_code == 201
    assert review_drafts.record_decided(later()) == 0
    assert "You have reviewed this answer" in ReviewDraft.objects.get().refusal


# --- Behind the services' back ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change_of_it",
    [
        {"secret_digest": sha256_hex(b"tb_x_attackers")},
        {"scopes": ["read", "review", "binder"]},
        {"name": "another"},
        {"expires_at": "2099-01-01T00:00Z"},
        {"created_at": "2020-01-01T00:00Z"},
    ],
    ids=lambda change_of_it: next(iter(change_of_it)),
)
def test_nobody_has_it_open_for_another_text_nor_for_more(world: World, change_of_it: dict[str, Any]) -> None:
    token = make_own(world.people["reviewer"], world.system).token
    with pytest.raises(DatabaseError, match="a token keeps its text"), transaction.atomic():
        AccessToken.objects.filter(pk=token.pk).update(**change_of_it)
    AccessToken.objects.filter(pk=token.pk).update(
        revoked_at=timezone.now(), last_used_at=timezone.now(), last_used_for="GET /api/v1/traces"
    )


# --- Words --------------------------------------------------------------------------------------------------------


def test_a_name_that_an_issued_one_has_is_free_for_ones_own(world: World) -> None:
    person = world.people["reviewer"]
    issue: Any = partial(
        tokens.issue_token,
        principal=principal_of_command_line(), name="notebook", owner=person, scopes=[Scope.READ],
        systems=[world.system], expires_at=later(), is_named_anew=True,
    )  # fmt: skip
    issue()
    own = make_own(person, world.system)
    assert own.token.name == "notebook"
    with pytest.raises(ConflictingContent, match=own.token.prefix):
        make_own(person, world.system)
    with pytest.raises(ConflictingContent):
        issue()


def test_what_is_refused_to_it_is_said_of_it(world: World) -> None:
    person = world.people["reviewer"]
    api = bearer(make_own(person, world.system))
    person.groups.clear()
    said = api.get("/api/v1/reviews").json()["detail"]
    assert "a token for reviews" in said
    assert "as long as you are a reviewer" in said
    AccessToken.objects.update(revoked_at=timezone.now())
    assert "its owner makes anew" in api.get("/api/v1/reviews").json()["detail"]


def test_a_person_who_signed_in_is_told_of_no_token(world: World) -> None:
    assert "token for reviews" not in str(signed_in(world.people["operator"]).get("/api/v1/reviews").content)
