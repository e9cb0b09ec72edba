"""What PostgreSQL's catalogues hold that no rule of ours speaks of, and that could undo one: objects, rights, settings.

The rules say what must stand (`evidence.table_rules`, `evidence.structure_rules`); here is what must not. Nothing is
listed that somebody might do: whole catalogues are read, less what is ours, PostgreSQL's own or an extension's.
"""

# ruff: noqa: S608  # SQL composed of constants of this project; nobody's input is in it

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import connections
from django.db.backends.utils import CursorWrapper

from evidence.search_path import BUILT_IN, looking_in

_FIRST_NOT_BUILT_IN: Final = 16_384  # FirstNormalObjectId: what PostgreSQL brings itself has a lower number
# They watch, and are what shows statements of the owner: PostgreSQL's own, and the one for audits.
_EXTENSIONS: Final = ("plpgsql", "pg_stat_statements", "pgaudit")

# Kinds of which this product makes none, by the catalogue each is in, with what is left out.
_OF_NO_KIND_OF_OURS: Final = {
    "pg_namespace": r"nspname <> 'public' AND nspname !~ '^pg_(toast_)?temp_'",
    "pg_event_trigger": "true",
    "pg_policy": "true",
    "pg_rewrite": "rulename <> '_RETURN'",  # of a view, which is named itself
    "pg_default_acl": "true",
    "pg_cast": "true",
    "pg_operator": "true",
    "pg_opclass": "true",
    "pg_opfamily": "true",
    "pg_am": "true",
    "pg_collation": "true",
    "pg_conversion": "true",
    "pg_transform": "true",
    "pg_language": "true",
    "pg_foreign_data_wrapper": "true",
    "pg_foreign_server": "true",
    "pg_ts_config": "true",
    "pg_ts_dict": "true",
    "pg_ts_parser": "true",
    "pg_type": "typtype IN ('b', 'd', 'e', 'r', 'm') AND typcategory <> 'A'",
    "pg_extension": "extname <> ALL(%(extensions)s)",
    "pg_proc": "pronamespace <> 'public'::regnamespace",
}
_OBJECTS: Final = " UNION ALL ".join(
    f"""SELECT pg_describe_object('{catalogue}'::regclass, one.oid, 0) || ' is there, and no rule makes it'
    FROM {catalogue} AS one WHERE one.oid >= %(first)s AND {condition} AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = '{catalogue}'::regclass AND objid = one.oid AND deptype = 'e')"""
    for catalogue, condition in _OF_NO_KIND_OF_OURS.items()
)

_OF_AN_EXTENSION: Final = """EXISTS (
    SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = class.oid AND deptype = 'e')"""
# What there may be: a table of the migrations, a partition of spans, the sequence of a key, each kept on disk as usual,
# shown whole, and read as a part of nothing else.
_RELATIONS: Final = rf"""
SELECT CASE class.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
        WHEN 'c' THEN 'type' WHEN 'S' THEN 'sequence' ELSE 'table' END || ' ' || class.relname || ' ' || fault
FROM pg_class AS class LEFT JOIN pg_inherits AS above ON above.inhrelid = class.oid
LEFT JOIN pg_class AS parent ON parent.oid = above.inhparent
CROSS JOIN LATERAL (SELECT to_date(substring(class.relname FROM '_(\d{{4}}_\d\d)$'), 'YYYY_MM')::timestamp)
    AS named (month)
CROSS JOIN LATERAL (VALUES
    (class.relkind IN ('v', 'm', 'f', 'c') OR class.relkind = 'S' AND NOT EXISTS (
            SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = class.oid AND deptype = 'i')
        OR class.relkind IN ('r', 'p') AND NOT class.relispartition AND class.relname <> ALL(%(tables)s),
        'is made by no migration'),
    (class.relkind IN ('r', 'p') AND NOT class.relispartition AND (class.relkind = 'p') <> (class.relname = %(parted)s),
        'has partitions, or has none any more'),
    (class.relpersistence <> 'p', 'loses its rows in a crash'),
    (class.relrowsecurity OR class.relforcerowsecurity, 'shows each role a part of its rows'),
    (above.inhrelid IS NOT NULL AND NOT class.relispartition, 'is read as a part of ' || parent.relname),
    (class.relispartition AND class.relkind IN ('r', 'p', 'f') AND (class.relkind <> 'r' OR parent.relname <> %(parted)s
        OR class.relname <> parent.relname || '_default'
        AND class.relname !~ ('^' || parent.relname || '_\d{{4}}_\d\d$')
        OR pg_get_expr(class.relpartbound, class.oid) <> CASE WHEN named.month IS NULL THEN 'DEFAULT' ELSE format(
            'FOR VALUES FROM (%%L) TO (%%L)', named.month AT TIME ZONE 'UTC',
            (named.month + interval '1 month') AT TIME ZONE 'UTC') END), 'is no partition of the month of its name')
    ) AS told (holds, fault)
WHERE told.holds AND class.relnamespace = 'public'::regnamespace AND class.relkind NOT IN ('i', 'I')
AND NOT {_OF_AN_EXTENSION}
"""

