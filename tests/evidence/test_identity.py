"""Who somebody is does not hang on what their account is called."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.access import principal_of_actor, principal_of_user
from evidence.actors import actor_of_token, actor_of_user, find_user, same_person
from evidence.admin.frame.people import names_of
from evidence.digests import sha256_hex
from evidence.models import AccessToken, AuditEvent, AuditPayload, Pseudonym, Scope
from evidence.services import audit
from evidence.services.people.name_erasure import erase_names
from requirements.errors import SelfApproval
from requirements.models import RequirementVersion
from requirements.services.requirements import import_requirements
from requirements.services.transitions import transition_requirement
from tests.client.binders import unpack
from tests.evidence.binder_world import Filled, archive_of, export
from tests.factories import World, acting, make_person
from tests.requirements.builders import read, requirement_file

OLD, NEW = "old-name-zq", "new-name-zq"  # found nowhere by chance


def rename(person: User, name: str) -> User:
    """Call an account something else, as SQL and Django's shell always could."""
    User.objects.filter(pk=person.pk).update(username=name)
    return User.objects.get(pk=person.pk)


def propose(world: World, person: User) -> RequirementVersion:
    """Have a person draft and propose a requirement."""
    principal = principal_of_user(person)
    result = import_requirements(
        system=world.system, source=requirement_file(), file_name="r.yaml", principal=principal
    )
    (named,) = result.requirements
    transition_requirement(version=named.version, to_state="in_review", principal=principal)
    return named.version


@pytest.fixture
def both(world: World) -> User:
    """A member who may propose and approve."""
    person = make_person(OLD, "author", "approver")
    world.system.memberships.create(user=person)
    return person


def test_a_renamed_author_still_cannot_approve_what_they_proposed(world: World, both: User) -> None:
    version = propose(world, both)
    renamed = principal_of_user(rename(both, NEW))
    with pytest.raises(SelfApproval):
        transition_requirement(version=version, to_state="approved", principal=renamed, read=read(version))


def test_a_new_account_under_an_old_name_inherits_nothing(world: World, both: User) -> None:
    version = propose(world, both)
    actor = actor_of_user(both)
    rename(both, NEW)
    newcomer = make_person(OLD, "author", "approver")
    assert not same_person(version.proposed_by, actor_of_user(newcomer))
    assert find_user(actor) == both
    world.system.memberships.create(user=newcomer)
    transition_requirement(
        version=version,
        to_state="approved",
        principal=principal_of_user(newcomer),
        read=read(version, warnings=True),
    )  # four eyes


def test_what_was_asked_for_under_an_old_name_is_done_for_who_asked(world: World, both: User) -> None:
    actor = principal_of_user(both).actor
    rename(both, NEW)
    make_person(OLD, "operator")
    assert principal_of_actor(actor).user == both


def test_rows_of_before_mean_whom_they_meant_then(world: World) -> None:
    """Whatever the account is called now, and whoever is called so now."""
    ana = make_person("ana", "author")
    Pseudonym.objects.create(user=ana, formerly="user:ana")
    world.system.memberships.create(user=ana)
    rename(ana, NEW)
    newcomer = make_person("ana", "author")
    assert find_user("user:ana") == ana
    assert same_person("user:ana", actor_of_user(ana))
    assert not same_person("user:ana", actor_of_user(newcomer))
    assert find_user("user:zoe") is None


def map_names() -> None:
    """Do what the migration did to the accounts of its day."""
    import_module("evidence.migrations.0011_people_of_before").map_names(apps, None)


def test_the_migration_keeps_whom_rows_meant_and_puts_it_on_record(db: None) -> None:
    """One event for each account, as `audit` writes them: the name is in the payload alone."""
    del db
    people = {name: make_person(name) for name in ("ana", "ben")}
    map_names()
    for name, person in people.items():
        assert find_user(f"user:{name}") == person
        event = AuditEvent.objects.get(object_id=actor_of_user(person))
        assert (event.verb, event.object_type) == ("person.identified", Pseudonym._meta.label)
        assert bytes(event.entry) == audit._entry(event, event.system)
        payload = AuditPayload.objects.get(event=event)
        assert json.loads(bytes(payload.payload)) == {"formerly": f"user:{name}"}
        committed = sha256_hex(b"\x00" + bytes(payload.salt) + bytes(payload.payload))
        assert event.payload_commitment == committed
        assert name.encode() not in bytes(event.entry)


