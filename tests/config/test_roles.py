"""After a migration each role's group holds what the table says, and nothing else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

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