# Triggers of constraints are switched off by themselves; a partition has its others from its table.
_TRIGGERS: Final = """
SELECT CASE WHEN one.tgisinternal AND one.tgconstraint <> 0 AND one.tgparentid = 0
    THEN 'constraint ' || coalesce((SELECT conname FROM pg_constraint WHERE oid = one.tgconstraint), one.tgname)
        || ' of ' || class.relname || ' is not looked at'
    ELSE 'trigger ' || one.tgname || ' of ' || class.relname || ' is there, and no rule makes it' END
FROM pg_trigger AS one JOIN pg_class AS class ON class.oid = one.tgrelid
WHERE class.relnamespace = 'public'::regnamespace AND CASE
    WHEN one.tgisinternal THEN one.tgparentid = 0 AND one.tgenabled <> 'O'
    ELSE one.tgparentid = 0 AND class.relname || '.' || one.tgname <> ALL(%(triggers)s) END
GROUP BY 1
"""

_FUNCTIONS: Final = """
SELECT 'function ' || replace(one.oid::regprocedure::text, 'public.', '') || ' is there, and no rule makes it'
FROM pg_proc AS one WHERE one.pronamespace = 'public'::regnamespace AND one.oid <> ALL(%(functions)s::oid[])
AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = one.oid AND deptype = 'e')
"""

_THE_OWNER: Final = "(SELECT relowner FROM pg_class WHERE oid = to_regclass('public.evidence_auditevent'))"
_OWNERS: Final = f"""
SELECT what || ' is owned by ' || pg_get_userbyid(owner) || ', not by ' || pg_get_userbyid({_THE_OWNER}) FROM (
    SELECT 'table ' || class.relname, class.relowner FROM pg_class AS class
    WHERE class.relnamespace = 'public'::regnamespace AND class.relkind NOT IN ('i', 'I') AND NOT {_OF_AN_EXTENSION}
    UNION ALL SELECT 'function ' || replace(one.oid::regprocedure::text, 'public.', ''), one.proowner
    FROM pg_proc AS one
    WHERE one.pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = one.oid AND deptype = 'e')
    UNION ALL SELECT 'database ' || datname, datdba FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT 'schema public', CASE WHEN pg_get_userbyid(nspowner) = 'pg_database_owner' THEN {_THE_OWNER}
        ELSE nspowner END FROM pg_namespace WHERE nspname = 'public'
) AS owned (what, owner) WHERE owner NOT IN ({_THE_OWNER}, 10)  -- 10: who made the cluster
"""

# What the rules give tables, they give three roles. Who may make something in the schema puts it before what is called.
_RIGHTS: Final = f"""
SELECT DISTINCT CASE WHEN acl.grantee = 0 THEN 'everybody' ELSE 'role ' || pg_get_userbyid(acl.grantee) END
    || ' may ' || acl.privilege_type || ' ' || held.what FROM (
    SELECT class.relname::text, class.relowner, class.relacl, class.relname <> ALL(%(tables)s)
    FROM pg_class AS class WHERE class.relnamespace = 'public'::regnamespace AND NOT {_OF_AN_EXTENSION}
    UNION ALL SELECT class.relname || '.' || one.attname, class.relowner, one.attacl, class.relname <> ALL(%(tables)s)
    FROM pg_class AS class JOIN pg_attribute AS one ON one.attrelid = class.oid AND one.attacl IS NOT NULL
    WHERE class.relnamespace = 'public'::regnamespace AND NOT {_OF_AN_EXTENSION}
    UNION ALL SELECT 'in schema public', nspowner, nspacl, NULL FROM pg_namespace WHERE nspname = 'public'
    UNION ALL SELECT 'in this database', datdba, datacl, NULL FROM pg_database WHERE datname = current_database()
) AS held (what, owner, acl, is_strange) CROSS JOIN LATERAL aclexplode(held.acl) AS acl
WHERE acl.grantee <> held.owner AND CASE WHEN is_strange IS NULL THEN acl.privilege_type = 'CREATE'
    ELSE is_strange OR acl.grantee = 0 OR pg_get_userbyid(acl.grantee) <> ALL(%(groups)s) END
UNION ALL
SELECT CASE WHEN acl.grantee = 0 THEN 'everybody' ELSE 'role ' || pg_get_userbyid(acl.grantee) END
    || ' may ' || acl.privilege_type || ' the setting ' || one.parname
FROM pg_parameter_acl AS one CROSS JOIN LATERAL aclexplode(one.paracl) AS acl WHERE acl.grantee <> 10
"""