def test_an_operator_renames_an_account_and_no_row_holds_either_name(world: World) -> None:
    """All of it done through the admin: put on record, made a member, acting, renamed."""
    operator = Client()
    operator.force_login(world.people["operator"])
    operator.post(reverse("admin:auth_user_add"), {"username": OLD, "systems": [world.system.pk]})
    person = User.objects.get(username=OLD)
    assert person.memberships.count() == 1
    form = {
        "username": NEW,
        "is_active": "on",
        "is_staff": "on",
        "groups": [Group.objects.get(name="author").pk],
    }
    answer = operator.post(reverse("admin:auth_user_change", args=[person.pk]), form)
    assert answer.status_code == 302, answer.content.decode()
    person.refresh_from_db()
    assert person.username == NEW
    propose(world, person)
    event = AuditEvent.objects.filter(verb="person.changed").latest("pk")
    assert (event.object_type, event.object_id) == ("auth.User", str(person.pk))
    assert event.actor == actor_of_user(world.people["operator"])
    assert actor_of_user(person).encode() in bytes(AuditPayload.objects.get(event=event).payload)
    for name in (OLD, NEW):
        assert tables_that_hold(name) == ([] if name == OLD else ["auth_user"])


def tables_that_hold(name: str) -> list[str]:
    """Return every table with a row that has these characters in any column, as text or as bytes."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")  # the owner reads all
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [table for (table,) in cursor.fetchall()]
        found = []
        for table in tables:
            if table == "django_session":  # signed, and keyed by the account's number
                continue
            cursor.execute(
                f'SELECT EXISTS (SELECT FROM "{table}" AS row WHERE row::text LIKE %s OR row::text LIKE %s)',
                [f"%{name}%", f"%{name.encode().hex()}%"],
            )
            (held,) = cursor.fetchone() or (None,)
            found += [table] if held else []
        cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')
    return found


def test_a_pseudonym_says_nothing_of_the_account(world: World) -> None:
    del world
    one, other = make_person("ana"), make_person("ben")
    assert actor_of_user(one) != actor_of_user(other)
    assert Pseudonym.objects.get(user=one).formerly == ""
    event = AuditEvent.objects.get(verb="person.identified", object_id=actor_of_user(one))
    assert b"ana" not in bytes(event.entry)


def test_an_account_whose_person_is_on_record_stays(world: World) -> None:
    person = make_person("ana")
    actor_of_user(person)
    with pytest.raises(IntegrityError), transaction.atomic():
        person.delete()


@pytest.fixture
def token(world: World) -> AccessToken:
    """A token that was issued."""
    world.token(Scope.READ)
    return AccessToken.objects.latest("pk")


@pytest.mark.parametrize("change", ["delete", "prefix", "owner"])
def test_a_prefix_means_one_token_of_one_person_for_ever(
    world: World, token: AccessToken, change: str
) -> None:
    rows = AccessToken.objects.filter(pk=token.pk)
    token.systems.clear()
    changes: dict[str, Any] = {"prefix": {"prefix": "0" * 12}, "owner": {"owner": world.people["reviewer"]}}
    with pytest.raises(IntegrityError, match="a token keeps"), transaction.atomic():
        rows.delete() if change == "delete" else rows.update(**changes[change])
    assert find_user(actor_of_token(token)) is None  # a token is no person, though one stands behind it
    assert same_person(actor_of_token(token), actor_of_user(world.owner(Scope.READ)))


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_for_a_new_account_at_once_are_told_the_same() -> None:
    user, rounds = User.objects.create_user("ana"), 8
    start, told = threading.Barrier(rounds), []

    def ask() -> None:
        try:
            mine = User.objects.get(pk=user.pk)
            start.wait()
            told.append(actor_of_user(mine))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(rounds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == rounds
    assert set(told) == {Pseudonym.objects.get(user=user).actor}
    assert AuditEvent.objects.filter(verb="person.identified").count() == 1


def test_the_directory_tells_who_the_people_of_ones_systems_are(world: World, api: APIClient) -> None:
    ana, stranger = world.people["author"], make_person("stranger")
    actor, foreign = actor_of_user(ana), actor_of_user(stranger)
    headers = world.headers(Scope.READ)
    rename(ana, NEW)
    listed = {each["id"]: each for each in api.get("/api/v1/people", **headers).json()["results"]}
    assert listed[actor] == {"id": actor, "name": NEW, "active": True, "formerly": ""}
    assert foreign not in listed
    (named,) = api.get("/api/v1/people", {"name": NEW}, **headers).json()["results"]
    assert named["id"] == actor
    assert api.get("/api/v1/people", {"id": foreign}, **headers).json()["results"] == []


@pytest.fixture
def auditor(world: World) -> Client:
    """An auditor at the admin."""
    client = Client()
    client.force_login(world.people["auditor"])
    return client


def test_lists_and_pages_show_the_name_of_today(world: World, both: User, auditor: Client) -> None:
    version = propose(world, both)
    rename(both, NEW)
    shown = f'<span title="{version.proposed_by}">{NEW}</span>'
    events, versions = reverse("admin:evidence_auditevent_changelist"), version._meta
    assert shown in auditor.get(events).content.decode()
    listed = auditor.get(reverse("admin:requirements_requirementversion_changelist")).content.decode()
    assert shown in listed
    page = auditor.get(reverse(f"admin:{versions.label_lower.replace('.', '_')}_change", args=[version.pk]))
    assert f"{NEW} ({version.proposed_by})" in page.content.decode()
    assert OLD not in page.content.decode()


def test_a_name_that_was_erased_shows_as_the_pseudonym(world: World, both: User, auditor: Client) -> None:
    version = propose(world, both)
    rename(both, version.proposed_by)
    page = auditor.get(reverse("admin:requirements_requirementversion_change", args=[version.pk])).content
    assert version.proposed_by in page.decode()
    assert f"({version.proposed_by})" not in page.decode()


@pytest.mark.parametrize("term", [NEW, f"user:{NEW}"])
def test_people_are_found_by_the_name_of_today(world: World, both: User, auditor: Client, term: str) -> None:
    """Also what they did before pseudonyms."""
    Pseudonym.objects.create(user=both, formerly=f"user:{OLD}")
    before = propose_as(world, f"user:{OLD}")
    version = propose(world, rename(both, NEW))
    for noun, found, column in (
        ("requirements_requirementversion", {before, version.pk}, "pk"),
        ("evidence_auditevent", {f"user:{OLD}", actor_of_user(both)}, "actor"),
    ):
        answer = auditor.get(reverse(f"admin:{noun}_changelist"), {"q": term})
        rows = answer.context["cl"].result_list
        assert {getattr(row, column) for row in rows} == found
    assert (
        auditor.get(reverse("admin:evidence_auditevent_changelist"), {"q": "nobody"})
        .context["cl"]
        .result_count
        == 0
    )


def propose_as(world: World, actor: str) -> int:
    """Put a requirement on record as it was before pseudonyms."""
    principal = replace(acting("user:somebody"), actor=actor)
    result = import_requirements(
        system=world.system, source=requirement_file(key="before"), file_name="r.yaml", principal=principal
    )
    return result.requirements[0].version.pk


def looking_up(asked: CaptureQueriesContext) -> list[str]:
    """Return the queries that ask what people are called; whose session it is comes with their pseudonym."""
    return [
        each["sql"]
        for each in asked
        if "username" in each["sql"] and 'FROM "evidence_pseudonym"' in each["sql"]
    ]


def test_a_list_of_what_machines_did_looks_up_no_more(world: World, auditor: Client) -> None:
    address = reverse("admin:evidence_auditevent_changelist")
    with CaptureQueriesContext(connection) as asked:
        answer = auditor.get(address, {"object_type": "evidence.Membership"})
    actors = [row.actor for row in answer.context["cl"].result_list]
    assert len(actors) > 2
    assert set(actors) == {"system:command-line"}
    assert len(looking_up(asked)) == 1
    assert names_of(["", "system:assembler", actor_of_user(world.people["author"])]).keys() == {
        actor_of_user(world.people["author"])
    }


def test_a_list_looks_names_up_once(world: World, both: User, auditor: Client) -> None:
    propose(world, both)
    address = reverse("admin:evidence_auditevent_changelist")
    with CaptureQueriesContext(connection) as asked:
        auditor.get(address)
    assert len(looking_up(asked)) == 1
    assert AuditEvent.objects.values("actor").distinct().count() > 2


def test_an_operator_erases_a_persons_names_and_what_they_did_stays(world: World, both: User) -> None:
    """Also from what was written about the account before there were pseudonyms."""
    User.objects.filter(pk=both.pk).update(first_name="Zora-zq", email="zora@zq.example")
    both.refresh_from_db()
    Pseudonym.objects.create(user=both, formerly=f"user:{OLD}")
    membership = world.system.memberships.get(user=both)
    with transaction.atomic():
        for noun, payload in ((both, {"user": OLD, "roles": []}), (membership, {"user": OLD})):
            verb = f"{'person' if noun is both else 'membership'}.added"
            audit.record(verb=verb, actor="user:omar", obj=noun, payload=payload)
    LogEntry.objects.create(
        user=both, content_type=ContentType.objects.get_for_model(both), object_id=str(both.pk), object_repr=OLD,
        action_flag=2,
    )  # fmt: skip
    version, actor = propose(world, both), actor_of_user(both)
    operator = Client()
    operator.force_login(world.people["operator"])
    chosen: dict[str, Any] = {"action": "erase_names", "_selected_action": [both.pk]}
    asked = operator.post(reverse("admin:auth_user_changelist"), chosen).content.decode()
    assert "This cannot be undone" in asked
    assert "Zora-zq" in asked
    both.refresh_from_db()
    assert both.first_name == "Zora-zq", "nothing is erased before it is confirmed"
    chosen["confirmed"] = "yes"
    answer = operator.post(reverse("admin:auth_user_changelist"), chosen, follow=True)
    assert f"Erased the names of {actor}." in answer.content.decode()
    both.refresh_from_db()
    assert (both.username, both.is_active, both.has_usable_password()) == (actor, False, False)
    assert tables_that_hold(OLD) == ["evidence_pseudonym"]  # what old rows say, which may be there for ever
    assert tables_that_hold("Zora-zq") == tables_that_hold("zora@zq") == []
    assert version.proposed_by == actor
    event = AuditEvent.objects.get(verb="person.names_erased")
    assert (event.object_id, event.payload_commitment) == (actor, "")


def test_nothing_that_is_shown_says_what_somebody_was_called_whose_names_were_erased(
    world: World, both: User, api: APIClient, auditor: Client
) -> None:
    former, actor = f"user:{OLD}", Pseudonym.objects.create(user=both, formerly=f"user:{OLD}").actor
    with transaction.atomic():
        audit.record(verb="x.y", actor=former, obj=both, system=world.system)
    headers = world.headers(Scope.READ)

    def listed(**query: str) -> list[Any]:
        answer = auditor.get(reverse("admin:evidence_pseudonym_changelist"), query)
        return [row.actor for row in answer.context["cl"].result_list] if answer.context else []

    def people(**query: str) -> list[Any]:
        return list(api.get("/api/v1/people", query, **headers).json()["results"])

    def binder() -> dict[str, Any]:
        filled = Filled(world, trace=None, as_of=timezone.now())  # type: ignore[arg-type]  # there is none
        found: dict[str, Any] = json.loads(unpack(archive_of(export(filled, as_of=None)))["data/people.json"])
        return found

    assert [each["id"] for each in people(formerly=former)] == listed(q=former) == [actor]
    assert actor in [each["actor"] for each in binder()["people"]]
    assert names_of([former]) == {former: OLD, actor: OLD}
    erase_names(principal=acting(), person=both)
    assert people(formerly=former) == listed(q=former) == listed(formerly=former) == []
    assert [each["formerly"] for each in people(id=actor)] == [""]
    assert OLD not in auditor.get(reverse("admin:evidence_pseudonym_changelist")).content.decode()
    assert OLD not in auditor.get(reverse("admin:evidence_pseudonym_change", args=[actor])).content.decode()
    assert actor not in [each["actor"] for each in binder()["people"]]
    assert names_of([former]) == {}, "nor does a row from before lead to the pseudonym"
    assert same_person(former, actor), "whom the rules still know"


def test_a_pseudonym_that_was_undone_is_not_remembered(db: None) -> None:
    """By the account in memory: what it did next would name somebody who never was."""
    del db
    person = make_person("ana")
    with transaction.atomic():
        assert actor_of_user(person) == actor_of_user(person)
        transaction.set_rollback(True)
    assert find_user(actor_of_user(person)) == person
