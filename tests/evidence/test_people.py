"""Links by which people choose passwords, what takes two operators, and roles that do not go together."""

from __future__ import annotations

import io
import re
import threading
from contextlib import suppress
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evidence.access import principal_of_command_line, principal_of_user, visible_people
from evidence.errors import AccessDenied, ConflictingContent, EvidenceError, InvalidInput, NotFound
from evidence.models import AccessConfirmation, AccessProposal, AuditEvent, AuditPayload, Membership, Scope
from evidence.roles import INCOMPATIBLE, ROLES, conflicts_among
from evidence.services.people import person_changes, sign_ins
from evidence.services.people.access_proposals import confirm_access, propose_access
from evidence.services.people.passwords import PasswordLink, choose_password, make_password_link
from evidence.services.people.sign_ins import record_failed_sign_in
from tests.evidence.test_identity import tables_that_hold
from tests.factories import World, make_person, make_world

pytestmark = pytest.mark.django_db

CHOSEN = "window apricot ledger sundial"
ANOTHER = "quartz umbrella thirteen meadow"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def use(link: PasswordLink, password: str = CHOSEN) -> User:
    return choose_password(uid=link.uid, token=link.token, password=password)


# Links.


def link_on(page: str) -> str:
    """Return the link that a page shows, this once."""
    found = re.search(r'id="password-link">([^<]+)<', page)
    assert found, page[:3000]
    return unescape(found[1])


@pytest.fixture
def link(world: World) -> PasswordLink:
    return make_password_link(principal=world.principal("operator"), person=world.people["reviewer"])


def test_an_operator_hands_a_link_over_by_which_the_person_chooses_and_signs_in(world: World) -> None:
    operator, person = signed_in(world.people["operator"]), world.people["reviewer"]
    chosen = {"action": "make_password_link", "_selected_action": [person.pk]}
    page = operator.post(reverse("admin:auth_user_changelist"), chosen, follow=True)
    address = link_on(page.content.decode())
    assert re.search(r"It works until \S+ \S+ UTC\.", page.content.decode()), "and the zone once"
    visitor = Client()
    form = visitor.get(address, follow=True)
    assert "Choose this password" in form.content.decode()
    where = form.redirect_chain[-1][0]
    assert address.rstrip("/").rpartition("/")[2] not in where, (
        "the address that stays on screen tells no secret"
    )
    weak = visitor.post(where, {"new_password1": "password1234", "new_password2": "password1234"})
    assert "too common" in weak.content.decode()
    done = visitor.post(where, {"new_password1": CHOSEN, "new_password2": CHOSEN})
    assert done["Location"] == reverse("admin:login")
    sign_in = {"username": person.username, "password": CHOSEN, "next": "/admin/"}
    assert visitor.post("/admin/login/", sign_in).status_code == 302
    assert "was used" in Client().get(address, follow=True).content.decode()
    verbs = AuditEvent.objects.filter(object_type="auth.User", object_id=person.pk).order_by("pk")
    assert list(verbs.values_list("verb", flat=True)) == [
        "password_link.made", "password.chosen", "sign_in.succeeded",
    ]  # fmt: skip


