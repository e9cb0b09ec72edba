"""One page for a person: name, roles, systems, how they sign in, and what stands of them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence import clock
from evidence.access import principal_of_command_line, principal_of_user, visible_events
from evidence.errors import AccessDenied
from evidence.models import AuditEvent, AuditPayload, Membership, Scope, SecondFactor, System
from evidence.selectors import standing
from evidence.services import registry
from evidence.services.people import memberships, second_factors
from tests.config.test_second_factor import PASSWORD, code_of, set_up
from tests.evidence.test_people import link_on
from tests.factories import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(world: World) -> Client:
    client = Client()
    client.force_login(world.people["operator"])
    return client


@pytest.fixture
def second_system(world: World) -> System:
    """Another system of the operator."""
    console = principal_of_command_line()
    system = registry.register_system(
        principal=console, key="aml-copilot", name="AML", risk_tier="high", owner=world.people["author"]
    )
    memberships.grant_membership(principal=console, system=system, user=world.people["operator"])
    return system


def page_of(person: User) -> str:
    return reverse("admin:auth_user_change", args=[person.pk])


def filled(client: Client, person: User, **changes: Any) -> dict[str, Any]:
    """What a browser would send of the page as it is shown."""
    form = client.get(page_of(person)).context["adminform"].form
    sent: dict[str, Any] = {}
    for name in form.fields:
        value = form[name].value()
        if name != "password" and value not in (None, False):  # as empty boxes are not sent
            sent[name] = "on" if value is True else value
    return sent | changes


def give_factor(person: User) -> str:
    secret = second_factors.new_secret()
    second_factors.set_up_second_factor(
        principal=principal_of_user(person), secret=secret, code=code_of(secret)
    )
    return secret


def systems_of(person: User) -> set[str]:
    return set(Membership.objects.filter(user=person).values_list("system__key", flat=True))


def last_changed() -> list[str]:
    """What the newest event of a person's change says was changed."""
    event = AuditEvent.objects.filter(verb="person.changed").latest("pk")
    told: list[str] = json.loads(bytes(AuditPayload.objects.get(event=event).payload))["changed"]
    return told


def test_a_person_is_made_with_name_roles_and_systems_at_once(
    operator: Client, world: World, second_system: System
) -> None:
    form = {
        "username": "nina", "first_name": "Nina", "last_name": "Ng", "email": "n@example.org",
        "groups": [Group.objects.get(name="author").pk], "systems": [world.system.pk, second_system.pk],
    }  # fmt: skip
    answer = operator.post(reverse("admin:auth_user_add"), form)
    nina = User.objects.get(username="nina")
    assert answer.headers["Location"] == page_of(nina), "what comes next, a link, is on her page"
    assert [group.name for group in nina.groups.all()] == ["author"]
    assert systems_of(nina) == {world.system.key, "aml-copilot"}
    assert not nina.has_usable_password()


def test_who_is_added_gets_no_role_that_takes_two(operator: Client, world: World) -> None:
    form = {
        "username": "nina", "systems": [world.system.pk], "groups": [Group.objects.get(name="approver").pk]
    }  # fmt: skip
    answer = operator.post(reverse("admin:auth_user_add"), form)
    assert "groups" in answer.context["adminform"].form.errors
    assert not User.objects.filter(username="nina").exists()


def test_systems_are_given_and_ended_where_roles_are(
    operator: Client, world: World, second_system: System
) -> None:
    person = world.join("nina", "author")
    form = filled(operator, person, systems=[second_system.pk])
    assert operator.post(page_of(person), form).status_code == 302
    assert systems_of(person) == {"aml-copilot"}
    verbs = AuditEvent.objects.filter(verb__startswith="membership.").order_by("-pk")
    assert list(verbs.values_list("verb", flat=True)[:2]) == ["membership.ended", "membership.granted"]
    assert last_changed() == ["systems"]


def test_what_a_colleague_gave_since_is_not_taken_back(
    operator: Client, world: World, second_system: System
) -> None:
    person = world.join("nina", "author")
    form = filled(operator, person, last_name="Ng")
    memberships.grant_membership(principal=principal_of_command_line(), system=second_system, user=person)
    assert operator.post(page_of(person), form).status_code == 302
    assert systems_of(person) == {world.system.key, "aml-copilot"}
    assert last_changed() == ["last_name"], "the operator changed nothing else"


def test_a_refusal_stands_at_its_field_and_nothing_is_stored(
    operator: Client, world: World, second_system: System
) -> None:
    person = world.join("nina", "approver")
    form = filled(operator, person, last_name="Ng", systems=[world.system.pk, second_system.pk])
    answer = operator.post(page_of(person), form)
    assert "not for one operator to decide" in str(answer.context["adminform"].form.errors["systems"])
    person.refresh_from_db()
    assert (person.last_name, systems_of(person)) == ("", {world.system.key})


