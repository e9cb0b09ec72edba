"""Who is signed in is read as Django reads it, by statements that the database plans once a connection."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore as DjangosStore
from django.db import connection
from django.forms.models import model_to_dict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence import clock
from evidence.access import principal_of_command_line
from evidence.roles import ROLES
from evidence.selectors.signed_in import find_person, permissions_of, read_session, systems_of
from evidence.services.people.memberships import grant_membership
from tests.evidence.test_prepared import planned
from tests.factories import World, make_person, make_world

pytestmark = pytest.mark.django_db


def test_a_person_is_who_they_are_by_djangos_own_reading(world: World) -> None:
    for role in ROLES:
        expected = User.objects.select_related("pseudonym").get(pk=world.people[role].pk)
        found = find_person(expected.pk)
        assert found is not None
        assert model_to_dict(found) == model_to_dict(expected)
        assert found.pseudonym == expected.pseudonym
        assert found.pseudonym.user is found
        assert list(found.groups.all()) == list(expected.groups.order_by("pk"))


def test_their_groups_are_asked_for_no_more_and_narrowed_down_to_theirs() -> None:
    person = make_person("ana", "author", "reviewer")
    found = find_person(person.pk)
    assert found is not None
    with CaptureQueriesContext(connection) as asked:
        assert [group.name for group in found.groups.all()] == ["author", "reviewer"]
        assert found.pk == person.pk
    assert len(asked) == 0
    assert [group.name for group in found.groups.filter(name__in=["author", "approver"])] == ["author"]
    found.groups.clear()
    assert list(found.groups.all()) == []


def test_nobody_and_somebody_who_never_acted() -> None:
    assert find_person(0) is None
    found = find_person(make_person("ben").pk)
    assert found is not None
    assert not hasattr(found, "pseudonym")
    assert list(found.groups.all()) == []
    assert permissions_of(found) == set()


def test_what_somebody_may_is_what_django_says(world: World) -> None:
    own = world.people["auditor"]
    own.user_permissions.add(Permission.objects.get(codename="view_internals"))
    for person in world.people.values():
        assert permissions_of(person) == ModelBackend().get_all_permissions(User.objects.get(pk=person.pk))
    assert "interpret.view_internals" in permissions_of(own)


def test_systems_are_those_of_which_they_are_a_member_now(world: World) -> None:
    author, other = world.people["author"], make_world("aml-copilot")
    assert systems_of(author) == {world.system.pk}
    grant_membership(principal=principal_of_command_line(), system=other.system, user=author)
    assert systems_of(author) == {world.system.pk, other.system.pk}
    assert systems_of(make_person("ben")) == frozenset()


def test_a_session_reads_as_django_stores_it_until_it_has_expired() -> None:
    stored = DjangosStore()
    stored["told"] = {"a": 1}
    stored.save()
    store = import_module(settings.SESSION_ENGINE).SessionStore
    assert dict(store(stored.session_key).items()) == {"told": {"a": 1}}
    ends = clock.now() + timedelta(seconds=stored.get_expiry_age())
    assert read_session(str(stored.session_key), at=ends - timedelta(minutes=1)) is not None
    assert read_session(str(stored.session_key), at=ends + timedelta(minutes=1)) is None
    for unknown in ("a" * 32, "short", None):
        other = store(unknown)
        assert dict(other.items()) == {}
        assert other.session_key is None


def test_pages_are_planned_once_however_many_are_opened(world: World) -> None:
    client = Client()
    client.force_login(world.people["author"])
    address = reverse("admin:password_change")
    assert client.get(address).status_code == 200
    before = planned()
    for _ in range(3):
        assert client.get(address).status_code == 200
    assert planned() == before
    assert planned("FROM auth_user AS person") == planned("FROM django_session") == 1