def test_a_link_works_once(link: PasswordLink) -> None:
    use(link)
    with pytest.raises(NotFound, match="was used"):
        use(link, ANOTHER)
    assert User.objects.get(pk=link.person.pk).check_password(CHOSEN)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_use_a_link_at_once_one_chooses_the_password() -> None:
    made = make_password_link(principal=principal_of_command_line(), person=make_person("ana"))
    rounds, chosen = 4, list[str]()
    start = threading.Barrier(rounds)

    def choose(password: str) -> None:
        try:
            start.wait()
            with suppress(NotFound):
                use(made, password)
                chosen.append(password)
        finally:
            connection.close()

    threads = [threading.Thread(target=choose, args=(f"{CHOSEN} {n}",)) for n in range(rounds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (password,) = chosen
    assert User.objects.get(username="ana").check_password(password)
    assert AuditEvent.objects.filter(verb="password.chosen").count() == 1


def test_a_link_ends_with_its_time(link: PasswordLink, settings: Any) -> None:
    settings.PASSWORD_RESET_TIMEOUT = -1
    with pytest.raises(NotFound, match="has expired"):
        use(link)


def test_another_link_replaces_it(world: World, link: PasswordLink) -> None:
    again = make_password_link(principal=world.principal("operator"), person=link.person)
    with pytest.raises(NotFound):
        use(link)
    use(again)


def test_a_link_from_before_a_promotion_does_not_open_what_came_with_it(
    world: World, link: PasswordLink
) -> None:
    link.person.groups.add(Group.objects.get(name="approver"))
    with pytest.raises(NotFound):
        use(link)


def test_a_link_ends_the_password_and_the_sessions_of_before(world: World) -> None:
    """So whoever uses it in the person's place is found out."""
    person = world.people["reviewer"]
    person.set_password(CHOSEN)
    person.save()
    theirs = signed_in(person)
    assert theirs.get("/admin/").status_code == 200
    make_password_link(principal=world.principal("operator"), person=person)
    assert theirs.get("/admin/").status_code == 302
    assert not User.objects.get(pk=person.pk).check_password(CHOSEN)


def test_nothing_that_is_stored_opens_what_a_link_opens(link: PasswordLink) -> None:
    secret = link.token.partition("-")[2]
    assert tables_that_hold(secret) == []


@pytest.mark.parametrize("role", ["approver", "auditor", "operator"])
def test_a_link_for_who_holds_more_than_an_operator_gives_is_made_on_the_machine(
    world: World, role: str
) -> None:
    victim = world.join("victim", role)
    with pytest.raises(AccessDenied, match="made on the machine"):
        make_password_link(principal=world.principal("operator"), person=victim)
    out = io.StringIO()
    call_command("password_link", "victim", stdout=out)
    address = out.getvalue().splitlines()[-1]
    assert "Choose this password" in Client().get(address, follow=True).content.decode()


def test_what_is_no_link_opens_nothing(world: World, link: PasswordLink) -> None:
    del world
    for uid, token in [(link.uid, "abc-def"), ("!!", link.token), ("MA", link.token), (link.uid, "")]:
        with pytest.raises(NotFound):
            choose_password(uid=uid, token=token, password=CHOSEN)


def test_a_person_who_changes_their_own_password_is_on_record(world: World) -> None:
    person = world.people["author"]
    person.set_password(CHOSEN)
    person.save()
    form = {"old_password": CHOSEN, "new_password1": ANOTHER, "new_password2": ANOTHER}
    client = signed_in(person)
    assert client.post("/admin/password_change/", {**form, "old_password": "no"}).status_code == 200
    assert not AuditEvent.objects.filter(verb="password.changed").exists()
    assert client.post("/admin/password_change/", form).status_code == 302
    event = AuditEvent.objects.get(verb="password.changed")
    assert event.actor == principal_of_user(person).actor


def test_who_signs_out_is_on_record(world: World) -> None:
    client = signed_in(world.people["author"])
    client.post("/admin/logout/")
    client.post("/admin/logout/")
    assert AuditEvent.objects.filter(verb="sign_in.ended").count() == 1


# Who is put on record.


def test_a_person_is_added_to_a_system_of_the_operators_and_has_no_password(world: World) -> None:
    other = make_world("aml-copilot")
    client = signed_in(world.people["operator"])
    address = reverse("admin:auth_user_add")
    refused = client.post(address, {"username": "nina", "systems": [other.system.pk]})
    assert "Select a valid choice" in refused.content.decode()
    assert client.post(address, {"username": "nina", "systems": [world.system.pk]}).status_code == 302
    nina = User.objects.get(username="nina")
    assert not nina.has_usable_password()
    assert nina.is_staff
    assert [member.system for member in nina.memberships.all()] == [world.system]
    assert AuditEvent.objects.filter(verb="membership.granted", system=world.system).exists()
    assert AuditEvent.objects.filter(verb="person.added", object_id=nina.pk).exists()


def test_nobody_by_network_adds_a_person_to_nothing(world: World) -> None:
    with pytest.raises(InvalidInput, match="say which"):
        person_changes.record_person_added(
            principal=world.principal("operator"), person=make_person("nina"), fields=[], systems=[]
        )


def test_whoever_is_of_no_system_is_known_to_the_command_line_alone(world: World) -> None:
    left = make_person("left")
    assert left in visible_people(principal_of_command_line())
    assert left not in visible_people(world.principal("operator"))


# What takes two.


@pytest.fixture
def second(world: World) -> User:
    """Another operator of the system."""
    return world.join("omar-two", "operator")


@pytest.fixture
def candidate(world: World) -> User:
    return world.join("nina", "author")


@pytest.fixture
def proposal(world: World, candidate: User) -> AccessProposal:
    return propose_access(principal=world.principal("operator"), person=candidate, role="approver")


def test_two_operators_make_an_approver(second: User, world: World, candidate: User) -> None:
    first = signed_in(world.people["operator"])
    add, listed = (
        reverse("admin:evidence_accessproposal_add"),
        reverse("admin:evidence_accessproposal_changelist"),
    )
    assert first.post(add, {"person": candidate.pk, "role": "approver"}).status_code == 302
    confirm = {"action": "confirm", "_selected_action": [AccessProposal.objects.get().pk]}
    assert "another operator confirms" in first.post(listed, confirm, follow=True).content.decode()
    assert "approver" not in candidate.groups.values_list("name", flat=True)
    assert "Confirmed" in signed_in(second).post(listed, confirm, follow=True).content.decode()
    assert set(candidate.groups.values_list("name", flat=True)) == {"author", "approver"}
    verbs = set(AuditEvent.objects.values_list("verb", flat=True))
    assert {"access.proposed", "access.confirmed", "person.changed"} <= verbs
    assert "before" in signed_in(second).post(listed, confirm, follow=True).content.decode()
    assert AccessConfirmation.objects.count() == 1


def test_nobody_confirms_what_they_proposed_or_what_is_about_them(
    world: World, proposal: AccessProposal, candidate: User, second: User
) -> None:
    with pytest.raises(AccessDenied, match="You proposed this"):
        confirm_access(principal=world.principal("operator"), proposal=proposal)
    with pytest.raises(AccessDenied, match="Nobody changes their own roles"):
        propose_access(principal=principal_of_user(second), person=second, role="auditor")
    candidate.groups.set(Group.objects.filter(name="operator"))
    with pytest.raises(AccessDenied, match="Nobody changes their own roles"):
        confirm_access(principal=principal_of_user(User.objects.get(pk=candidate.pk)), proposal=proposal)


def test_a_superuser_is_neither_of_the_two(world: World, proposal: AccessProposal) -> None:
    root = User.objects.create_superuser("root")
    Membership.objects.create(system=world.system, user=root)
    with pytest.raises(AccessDenied, match="operator"):
        confirm_access(principal=principal_of_user(root), proposal=proposal)


def test_a_proposal_ends_with_its_time_and_with_who_made_it(
    world: World, proposal: AccessProposal, second: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    principal = principal_of_user(second)
    late = timezone.now() + timedelta(days=8)
    with monkeypatch.context() as later:
        later.setattr("evidence.clock.now", lambda: late)
        with pytest.raises(ConflictingContent, match="in time"):
            confirm_access(principal=principal, proposal=proposal)
    world.people["operator"].groups.clear()
    with pytest.raises(ConflictingContent, match="may not propose it any more"):
        confirm_access(principal=principal, proposal=proposal)
    User.objects.filter(pk=world.people["operator"].pk).update(is_active=False)
    with pytest.raises(AccessDenied):
        confirm_access(principal=principal, proposal=proposal)
    assert not AccessConfirmation.objects.exists()


def test_an_operator_of_another_system_confirms_nothing(world: World, proposal: AccessProposal) -> None:
    other = make_world("aml-copilot")
    with pytest.raises(NotFound):
        confirm_access(principal=other.principal("operator"), proposal=proposal)
    listed = signed_in(other.people["operator"]).get(reverse("admin:evidence_accessproposal_changelist"))
    assert listed.context["cl"].result_count == 0


def test_a_proposal_waits_on_the_front_page_of_who_may_confirm_it(
    world: World, second: User, proposal: AccessProposal
) -> None:
    link = f'<a href="{reverse("admin:evidence_accessproposal_changelist")}"><strong>{{}}</strong>'
    other = make_world("aml-copilot")
    for person, count in ((second, 1), (world.people["operator"], 0), (other.people["operator"], 0)):
        assert link.format(count) in signed_in(person).get("/admin/").content.decode(), person
    assert (
        "Access proposals to confirm" not in signed_in(world.people["author"]).get("/admin/").content.decode()
    )
    confirm_access(principal=principal_of_user(second), proposal=proposal)
    assert link.format(0) in signed_in(second).get("/admin/").content.decode()


def test_two_operators_let_an_approver_see_another_system(world: World, second: User) -> None:
    other, approver = make_world("aml-copilot"), world.people["approver"]
    for operator in (world.people["operator"], second):
        Membership.objects.create(system=other.system, user=operator)
    proposal = propose_access(principal=world.principal("operator"), person=approver, system=other.system)
    watching = signed_in(world.join("omar-three", "operator"))
    listed = watching.get(reverse("admin:evidence_accessproposal_changelist"))
    assert listed.context["cl"].result_count == 0, "who is no member of the other system learns nothing of it"
    confirm_access(principal=principal_of_user(second), proposal=proposal)
    assert Membership.objects.filter(system=other.system, user=approver).exists()


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"role": "operator"}, InvalidInput),
        ({"role": "reviewer"}, InvalidInput),
        ({}, InvalidInput),
        ({"role": "auditor"}, ConflictingContent),  # an author does not audit
    ],
)
def test_what_cannot_be_proposed_is_refused(
    world: World, candidate: User, asked: dict[str, Any], error: type[EvidenceError]
) -> None:
    with pytest.raises(error):
        propose_access(principal=world.principal("operator"), person=candidate, **asked)