def test_roles_that_do_not_go_together_are_refused_at_their_field(operator: Client, world: World) -> None:
    """Also of who is added; what else was filled in stays in the form."""
    both = [Group.objects.get(name=name).pk for name in ("researcher", "reviewer")]
    person = world.join("nina", "reviewer")
    changed = operator.post(page_of(person), filled(operator, person, last_name="Ng", groups=both))
    new = {"username": "noor", "last_name": "Ng", "groups": both, "systems": [world.system.pk]}
    added = operator.post(reverse("admin:auth_user_add"), new)
    for answer in (changed, added):
        form = answer.context["adminform"].form
        assert "researcher and reviewer do not go together" in str(form.errors["groups"])
        assert form["last_name"].value() == "Ng"
    person.refresh_from_db()
    assert [group.name for group in person.groups.all()] == ["reviewer"]
    assert not User.objects.filter(username="noor").exists()


def test_who_is_made_active_again_with_such_roles_or_with_more_is_refused_at_that_field(
    operator: Client, world: World
) -> None:
    unlike, more = world.join("nina", "researcher"), world.join("noor", "approver")
    unlike.groups.add(Group.objects.get(name="reviewer"))
    for person, why in ((unlike, "do not go together"), (more, "not for one operator to decide")):
        User.objects.filter(pk=person.pk).update(is_active=False)
        answer = operator.post(page_of(person), filled(operator, person, last_name="Ng", is_active="on"))
        form = answer.context["adminform"].form
        assert why in str(form.errors["is_active"])
        assert form["last_name"].value() == "Ng"
        person.refresh_from_db()
        assert not person.is_active


def test_a_system_of_others_is_neither_shown_nor_touched(operator: Client, world: World) -> None:
    person = world.join("nina", "author")
    console = principal_of_command_line()
    other = registry.register_system(
        principal=console, key="other", name="Foreign system", risk_tier="low", owner=person
    )
    memberships.grant_membership(principal=console, system=other, user=person)
    page = operator.get(page_of(person))
    assert not page.context["has_change_permission"]
    assert "Foreign system" not in page.content.decode()
    assert world.system.name in page.content.decode()
    assert operator.post(page_of(person), {"username": "nina", "systems": []}).status_code == 403
    assert systems_of(person) == {world.system.key, "other"}


def test_a_second_factor_is_taken_away_for_a_reason_on_record(operator: Client, world: World) -> None:
    person = world.join("nina", "author")
    give_factor(person)
    assert "10 recovery codes left" in operator.get(page_of(person)).content.decode()
    refused = operator.post(page_of(person), {"act": "reset_factor", "reason": " "})
    assert (refused.status_code, SecondFactor.objects.filter(user=person).exists()) == (422, True)
    answer = operator.post(page_of(person), {"act": "reset_factor", "reason": "phone lost; seen in person"})
    assert answer.status_code == 302
    assert not SecondFactor.objects.filter(user=person).exists()
    event = AuditEvent.objects.get(verb="second_factor.removed")
    assert event.actor == principal_of_user(world.people["operator"]).actor
    assert b"phone lost; seen in person" in bytes(AuditPayload.objects.get(event=event).payload)


def test_a_reason_has_a_length_that_form_and_service_ask_for(operator: Client, world: World) -> None:
    person = world.join("nina", "author")
    give_factor(person)
    page = operator.get(page_of(person)).content.decode()
    assert 'maxlength="500"' in page
    assert "no person beyond need" in page
    too_long = operator.post(page_of(person), {"act": "reset_factor", "reason": "x" * 501})
    assert too_long.status_code == 422
    assert "500" in too_long.content.decode()
    assert f'value="{"x" * 501}"' in too_long.content.decode(), "what was typed stands there still"
    assert SecondFactor.objects.filter(user=person).exists()
    assert operator.post(page_of(person), {"act": "reset_factor", "reason": "x" * 500}).status_code == 302


def test_a_role_that_is_given_meanwhile_is_seen_by_the_reset(world: World) -> None:
    """The operator's page read the person before two made them an auditor."""
    person = world.join("nina")
    give_factor(person)
    read_before = User.objects.prefetch_related("groups").get(pk=person.pk)
    assert list(read_before.groups.all()) == []
    person.groups.add(Group.objects.get(name="auditor"))
    operator = principal_of_user(world.people["operator"])
    with CaptureQueriesContext(connection) as asked, pytest.raises(AccessDenied, match="on the machine"):
        second_factors.reset_second_factor(principal=operator, person=read_before, reason="lost")
    assert any("FOR UPDATE" in query["sql"] and "auth_user" in query["sql"] for query in asked)


