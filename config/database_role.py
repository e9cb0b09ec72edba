"""Which role a process is in the database: web and workers work under its rules, so they must not be who sets them.

Asked at every new connection, not only at the start: whatever URL a process is given later, and whether or not the
database was there when it started, none of its queries runs as somebody who can rewrite evidence.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.db import OperationalError
from django.db.backends.signals import connection_created

# Of PostgreSQL's own roles those that read or write past the rules of tables, or act on the server's machine.
_BEYOND_RULES: Final = (
    "pg_write_all_data", "pg_read_server_files", "pg_write_server_files", "pg_execute_server_program",
)  # fmt: skip

# The session's role, which SET ROLE does not change. A member of a role may act as it.
_QUESTION: Final = """
SELECT session_user::text,
       coalesce(r.rolsuper, true), coalesce(r.rolcreaterole, true), coalesce(r.rolbypassrls, true),
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
                 AND pg_has_role(session_user, c.relowner, 'MEMBER')),
       EXISTS (SELECT FROM pg_database d
               WHERE d.datname = current_database() AND pg_has_role(session_user, d.datdba, 'MEMBER')),
       ARRAY(SELECT g.rolname::text FROM pg_roles g
             WHERE g.rolname = ANY(%s) AND pg_has_role(session_user, g.oid, 'MEMBER'))
FROM (VALUES (session_user)) AS me(name) LEFT JOIN pg_roles r ON r.rolname = me.name
"""


class RoleTooPowerful(OperationalError):
    """The process was given the URL of a role that stands above the rules it is to work under."""


def watch_connections() -> None:
    """Have every new connection of this process asked who it is, but for those of the owner, who migrates."""
    if settings.PROCESS != "owner":
        connection_created.connect(refuse_connection, weak=False, dispatch_uid="config.database_role")


def refuse_connection(sender: object, connection: Any, **_: object) -> None:
    """Close a connection whose role is not under the rules.

    Raises:
        RoleTooPowerful: naming the role and what it may.
    """
    del sender
    with connection.cursor() as cursor:
        name, powers = _read_powers(cursor)
    if powers:
        connection.close()
        raise RoleTooPowerful(
            f"This {settings.PROCESS} process is the role {name!r} in the database, which {' and '.join(powers)}. Give "
            'it the URL of the role it is to run as: docs/guides/operator.md, "The database roles".'
        )


def _read_powers(cursor: Any) -> tuple[str, list[str]]:
    """Return the role's name, and what it may that no process of ours is to."""
    foreign = [*_BEYOND_RULES, *_roles_of_others()]
    cursor.execute(_QUESTION, [foreign])
    name, is_super, makes_roles, bypasses, owns_tables, owns_database, groups = cursor.fetchone()
    told = (
        (is_super, "is a superuser"),
        (makes_roles, "makes roles"),
        (bypasses, "passes by row security"),
        (owns_tables, "owns the tables, or may act as who does"),
        (owns_database, "owns the database, or may act as who does"),
        (bool(groups), f"is a member of {', '.join(groups)}"),
    )
    return name, [what for holds, what in told if holds]


def _roles_of_others() -> list[str]:
    """Return the group roles that this process is not to be in: the log's, and where probes run that of the web."""
    found = [] if settings.PROCESS == "log" else [settings.LOG_ROLE]
    return [*found, *([settings.RUNTIME_ROLE] if settings.PROCESS in {"interpret", "log"} else [])]