_POWERS: Final = "concat_ws(' and ', {})".format(
    ", ".join(
        f"CASE WHEN role.{column} THEN '{what}' END"
        for column, what in (
            ("rolsuper", "is a superuser"),
            ("rolreplication", "may copy the whole database"),
            ("rolbypassrls", "passes by row security"),
        )
    )
)
_MAKES: Final = "concat_ws(' and ', CASE WHEN role.rolcreaterole THEN 'makes roles' END)"
# A login that the settings name is the owner, or in one group and no more. Whoever else may do anything here is named.
_ROLES: Final = f"""
WITH RECURSIVE within (role, above) AS (
    SELECT member, roleid FROM pg_auth_members UNION SELECT within.role, more.roleid
    FROM within JOIN pg_auth_members AS more ON more.member = within.above
), told AS (
    SELECT role.rolname::text AS name, role.rolname = ANY(%(groups)s) AS is_group,
        role.rolname = ANY(%(logins)s) AS is_known,
        role.oid = {_THE_OWNER} AS is_owner, role.rolcanlogin AS signs_in, {_POWERS} AS powers, {_MAKES} AS makes,
        ARRAY(SELECT above.rolname::text FROM within JOIN pg_roles AS above ON above.oid = within.above
            WHERE within.role = role.oid AND (above.rolname = ANY(%(groups)s) OR above.oid = {_THE_OWNER}
                OR above.rolname ~ '^pg_' OR above.rolsuper) ORDER BY 1) AS memberships
    FROM pg_roles AS role WHERE role.oid <> 10 AND role.rolname !~ '^pg_'
)
SELECT 'role ' || name || ' ' || fault FROM told CROSS JOIN LATERAL (VALUES
    (powers <> '' AND (is_group OR is_known OR is_owner), powers),
    (makes <> '' AND (is_group OR is_known AND NOT is_owner), makes),
    (is_group AND signs_in, 'may sign in, and is a group'),
    (is_group AND is_owner, 'owns the tables'),
    (is_group AND memberships <> '{{}}', 'is a member of ' || array_to_string(memberships, ', ')),
    (is_known AND NOT is_owner AND NOT is_group AND cardinality(memberships) > 1,
        'is a member of ' || array_to_string(memberships, ' and of ')),
    (NOT is_group AND NOT is_known AND (powers || makes <> '' OR memberships <> '{{}}' OR is_owner),
        concat_ws(' and ', nullif(powers, ''), nullif(makes, ''), CASE WHEN is_owner THEN 'owns the tables' END,
            'is a member of ' || nullif(array_to_string(memberships, ', '), ''))
        || ', and TRACEBINDER_DATABASE_LOGINS does not name it')
) AS fault_of (holds, fault) WHERE holds
"""

# Settings that make a statement slower or faster, or say what is told of it: nothing that is stored depends on them.
_HARMLESS: Final = (
    "name ~ '^log_|_timeout$|^(application_name|client_min_messages)$' OR category ~ "
    "'^(Resource Usage|Query Tuning|Reporting and Logging|Autovacuum|Vacuuming|Statistics)'"
)
_SETTINGS: Final = rf"""
SELECT concat('setting ', entry, CASE WHEN one.setrole <> 0 THEN ' of role ' || pg_get_userbyid(one.setrole) END,
    CASE WHEN one.setdatabase <> 0 THEN ' in this database' END, ' is made by no rule')
FROM pg_db_role_setting AS one CROSS JOIN unnest(one.setconfig) AS entry
WHERE one.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
AND NOT EXISTS (SELECT FROM pg_settings WHERE name = split_part(entry, '=', 1) AND ({_HARMLESS}))
UNION ALL
SELECT 'setting ' || name || ' is ' || reset_val || ' from the start of a session' FROM pg_settings
WHERE name IN ('session_replication_role', 'row_security', 'event_triggers', 'session_preload_libraries',
    'local_preload_libraries', 'search_path') AND reset_val <> boot_val
UNION ALL
SELECT 'subscription ' || subname || ' writes rows past every trigger' FROM pg_subscription
WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True)
class Ours:
    """What the rules speak of: all else is a stranger."""

    tables: Collection[str]
    parted: str  # the one that has partitions
    triggers: Collection[str]  # as `table.name`
    functions: Collection[str]  # as `name(type, type)`
    groups: Collection[str]  # the roles that hold rights
    logins: Collection[str]  # who signs in


def find_strangers(using: str, ours: Ours) -> list[str]:
    """Return a sentence for each thing in the database that no rule speaks of and that could undo one."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT pg_catalog.array_remove(pg_catalog.array_agg(pg_catalog.to_regprocedure(one)::pg_catalog.oid), "
            "NULL) FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS one",
            [list(ours.functions)],
        )
        (functions,) = cursor.fetchone() or ([],)
    # Under PostgreSQL's own names alone: an operator that somebody made must not hide itself.
    with looking_in(using, BUILT_IN) as cursor:
        return list(_ask(cursor, ours, functions or []))


def _ask(cursor: CursorWrapper, ours: Ours, functions: list[int]) -> Iterator[str]:
    asked: dict[str, Any] = {
        "first": _FIRST_NOT_BUILT_IN,
        "extensions": list(_EXTENSIONS),
        "parted": ours.parted,
        "functions": functions,
        **{name: list(getattr(ours, name)) for name in ("tables", "triggers", "groups", "logins")},
    }
    for question in (_OBJECTS, _RELATIONS, _TRIGGERS, _FUNCTIONS, _OWNERS, _RIGHTS, _ROLES, _SETTINGS):
        cursor.execute(question, asked)
        yield from sorted(told for (told,) in cursor.fetchall())