def test_when_a_former_factor_was_used_is_not_told_of_the_next(operator: Client, world: World) -> None:
    person = world.join("nina", "author")
    _secret, recovery_codes = set_up(person)
    assert second_factors.pass_second_factor(person, recovery_codes[0])
    assert operator.get(page_of(person)).context["standing"].factor_used_at is not None
    operator.post(page_of(person), {"act": "reset_factor", "reason": "phone lost; seen in person"})
    give_factor(person)
    page = operator.get(page_of(person))
    assert page.context["standing"].factor_used_at is None
    assert "never used since" in page.content.decode()


def test_an_old_session_proves_first_who_it_is(
    operator: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.join("nina", "author")
    give_factor(person)
    later = clock.now() + timedelta(seconds=settings.PROOF_LASTS + 60)
    monkeypatch.setattr(clock, "now", lambda: later)
    sent = {"act": "reset_factor", "reason": "lost"}
    answer = operator.post(page_of(person), sent, headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/proof/")
    assert SecondFactor.objects.filter(user=person).exists()


def test_nobody_resets_their_own_here(operator: Client, world: World) -> None:
    me = world.people["operator"]
    give_factor(me)
    page = operator.get(page_of(me)).content.decode()
    assert "This is you" in page
    assert 'value="reset_factor"' not in page
    with pytest.raises(AccessDenied, match="yourself"):
        second_factors.reset_second_factor(principal=principal_of_user(me), person=me, reason="lost")


@pytest.mark.parametrize("role", ["approver", "auditor", "operator"])
def test_who_holds_more_is_helped_on_the_machine(operator: Client, world: World, role: str) -> None:
    person = world.join("victim", role)
    give_factor(person)
    page = operator.get(page_of(person)).content.decode()
    assert 'name="act"' not in page
    assert "whoever runs commands on the machine" in page
    assert operator.post(page_of(person), {"act": "reset_factor", "reason": "lost"}).status_code == 403
    assert operator.post(page_of(person), {"act": "password_link"}).status_code == 403
    assert SecondFactor.objects.filter(user=person).exists()


def test_of_somebody_inactive_the_page_says_what_its_buttons_do(operator: Client, world: World) -> None:
    person = world.join("nina", "author")
    give_factor(person)
    User.objects.filter(pk=person.pk).update(is_active=False)
    page = operator.get(page_of(person)).content.decode()
    assert 'value="password_link"' not in page
    assert "make them active first" in page
    assert 'value="reset_factor"' in page
    assert "whoever runs commands on the machine" not in page
    assert operator.post(page_of(person), {"act": "reset_factor", "reason": "left"}).status_code == 302


def test_who_holds_more_and_has_no_factor_is_told_nothing_of_its_reset(
    operator: Client, world: World
) -> None:
    page = operator.get(page_of(world.join("victim", "approver"))).content.decode()
    assert "A link for a new password takes whoever runs commands on the machine" in page
    assert "reset of the second factor takes" not in page


def test_a_password_link_is_made_where_the_person_stands(operator: Client, world: World) -> None:
    person = world.join("nina", "author")
    answer = operator.post(page_of(person), {"act": "password_link"}, follow=True)
    assert "/admin/password-link/" in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]


def test_an_operator_who_becomes_a_reviewer_is_on_record_for_auditors(operator: Client, world: World) -> None:
    """Nothing keeps one operator from it, and this is what tells of it."""
    reviewer = world.join("nina", "reviewer")
    hers = Client()
    hers.force_login(reviewer)
    give_factor(reviewer)
    operator.post(page_of(reviewer), {"act": "reset_factor", "reason": "lost"})
    page = operator.post(page_of(reviewer), {"act": "password_link"}, follow=True).content.decode()
    link = link_on(page)
    thief = Client()
    where = thief.get(link, follow=True).redirect_chain[-1][0]
    thief.post(where, dict.fromkeys(("new_password1", "new_password2"), PASSWORD))
    sent = {"username": reviewer.username, "password": PASSWORD, "next": "/admin/"}
    assert thief.post("/admin/login/", sent).status_code == 302
    found = visible_events(world.principal("auditor")).filter(
        object_type="auth.User", object_id=str(reviewer.pk)
    )
    me, her = (principal_of_user(person).actor for person in (world.people["operator"], reviewer))
    assert set(found.values_list("verb", "actor")) >= {
        ("second_factor.removed", me),
        ("password_link.made", me),
        ("password.chosen", her),
        ("sign_in.succeeded", her),
    }
    assert hers.get("/admin/").status_code == 302, "she finds out: her session is over"


def test_what_the_page_does_not_do_is_refused_by_name(operator: Client, world: World) -> None:
    answer = operator.post(page_of(world.join("nina")), {"act": "promote"})
    assert answer.status_code == 422
    assert "promote" in answer.content.decode()


def test_sessions_that_stand_are_told_and_others_are_not(operator: Client, world: World) -> None:
    person = world.join("nina", "author")
    assert operator.get(page_of(person)).context["standing"].sessions == []
    for _ in range(2):
        Client().force_login(person)
    Client().force_login(world.people["reviewer"])
    (one, _other) = operator.get(page_of(person)).context["standing"].sessions
    assert (one.by_provider, one.began <= clock.now()) == (False, True)
    person.groups.set([])  # with other roles they are over
    assert operator.get(page_of(person)).context["standing"].sessions == []


def test_sessions_are_looked_through_where_the_page_is_shown_and_not_where_it_is_saved(
    operator: Client, world: World
) -> None:
    person = world.join("nina", "author")
    good, bad = filled(operator, person, last_name="Ng"), filled(operator, person, username="")
    for form, is_shown in ((good, False), (bad, True)):
        with CaptureQueriesContext(connection) as asked:
            answer = operator.post(page_of(person), form)
        all_sessions = [
            query for query in asked if "django_session" in query["sql"] and "LIMIT 1000" in query["sql"]
        ]
        assert (answer.status_code, len(all_sessions)) == ((200, 1) if is_shown else (302, 0))
    assert "Open sessions" in answer.content.decode()


def test_tokens_that_work_are_told_with_their_last_use(operator: Client, world: World) -> None:
    headers = world.headers(Scope.READ)
    owner = world.owner(Scope.READ)
    assert "never" in operator.get(page_of(owner)).content.decode()
    Client().get("/api/v1/traces", headers={"Authorization": headers["HTTP_AUTHORIZATION"]})
    assert "GET /api/v1/traces" in operator.get(page_of(owner)).content.decode()


def test_the_page_does_not_grow_with_what_is_stored(
    operator: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.join("nina", "author")
    operator.get(page_of(person))
    with CaptureQueriesContext(connection) as few:
        operator.get(page_of(person))
    for _ in range(5):
        Client().force_login(person)
        world.join(f"one-more-{_}", "author")
    with CaptureQueriesContext(connection) as many:
        operator.get(page_of(person))
    assert len(many) <= len(few)
    assert len(many) <= 25, [query["sql"][-150:] for query in many]
    monkeypatch.setattr(standing, "MOST_SESSIONS", 2)
    assert len(operator.get(page_of(person)).context["standing"].sessions) == 2


def test_a_reset_ends_every_session_of_the_person_and_of_nobody_else(operator: Client, world: World) -> None:
    person, colleague = world.join("nina", "author"), world.join("ben", "author")
    give_factor(person)
    stolen, own, theirs = Client(), Client(), Client()
    for browser, who in ((stolen, person), (own, person), (theirs, colleague)):
        browser.force_login(who)
        assert browser.get("/admin/").status_code == 200
    page = operator.get(page_of(person)).content.decode()
    assert "Their open sessions end" in page
    assert operator.post(page_of(person), {"act": "reset_factor", "reason": ""}).status_code == 422
    misspelt = operator.post(page_of(person), {"act": "reset_factor", "reason": "lost", "resaon": "x"})
    assert misspelt.status_code == 422
    assert "resaon" in misspelt.content.decode()
    assert stolen.get("/admin/").status_code == 200, "what is refused ends none"
    sent = {"act": "reset_factor", "reason": "phone lost; seen in person"}
    told = operator.post(page_of(person), sent, follow=True)
    assert "Sessions ended: 2." in told.content.decode()
    for browser in (stolen, own):
        assert browser.get("/admin/").status_code == 302
        assert browser.get("/api/v1/traces").status_code in (401, 403)
    assert theirs.get("/admin/").status_code == 200
    event = AuditEvent.objects.get(verb="second_factor.removed")
    details = json.loads(bytes(AuditPayload.objects.get(event=event).payload))
    assert details == {"reason": "phone lost; seen in person", "sessions_ended": 2}


def test_a_reset_finds_sessions_beyond_those_that_the_page_looks_through(
    operator: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, browser = world.join("nina", "author"), Client()
    give_factor(person)
    browser.force_login(person)
    monkeypatch.setattr(standing, "MOST_SESSIONS", 1)
    later = Client()
    later.force_login(world.join("ben", "author"))
    second_factors.reset_second_factor(
        principal=principal_of_user(world.people["operator"]), person=person, reason="lost"
    )
    assert browser.get("/admin/").status_code == 302
    assert later.get("/admin/").status_code == 200


def test_a_reason_whose_button_is_gone_is_shown_to_be_copied(world: World, operator: Client) -> None:
    """A colleague took the factor away while the page was open, and so the field of the reason with it."""
    sent = {"act": "reset_factor", "reason": "phone lost, seen in person"}
    refused = operator.post(page_of(world.people["author"]), sent)
    assert refused.status_code == 422
    assert "phone lost, seen in person" in refused.content.decode()
