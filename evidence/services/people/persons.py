"""People: put on record with their roles, and with the systems whose records they see."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.errors import ConflictingContent, InvalidInput
from evidence.models import System
from evidence.nearest import MISSPELT, nearest_name
from evidence.roles import ROLES
from evidence.services.people.memberships import grant_membership
from evidence.services.people.passwords import check_password
from evidence.services.people.person_changes import record_person_added
from evidence.worded import worded


@transaction.atomic
def create_person(
    *,
    principal: Principal,
    username: str,
    roles: Sequence[str],
    systems: Sequence[System],
    password: str | None,
) -> tuple[User, bool]:
    """Put a person on record, who may sign in to the admin with this password.

    The same again changes nothing: somebody who has these roles already keeps their password, and is only let see
    the systems they did not see yet.

    Args:
        roles: keys of `evidence.roles.ROLES`, at least one.
        password: None for somebody who cannot sign in until they are given one.

    Returns:
        The person, and whether they are new.

    Raises:
        AccessDenied, NotFound: as `record_person_added` does; of somebody on record, as
            `acts.check_can_grant_membership` does.
        InvalidInput: no role, a role nobody knows, or a name or password that is not acceptable.
        ConflictingContent: the roles do not go together, or a person of that name has others, or may not sign in any
            more.
    """
    acts.check_can_add_person(principal, systems)
    _check_roles(roles)
    user = User(username=_clean_username(username), is_staff=True)  # staff: whoever may sign in to the admin
    found = User.objects.filter(username=user.username).first()
    if found is None and password is not None:
        check_password(password, user)
    person, created = User.objects.get_or_create(
        username=user.username, defaults={"is_staff": True, "password": make_password(password)}
    )
    if created:
        person.groups.set(Group.objects.filter(name__in=roles))
        fields = ["username", "groups", "password"]
        record_person_added(principal=principal, person=person, fields=fields, systems=systems)
        return person, True
    _check_is_as_asked(person, roles)
    for system in systems:
        grant_membership(principal=principal, system=system, user=person)
    return person, False


@transaction.atomic
def create_superuser(*, principal: Principal, username: str, password: str) -> User:
    """Put a superuser on record, who gives access as an operator does and sees no evidence.

    Raises:
        AccessDenied: as `acts.check_can_make_superuser` does.
        InvalidInput: a name or password that is not acceptable.
        ConflictingContent: somebody has this name.
    """
    acts.check_can_make_superuser(principal)
    person = User(username=_clean_username(username), is_staff=True, is_superuser=True)
    check_password(password, person)
    if User.objects.filter(username=person.username).exists():
        raise ConflictingContent(
            worded(
                "%(username)s is on record: another superuser changes what they may.",
                username=person.username,
            )
        )
    person.set_password(password)
    person.save()
    fields = ["username", "is_superuser", "password"]
    record_person_added(principal=principal, person=person, fields=fields, systems=[])
    return person


def _check_roles(roles: Sequence[str]) -> None:
    if not roles:
        raise InvalidInput(worded("A person needs at least one role: %(roles)s.", roles=", ".join(ROLES)))
    for role in roles:
        if role not in ROLES:
            near = nearest_name(role, ROLES, alike=MISSPELT)
            roles_told = ", ".join(ROLES)
            if near is None:
                raise InvalidInput(
                    worded(
                        "There is no role %(role)s. The roles are %(roles)s.",
                        role=repr(role),
                        roles=roles_told,
                    )
                )
            raise InvalidInput(
                worded(
                    "There is no role %(role)s. Did you mean %(nearest)s? The roles are %(roles)s.",
                    role=repr(role),
                    nearest=repr(near),
                    roles=roles_told,
                )
            )


def _clean_username(username: str) -> str:
    try:
        name: str = User._meta.get_field("username").clean(User.normalize_username(username), None)
    except ValidationError as exc:
        raise InvalidInput(
            worded(
                "%(username)s cannot be a user name. %(messages)s",
                username=repr(username),
                messages=" ".join(exc.messages),
            )
        ) from exc
    return name


def _check_is_as_asked(person: User, roles: Sequence[str]) -> None:
    name, held = person.get_username(), set(person.groups.values_list("name", flat=True))
    if not person.is_active:
        raise ConflictingContent(
            worded("%(name)s is on record and inactive; make them active again in the admin.", name=name)
        )
    if held != set(roles):
        has = ", ".join(sorted(held)) or worded("no role")
        raise ConflictingContent(
            worded(
                "%(name)s is on record as %(roles)s; roles are changed in the admin.", name=name, roles=has
            )
        )
