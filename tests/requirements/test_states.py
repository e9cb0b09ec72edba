"""The life of a requirement version as people meet it by API: what is decided on, by whom, and what stands then."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from evidence.models import AuditEvent, Membership
from requirements.errors import NotEditorial
from requirements.models import RequirementState, RequirementTransition, RequirementVersion
from requirements.selectors.requirements import awaiting_approval_of, state_of
from requirements.selectors.wording import draft_of, fingerprint_of, warning_names
from tests.factories import World, make_person
from tests.requirements.builders import (
    APPROVER,
    AUTHOR,
    STATEMENT,
    approve,
    ask_to_retire,
    make_criterion,
    move,
    retire,
    reworded,
)


@pytest.fixture
def version(world: World) -> RequirementVersion:
    """A version that is in review."""
    version = make_criterion(world, approved=False).version
    move(version, "in_review", AUTHOR)
    return version


@pytest.fixture
def bea(world: World) -> User:
    """A second approver."""
    bea = make_person("bea", "approver")
    Membership.objects.create(system=world.system, user=bea)
    return bea


def newer(world: World, version: RequirementVersion, **over: Any) -> RequirementVersion:
    """The same requirement with another threshold."""
    return make_criterion(world, approved=False, key=version.requirement.key, threshold=0.9, **over).version


def send(person: User, version: RequirementVersion, to_state: str, **over: Any) -> Any:
    """Take a step by API, as somebody who read the version in review, and its warnings to approve it.

    Args:
        over: what else is sent; None: not at all.
    """
    client = APIClient()
    client.force_login(person)
    body = {
        "system": version.requirement.system.key, "to_state": to_state, "from_state": "in_review",
        "digest": version.artefact_version.digest,
        "warnings_read": warning_names(version) if to_state == "approved" else None, **over,
    }  # fmt: skip
    path = f"/api/v1/requirements/{version.requirement.key}/versions/{version.number}/transitions"
    return client.post(
        path, {name: value for name, value in body.items() if value is not None}, format="json"
    )


def test_an_older_version_is_not_approved_after_a_newer(world: World, version: RequirementVersion) -> None:
    bob = world.people["approver"]
    assert awaiting_approval_of(bob).get() == version
    second = newer(world, version)
    move(second, "in_review", AUTHOR)
    assert awaiting_approval_of(bob).get() == second
    assert send(bob, version, "approved").status_code == 409  # the newer one is in review
    assert send(bob, second, "approved").status_code == 201
    late = send(bob, version, "approved")
    assert (late.status_code, late.json()["code"]) == (409, "newer_version_ahead")
    assert "v2 is newer" in late.json()["detail"]
    assert (state_of(version), state_of(second)) == ("in_review", "approved")


def test_a_draft_that_is_newer_keeps_nobody_from_approving(world: World, version: RequirementVersion) -> None:
    newer(world, version)
    assert send(world.people["approver"], version, "approved").status_code == 201


def test_who_decides_second_is_told_who_was_first(
    world: World, version: RequirementVersion, bea: User
) -> None:
    bob = world.people["approver"]
    first = send(bob, version, "approved", reason="x")
    again = send(bob, version, "approved", reason="x")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    for person in (bea, bob):  # bob, too, if he says something else
        late = send(person, version, "approved", reason="y")
        assert (late.status_code, late.json()["code"]) == (409, "decided_before")
        assert first.json()["by"] in late.json()["detail"]
        assert "not stored" in late.json()["detail"]
        assert late.json()["standing"]["state"] == "approved"
    assert version.transitions.filter(to_state="approved").count() == 1


def test_what_was_approved_is_what_was_read(world: World, version: RequirementVersion) -> None:
    bob = world.people["approver"]
    other = send(bob, version, "approved", digest="0" * 64)
    assert (other.status_code, other.json()["code"]) == (409, "decision_outdated")
    newest = other.json()["newest"]
    assert (newest["digest"], newest["state"]) == (version.artefact_version.digest, "in_review")
    assert newest["statement"] == version.statement
    assert send(bob, version, "approved", from_state="draft").status_code == 409
    for name in ("digest", "from_state"):
        unnamed = send(bob, version, "approved", **{name: None})
        assert (unnamed.status_code, unnamed.json()["errors"][0]["path"]) == (422, name)
    unknown = send(bob, version, "approved", digets="0" * 64)
    assert (unknown.status_code, unknown.json()["errors"][0]["nearest"]) == (422, "digest")
    assert state_of(version) == "in_review"


def test_a_script_proposes_without_having_read_and_is_checked_where_it_says_what_it_read(
    world: World,
) -> None:
    version = make_criterion(world, approved=False).version
    ana = world.people["author"]
    assert send(ana, version, "in_review", digest="0" * 64, from_state=None).status_code == 409
    assert send(ana, version, "in_review", digest=None, from_state=None).status_code == 201


def test_a_retired_text_comes_back_as_a_new_version(world: World, version: RequirementVersion) -> None:
    retire(version)
    back = make_criterion(world, approved=False).version
    assert (back.number, state_of(back), state_of(version)) == (2, "draft", "retired")
    assert back.artefact_version.metadata["replaces"] == version.artefact_version.digest
    assert make_criterion(world, approved=False).version == back  # once
    approve(back)
    assert state_of(back) == "approved"


def test_what_is_stored_reads_back_as_what_was_written(world: World, version: RequirementVersion) -> None:
    assert draft_of(version).digest == version.artefact_version.metadata["content_digest"]


# Retirement: asked by one, granted by another.


def test_a_version_is_retired_by_two_people(world: World, version: RequirementVersion, bea: User) -> None:
    api, bob = APIClient(), world.people["approver"]
    alone = send(bob, version, "retired", reason="over")
    assert (alone.status_code, alone.json()["code"]) == (409, "transition_not_allowed")
    assert "another person grants it" in alone.json()["detail"]
    body = {
        "system": world.system.key, "key": "r", "number": 1, "reason": "over", "from_state": "in_review",
        "digest": version.artefact_version.digest,
    }  # fmt: skip
    api.force_login(bob)
    assert api.post("/api/v1/retirements", {**body, "digest": "0" * 64}, format="json").status_code == 409
    asked: Any = api.post("/api/v1/retirements", body, format="json")
    assert (asked.status_code, asked.json()["state"], state_of(version)) == (201, "waiting", "in_review")
    steps = f"/api/v1/retirements/{asked.json()['id']}/transitions"
    assert api.post(steps, {"to_state": "confirmed"}, format="json").status_code == 403
    api.force_login(bea)
    other: Any = api.post("/api/v1/retirements", {**body, "reason": "mine"}, format="json")
    assert (other.status_code, asked.json()["requested_by"] in other.json()["detail"]) == (409, True)
    granted: Any = api.post(steps, {"to_state": "confirmed"}, format="json")
    assert (granted.status_code, granted.json()["state"], state_of(version)) == (201, "confirmed", "retired")
    step = RequirementTransition.objects.get(to_state="retired")
    assert (step.reason, step.by) == ("over", granted.json()["settled_by"])


def test_a_request_is_about_the_state_it_was_asked_in(world: World, version: RequirementVersion) -> None:
    asked = ask_to_retire(version)
    assert send(world.people["approver"], version, "approved").status_code == 201
    api = APIClient()
    api.force_login(world.people["approver"])
    late: Any = api.post(
        f"/api/v1/retirements/{asked.pk}/transitions", {"to_state": "confirmed"}, format="json"
    )
    assert (late.status_code, "outdated" in late.json()["detail"]) == (409, True)
    (listed,) = api.get("/api/v1/retirements?state=outdated").json()["results"]
    assert (listed["id"], state_of(version)) == (asked.pk, "approved")


def test_a_request_waits_on_the_front_page_of_who_may_grant_it(
    world: World, version: RequirementVersion, bea: User, client: Client
) -> None:
    ask_to_retire(version, world.principal("approver").actor)
    for person, waits in ((world.people["approver"], 0), (bea, 1)):
        client.force_login(person)
        page = client.get(reverse("admin:index"))
        (row,) = [each for each in page.context["work"].approvals if str(each.text) == "Retirements to grant"]
        assert row.count == waits


# Warnings of the linter.


def warned(world: World) -> RequirementVersion:
    version = reworded(world, "It must be explainable.")
    move(version, "in_review", AUTHOR)
    return version


def test_an_approver_ticks_each_warning(world: World) -> None:
    version, bob = warned(world), world.people["approver"]
    names = [f"{each['code']}@{each['where']}" for each in version.lint]
    assert "not_testable@statement.en" in names
    unread = send(bob, version, "approved", warnings_read=None)
    assert (unread.status_code, unread.json()["code"]) == (422, "warnings_unread")
    assert all(name in unread.json()["detail"] for name in names)
    unknown = send(bob, version, "approved", warnings_read=[*names, "not_testable@statement.em"])
    (error,) = unknown.json()["errors"]
    assert (error["code"], error["nearest"]) == ("unknown_warning", "not_testable@statement.en")
    assert send(bob, version, "approved", warnings_read=names).json()["warnings_read"] == names
    assert version.transitions.get(to_state="approved").warnings_read == names


def test_the_page_has_a_box_for_each_warning_and_what_was_read(world: World, client: Client) -> None:
    version = warned(world)
    client.force_login(world.people["approver"])
    address = reverse("admin:requirements_requirementversion_change", args=[version.pk])
    page = client.get(address).content.decode()
    assert 'name="warnings_read" value="not_testable@statement.en"' in page
    form = {"to_state": "approved", "digest": version.artefact_version.digest, "from_state": "in_review"}
    assert f'name="digest" value="{form["digest"]}"' in page
    told = client.post(address, form, follow=True).context["messages"]
    assert "not_testable@statement.en is a warning" in str(next(iter(told)))
    names = [f"{each['code']}@{each['where']}" for each in version.lint]
    client.post(address, {**form, "warnings_read": names})
    assert state_of(version) == "approved"


# Editorial changes.


@pytest.fixture
def first(world: World) -> RequirementVersion:
    """An approved version."""
    version = make_criterion(world).version
    assert version.fingerprint == fingerprint_of(version)
    return version


SLIP = "Each answer must do what this criterion mesures."


@pytest.mark.parametrize("said", ["saved", "proposed"])
def test_an_editorial_change_keeps_the_fingerprint_once_a_second_person_agrees(
    world: World, first: RequirementVersion, said: str
) -> None:
    second = reworded(world, SLIP, change="editorial" if said == "saved" else "")
    move(second, "in_review", AUTHOR, change="" if said == "saved" else "editorial")
    assert fingerprint_of(second) != fingerprint_of(first)
    answer = send(world.people["approver"], second, "approved", change="editorial")
    assert (answer.status_code, answer.json()["change"]) == (201, "editorial")
    assert fingerprint_of(second) == fingerprint_of(first) == answer.json()["fingerprint"]
    event = AuditEvent.objects.filter(verb="requirement_version.approved").latest("pk")
    said_there = bytes(event.payload.payload).decode()
    assert all(f'"{part}"' in said_there for part in ("proposed_by", "confirmed_by", "diff"))
    listed = APIClient()
    listed.force_login(world.people["approver"])
    (shown,) = listed.get("/api/v1/requirements?state=approved").json()["results"]
    assert (shown["change"], shown["fingerprint"]) == ("editorial", first.fingerprint)


def test_an_approval_that_does_not_confirm_it_takes_the_change_as_substantive(
    world: World, first: RequirementVersion
) -> None:
    second = reworded(world, SLIP, change="editorial")
    approve(second)
    assert fingerprint_of(second) == second.fingerprint != fingerprint_of(first)


def test_an_approver_alone_calls_nothing_editorial(world: World, first: RequirementVersion) -> None:
    second = reworded(world, SLIP)
    move(second, "in_review", AUTHOR)
    answer = send(world.people["approver"], second, "approved", change="editorial")
    assert (answer.status_code, answer.json()["code"]) == (422, "not_editorial")


def test_a_change_of_meaning_is_no_editorial_one_whenever_it_is_said(
    world: World, first: RequirementVersion
) -> None:
    weaker = "Each answer should do what this criterion measures."
    with pytest.raises(NotEditorial, match="modals changed from “must” to “should”"):
        reworded(world, weaker, change="editorial")
    second = reworded(world, weaker)
    answer = send(world.people["author"], second, "in_review", from_state="draft", change="editorial")
    assert (answer.status_code, answer.json()["code"]) == (422, "not_editorial")
    (error,) = answer.json()["errors"]
    assert (error["path"], error["code"]) == ("statement.en", "modals_changed")
    assert state_of(second) == RequirementState.DRAFT


def test_a_slip_mended_in_what_was_never_approved_does_not_carry_it_through(
    world: World, first: RequirementVersion
) -> None:
    """The approver of the third version is shown the slip, and not what the second one changed."""
    other = STATEMENT.replace("measures", "measures and more besides")
    reworded(world, other)
    third = reworded(world, other.replace("besides", "besides it"), change="editorial")
    move(third, "in_review", AUTHOR)
    answer = send(world.people["approver"], third, "approved", change="editorial")
    assert (answer.status_code, answer.json()["code"]) == (422, "not_editorial")
    assert "v2, which was never approved" in answer.json()["detail"]
    assert state_of(first) == "approved"


def test_a_first_version_is_never_editorial(world: World) -> None:
    version = make_criterion(world, approved=False).version
    with pytest.raises(NotEditorial, match="no earlier version"):
        move(version, "in_review", AUTHOR, change="editorial")


def test_an_approver_sees_that_a_bar_was_lowered_though_not_a_word_of_the_statement_changed(
    world: World, client: Client
) -> None:
    before = make_criterion(world, threshold=0.9, min_n=40).version
    after = make_criterion(world, approved=False, threshold=0.7, min_n=11, owner="somebody-else").version
    page = version_page(client, world, after)
    for path, was, now in (
        ("criteria.c.at_least", "0.9", "0.7"),
        ("criteria.c.min_n", "40", "11"),
        ("owner", "product-owner", "somebody-else"),
    ):
        assert re.search(
            rf">{path}</span>\s*<div[^>]*><del><small>was: </small>{was}</del> <ins><small>now: </small>{now}</ins>",
            page,
        ), path
    assert "as it was: see that it" not in page
    assert "What changed since" not in version_page(client, world, before)


def test_the_page_shows_what_changed_word_by_word_in_both_languages(
    world: World, first: RequirementVersion, client: Client
) -> None:
    both = "{en: Each answer may do what this criterion measures., zh-Hans: 必须回答}"
    second = reworded(world, both)
    move(second, "in_review", AUTHOR)
    page = version_page(client, world, second)
    assert "<del><small>was: </small> must</del>" in page
    assert "<ins><small>now: </small> may</ins>" in page
    assert 'lang="zh-Hans"' in page
    assert APPROVER not in page
    third = reworded(world, both.replace("may do", "must do"))
    assert "The statement in en is as it was" in version_page(client, world, third)


def test_what_a_version_that_never_held_had_lowered_is_shown_with_the_one_after_it(
    world: World, client: Client
) -> None:
    held = make_criterion(world, threshold=0.9, min_n=40).version
    lowered = make_criterion(world, approved=False, threshold=0.5, min_n=11).version
    after = make_criterion(world, approved=False, threshold=0.5, min_n=11, owner="somebody-else").version
    page = version_page(client, world, after)
    assert re.search(rf"What changed since <a [^>]*>r v{held.number}</a>", page)
    assert f"v{lowered.number}, between the two, never held" in page
    assert all(path in page for path in (">owner<", ">criteria.c.at_least<", ">criteria.c.min_n<"))


def version_page(client: Client, world: World, version: RequirementVersion) -> str:
    """Return the page of a version as an approver is shown it."""
    client.force_login(world.people["approver"])
    address = reverse("admin:requirements_requirementversion_change", args=[version.pk])
    return client.get(address).content.decode()
