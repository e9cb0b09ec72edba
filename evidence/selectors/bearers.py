"""A token with all that decides what it may do now, read at once: every request of a machine begins with it.

Nothing of it is kept from one request to the next, so that a token that was revoked, an owner who left, a role or a
membership that was taken opens nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db import connection

from evidence.models import AccessToken
from evidence.prepared import prepared_cursor

_OF_TOKEN: Final = [field.attname for field in AccessToken._meta.concrete_fields]
_OF_OWNER: Final = [field.attname for field in User._meta.concrete_fields]
_COLUMNS: Final = ", ".join(
    [*(f"token.{name}" for name in _OF_TOKEN), *(f"owner.{name}" for name in _OF_OWNER)]
)
_FIND: Final = f"""
SELECT {_COLUMNS},
    ARRAY(SELECT held.name FROM auth_group AS held JOIN auth_user_groups AS holds ON holds.group_id = held.id
          WHERE holds.user_id = owner.id),
    ARRAY(SELECT named.system_id FROM evidence_accesstoken_systems AS named
          JOIN evidence_membership AS seen ON seen.system_id = named.system_id AND seen.user_id = owner.id
          WHERE named.accesstoken_id = token.id)
FROM evidence_accesstoken AS token JOIN auth_user AS owner ON owner.id = token.owner_id
WHERE token.prefix = %s
"""  # noqa: S608  # our own names


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token, and what it can do as far as its owner can."""

    token: AccessToken  # with its owner
    groups: frozenset[str]  # of the owner, by name
    system_ids: frozenset[int]  # that the token names, and of which its owner is a member


def find_bearer(prefix: str) -> Bearer | None:
    """Return the token of a prefix, whether it is usable or not; None: there is none."""
    with prepared_cursor() as cursor:
        cursor.execute(_FIND, [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    *values, groups, system_ids = row
    token = AccessToken.from_db(connection.alias, _OF_TOKEN, values[: len(_OF_TOKEN)])
    token.owner = User.from_db(connection.alias, _OF_OWNER, values[len(_OF_TOKEN) :])
    return Bearer(token, frozenset(groups), frozenset(system_ids))