# Roles that do not go together.


def test_every_role_says_with_which_others_it_goes() -> None:
    assert conflicts_among(ROLES) != []
    assert conflicts_among({"author", "approver", "reviewer"}) == []
    assert {role for pair in INCOMPATIBLE for role in pair} == set(ROLES)
    for role in ROLES:
        if role != "operator":
            assert conflicts_among({role, "operator"}), role


def test_who_holds_such_roles_from_before_is_named_and_keeps_them(world: World) -> None:
    out = io.StringIO()
    world.token(Scope.READ)
    call_command("check_access", stdout=out)
    assert "Roles go together" in out.getvalue()
    both = make_person("both", "operator", "approver")
    Membership.objects.create(system=world.system, user=both)
    with pytest.raises(CommandError, match="1 people"):
        call_command("check_access", stdout=out)
    assert "both: approver and operator do not go together" in out.getvalue()
    listed = signed_in(world.people["operator"]).get(reverse("admin:auth_user_changelist"))
    assert "approver and operator do not go together" in listed.content.decode()
    assert set(both.groups.values_list("name", flat=True)) == {"operator", "approver"}


def test_the_command_line_gives_no_such_roles_either() -> None:
    with pytest.raises(CommandError, match="auditor and reviewer do not go together"):
        call_command("create_person", "pia", "--role", "reviewer", "--role", "auditor", "--generate-password")
    assert not User.objects.exists()


