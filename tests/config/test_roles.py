"""After a migration each role's group holds what the table says, and nothing else."""

from __future__ import annotations

import copy

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.sign_in.backend import CountingBackend
from evidence.roles import ROLES
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_migration_alone_makes_the_groups() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)


def test_only_researchers_see_internals() -> None:
    may = {role for role in ROLES if factories.make_person(role, role).has_perm("interpret.view_internals")}
    assert may == {"researcher"}


def test_no_role_may_change_or_delete_evidence() -> None:
    for role, rules in ROLES.items():
        held = factories.make_person(f"{role}-x", role).get_all_permissions()
        changing = {name for name in held if not name.split(".")[1].startswith(("view_",))}
        assert changing == {name for name in rules.permissions if not name.split(".")[1].startswith("view_")}


def test_rights_are_those_that_django_reads_role_by_role_and_one_by_one() -> None:
    people = [factories.make_person(f"{role}-y", role) for role in ROLES]
    people.append(factories.make_person("both", "author", "approver"))
    people.append(factories.make_person("none"))
    people[0].user_permissions.add(Permission.objects.get(codename="view_finding"))
    gone = factories.make_person("gone", "auditor")
    gone.is_active = False
    root = factories.make_person("root")
    root.is_superuser = True
    for person in [*people, gone, root]:
        afresh = copy.copy(person)
        assert CountingBackend().get_all_permissions(person) == ModelBackend().get_all_permissions(afresh)
    assert people[0].has_perm("interpret.view_finding")


def test_rights_are_read_in_one_query_that_begins_at_the_person() -> None:
    person = factories.make_person("reader", "auditor")
    with CaptureQueriesContext(connection) as asked:
        person.get_all_permissions()
    assert len(asked) == 1
    assert " OR " not in asked[0]["sql"]
