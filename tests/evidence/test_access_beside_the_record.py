"""Whoever owns the database gives somebody power without an event: `verify_log` names whom, and what of them."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from django.contrib.auth.models import Permission, User
from django.test import Client

from evidence import clock
from evidence.access import Principal, principal_of_command_line, principal_of_user
from evidence.models import AuditEvent, Scope
from evidence.selectors.people import facts_of
from evidence.services.log.access import find_access_beside_the_record
from evidence.services.people import passwords, second_factors, tokens
from evidence.services.people.name_erasure import erase_names
from evidence.services.people.person_changes import record_person_changed
from evidence.services.people.persons import create_person, create_superuser
from tests.factories import World
from tests.invariants.owner_attacks import as_owner

pytestmark = pytest.mark.django_db

FIRST, SECOND = "window apricot ledger sundial", "three quiet herons wading"
MD5 = "django.contrib.auth.hashers.MD5PasswordHasher"


@pytest.fixture(autouse=True)
def quick(settings: Any) -> None:
    settings.PASSWORD_HASHERS = [MD5]


def command_line() -> Principal:
    return principal_of_command_line()


@pytest.fixture
def ana(world: World) -> User:
    """Somebody on record, with a password, a second factor, a membership and a token."""
    person, _ = create_person(
        principal=command_line(), username="ana", roles=["author"], systems=[world.system], password=FIRST
    )
    secret = second_factors.new_secret()
    step = int(clock.now().timestamp()) // second_factors.STEP
    code = HOTP(base64.b32decode(secret), 6, SHA1()).generate(step).decode()
    second_factors.set_up_second_factor(principal=principal_of_user(person), secret=secret, code=code)
    tokens.issue_token(
        principal=command_line(), name="ci", owner=person, scopes=[Scope.READ], systems=[world.system],
        expires_at=clock.now() + timedelta(days=30),
    )  # fmt: skip
    assert find() == []
    return person


def find() -> list[str]:
    return list(find_access_beside_the_record())


_ANA = "(SELECT id FROM auth_user WHERE username = 'ana')"
ATTACKS = {
    "is a superuser": (f"UPDATE auth_user SET is_superuser = true WHERE id = {_ANA}", "{ana} has other superuser than"),
    "may not sign in": (f"UPDATE auth_user SET is_staff = false WHERE id = {_ANA}", "{ana} has other staff"),
    "is active no more": (f"UPDATE auth_user SET is_active = false WHERE id = {_ANA}", "{ana} has other active than"),
    "has another password": (
        f"UPDATE auth_user SET password = 'md5$x$00' WHERE id = {_ANA}", "{ana} has other password_digest than",
    ),
    "has another role": (
        ("UPDATE auth_user_groups SET group_id = (SELECT id FROM auth_group WHERE name = 'approver')"
        f" WHERE user_id = {_ANA}"),
        "{ana} has other roles than",
    ),
    "has a permission": (
        ("INSERT INTO auth_user_user_permissions (user_id, permission_id)"
        f" VALUES ({_ANA}, (SELECT min(id) FROM auth_permission))"),
        "{ana} has other permissions than",
    ),
    "has no second factor": (f"DELETE FROM evidence_secondfactor WHERE user_id = {_ANA}", "{ana} has no second factor"),
    "has another second factor": (
        f"UPDATE evidence_secondfactor SET secret = 'x' || secret WHERE user_id = {_ANA}",
        "{ana} has another second factor than",
    ),
    "has a second factor without a word": (
        ("INSERT INTO evidence_secondfactor (user_id, secret, last_step, recovery_digests, created_at)"
        " SELECT (SELECT id FROM auth_user WHERE username = 'approver-credit-assistant'), secret, 0, '{}', now()"
        " FROM evidence_secondfactor"),
        "has a second factor, and its events say another",
    ),
    "an account comes from nowhere": (
        ("INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, date_joined, first_name,"
        " last_name, email) VALUES ('mallory', 'x', false, true, true, '2000-01-01', '', '', '')"),
        "on record, which has is_staff",
    ),
    "an account of before is a superuser": (
        "UPDATE auth_user SET is_superuser = true WHERE username = 'author-credit-assistant'",
        "on record, which has author, is_staff, is_superuser",
    ),
    "a role holds more": (
        ("INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, p.id FROM auth_group AS g,"
        " auth_permission AS p WHERE g.name = 'author' AND codename = 'view_internals'"),
        "Group author differs from the table of roles in view_internals.",
    ),
    "a group of no role holds something": (
        ("WITH made AS (INSERT INTO auth_group (name) VALUES ('helpers') RETURNING id) INSERT INTO"
        " auth_group_permissions (group_id, permission_id) SELECT made.id, (SELECT min(id) FROM auth_permission)"
        " FROM made"),
        "Group helpers differs from the table of roles",
    ),
    "a token opens for another text": (
        ("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE evidence_accesstoken DISABLE TRIGGER USER;"
        "UPDATE evidence_accesstoken SET secret_digest = repeat('0', 64)"),
        "has another secret_digest than",
    ),
    "a token is gone": (
        ("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE evidence_accesstoken DISABLE TRIGGER USER;"
        "DELETE FROM evidence_accesstoken_systems; DELETE FROM evidence_accesstoken"), "is gone: none is ever deleted",
    ),
    "a membership is gone": (
        f"DELETE FROM evidence_membership WHERE user_id = {_ANA}", "is gone, and no event ends it",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "told"), ATTACKS.values(), ids=ATTACKS)
def test_power_that_no_event_gives_is_named(ana: User, sql: str, told: str) -> None:
    with as_owner() as cursor:
        cursor.execute(sql)
        assert told.format(ana=f"Account {ana.pk}") in " ".join(find())


def test_what_services_do_to_people_is_on_record(world: World, ana: User) -> None:
    link = passwords.make_password_link(principal=command_line(), person=ana)
    assert find() == []
    passwords.choose_password(uid=link.uid, token=link.token, password=SECOND)
    assert find() == []
    second_factors.reset_second_factor(principal=command_line(), person=ana, reason="lost")
    assert find() == []
    root = create_superuser(principal=command_line(), username="root", password=FIRST)
    root.user_permissions.add(Permission.objects.earliest("pk"))
    record_person_changed(
        principal=command_line(), person=root, fields=["user_permissions"], roles_before=frozenset()
    )
    assert find() == []
    erase_names(principal=command_line(), person=ana)
    assert find() == []


def test_a_password_that_is_stored_anew_at_a_sign_in_is_on_record(world: World, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher", MD5]
    person, _ = create_person(
        principal=command_line(), username="ana", roles=["author"], systems=[world.system], password=FIRST
    )
    before = person.password
    settings.PASSWORD_HASHERS = [MD5, "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher"]
    form = {"username": "ana", "password": FIRST, "next": "/admin/"}
    assert Client().post("/admin/login/", form).status_code == 302
    person.refresh_from_db()
    assert person.password != before
    assert AuditEvent.objects.filter(verb="password.rehashed", object_id=person.pk).count() == 1
    assert find() == []


def test_whose_names_were_erased_is_let_in_by_nobody_but_an_event(ana: User) -> None:
    erase_names(principal=command_line(), person=ana)
    with as_owner() as cursor:
        cursor.execute(f"UPDATE auth_user SET is_active = true WHERE id = {ana.pk}")
        assert any("has other active than" in fault for fault in find())


def test_all_that_gives_a_person_power_is_told_of_them(ana: User) -> None:
    """A field that Django, or we, add to accounts is either no power, or on record."""
    names = {field.name for field in User._meta.get_fields() if not field.auto_created}
    no_power = {"username", "first_name", "last_name", "email", "date_joined", "last_login"}
    told = {
        "groups": "roles", "is_active": "active", "is_staff": "staff", "is_superuser": "superuser",
        "user_permissions": "permissions", "password": "password_digest",
    }  # fmt: skip
    assert names == no_power | told.keys()
    assert facts_of(ana).keys() == set(told.values())