def test_a_superuser_of_the_system_makes_no_superuser_of_somebody_with_a_role(world: World) -> None:
    """It would be an operator by another name, who approves."""
    root = User.objects.create_superuser("root")
    Membership.objects.create(system=world.system, user=root)
    for role, status in (("approver", 409), (None, 302)):
        person = world.people[role] if role else world.join("plain")
        form = {
            "username": person.username, "is_active": "on", "is_staff": "on", "is_superuser": "on",
            "groups": [group.pk for group in person.groups.all()],
        }  # fmt: skip
        answer = signed_in(root).post(reverse("admin:auth_user_change", args=[person.pk]), form)
        assert answer.status_code == status
        person.refresh_from_db()
        assert person.is_superuser == (role is None)


def test_a_token_for_more_than_its_owner_may_is_named(world: World) -> None:
    world.token(Scope.READ, Scope.BINDER)
    world.people["auditor"].groups.set(Group.objects.filter(name="reviewer"))
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 tokens are for more"):
        call_command("check_access", stdout=out)
    assert "do not hold binder" in out.getvalue()


# Failed sign-ins.


def test_a_flood_of_failed_sign_ins_costs_the_log_no_more_than_so_many(settings: Any) -> None:
    settings.FAILED_SIGN_INS_RECORDED = 3
    cache.clear()
    for _ in range(10):
        record_failed_sign_in("nobody")
    assert AuditEvent.objects.filter(verb="sign_in.failed").count() == 3
    cache.delete(sign_ins._TRIED)  # as its minute ends
    record_failed_sign_in("nobody")
    last = AuditPayload.objects.latest("pk")
    assert b'"left_out_before":7' in bytes(last.payload)
    cache.clear()
