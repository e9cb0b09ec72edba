"""Who is signed in, with what is asked of them on every page: every request of a browser begins with it.

Each is one statement that the database has planned before (`evidence.prepared`). Nothing is kept from one request to
the next, so that an account that was closed or a role that was taken opens nothing any more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.db import connection

from evidence.models import Pseudonym
from evidence.prepared import prepared_cursor

_OF_PERSON: Final = [field.attname for field in User._meta.concrete_fields]
_OF_PSEUDONYM: Final = [field.attname for field in Pseudonym._meta.concrete_fields]
_COLUMNS: Final = ", ".join(
    [*(f"person.{name}" for name in _OF_PERSON), *(f"known.{name}" for name in _OF_PSEUDONYM)]
)
_FIND: Final = f"""
SELECT {_COLUMNS},
    ARRAY(SELECT held.id FROM auth_group AS held JOIN auth_user_groups AS holds ON holds.group_id = held.id
          WHERE holds.user_id = person.id ORDER BY held.id),
    ARRAY(SELECT held.name FROM auth_group AS held JOIN auth_user_groups AS holds ON holds.group_id = held.id
          WHERE holds.user_id = person.id ORDER BY held.id)
FROM auth_user AS person LEFT JOIN evidence_pseudonym AS known ON known.user_id = person.id
WHERE person.id = %s
"""  # noqa: S608  # our own names
# Each half begins at the person; of both in one condition the database would join everybody.
_MAY: Final = """
SELECT kind.app_label, may.codename FROM auth_user_user_permissions AS has
JOIN auth_permission AS may ON may.id = has.permission_id
JOIN django_content_type AS kind ON kind.id = may.content_type_id WHERE has.user_id = %s
UNION
SELECT kind.app_label, may.codename FROM auth_user_groups AS holds
JOIN auth_group_permissions AS has ON has.group_id = holds.group_id
JOIN auth_permission AS may ON may.id = has.permission_id
JOIN django_content_type AS kind ON kind.id = may.content_type_id WHERE holds.user_id = %s
"""
_SYSTEMS: Final = "SELECT system_id FROM evidence_membership WHERE user_id = %s"
_SESSION: Final = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s"


def find_person(key: int) -> User | None:
    """Return a person with their pseudonym and their groups, whether they are active or not; None: there is none."""
    with prepared_cursor() as cursor:
        cursor.execute(_FIND, [key])
        row = cursor.fetchone()
    if row is None:
        return None
    *values, keys, names = row
    person = User.from_db(connection.alias, _OF_PERSON, values[: len(_OF_PERSON)])
    _remember_pseudonym(person, values[len(_OF_PERSON) :])
    _remember_groups(
        person,
        [Group.from_db(connection.alias, ["id", "name"], pair) for pair in zip(keys, names, strict=True)],
    )
    return person


def permissions_of(person: User) -> set[str]:
    """Return what somebody may by their groups and by themselves, as Django names it."""
    with prepared_cursor() as cursor:
        cursor.execute(_MAY, [person.pk, person.pk])
        return {f"{app}.{codename}" for app, codename in cursor.fetchall()}


def systems_of(person: User) -> frozenset[int]:
    """Return the keys of the systems of which somebody is a member."""
    with prepared_cursor() as cursor:
        cursor.execute(_SYSTEMS, [person.pk])
        return frozenset([key for (key,) in cursor.fetchall()])


def read_session(key: str, *, at: datetime) -> str | None:
    """Return what a session that has not expired by then holds, as it is stored; None: there is none."""
    with prepared_cursor() as cursor:
        cursor.execute(_SESSION, [key, at])
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def _remember_pseudonym(person: User, values: list[Any]) -> None:
    """Have `person.pseudonym` asked of nobody, as after `select_related`; somebody who never acted has none."""
    relation: Any = User._meta.get_field("pseudonym")
    if values[0] is None:
        relation.set_cached_value(person, None)
        return
    known = Pseudonym.from_db(connection.alias, _OF_PSEUDONYM, values)
    relation.set_cached_value(person, known)
    relation.remote_field.set_cached_value(known, person)


def _remember_groups(person: User, groups: list[Group]) -> None:
    """Have `person.groups` asked of nobody, as after `prefetch_related`."""
    manager: Any = person.groups
    found = manager.get_queryset()  # of this person: whoever narrows it down asks for theirs alone
    found._result_cache, found._prefetch_done = groups, True  # noqa: SLF001  # as Django's own prefetching does
    vars(person).setdefault("_prefetched_objects_cache", {})["groups"] = found
