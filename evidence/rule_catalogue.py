"""What PostgreSQL's catalogue says of rights, triggers and functions. Reading it takes no lock on any table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.backends.utils import CursorWrapper

_RIGHTS = """
SELECT class.relname, role.rolname,
    acl.privilege_type || CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
FROM pg_class AS class CROSS JOIN LATERAL aclexplode(class.relacl) AS acl
JOIN pg_roles AS role ON role.oid = acl.grantee
WHERE class.relnamespace = 'public'::regnamespace AND role.rolname = ANY(%(roles)s)
UNION ALL
SELECT class.relname, role.rolname, acl.privilege_type || ' (' || attribute.attname || ')'
FROM pg_class AS class JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
CROSS JOIN LATERAL aclexplode(attribute.attacl) AS acl JOIN pg_roles AS role ON role.oid = acl.grantee
WHERE class.relnamespace = 'public'::regnamespace AND role.rolname = ANY(%(roles)s)
"""

# A partition has its trigger from the table it is part of, and may still have lost it or have it switched off.
_TRIGGERS = """
SELECT root.relname, name, function.proname, trigger.tgargs, trigger.tgtype, trigger.tgenabled,
    trigger.tgqual IS NOT NULL OR trigger.tgattr <> ''::int2vector,
    trigger.tgdeferrable AND trigger.tginitdeferred, coalesce(trigger.tgnewtable, '')
FROM pg_class AS class JOIN pg_class AS root ON root.oid = coalesce(pg_partition_root(class.oid), class.oid)
CROSS JOIN unnest(%(triggers)s::text[]) AS name
LEFT JOIN pg_trigger AS trigger ON trigger.tgrelid = class.oid AND trigger.tgname = name
LEFT JOIN pg_proc AS function ON function.oid = trigger.tgfoid
WHERE class.relnamespace = 'public'::regnamespace AND class.relkind IN ('r', 'p')
AND (name <> ALL(%(of_statements)s) OR class.oid = root.oid)  -- a statement is against the table, not its partitions
"""

_COLUMNS = """
SELECT class.relname, attribute.attname
FROM pg_class AS class JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
WHERE class.relnamespace = 'public'::regnamespace AND class.relkind IN ('r', 'p') AND NOT class.relispartition
AND attribute.attnum > 0 AND NOT attribute.attisdropped
"""

_FUNCTIONS = """
SELECT wanted, function.prosrc, language.lanname, function.prosecdef, function.provolatile, function.proisstrict,
    coalesce(array_to_string(function.proconfig, '; '), ''),
    ARRAY(
        SELECT coalesce(role.rolname, 'public')
        FROM aclexplode(coalesce(function.proacl, acldefault('f', function.proowner))) AS acl
        LEFT JOIN pg_roles AS role ON role.oid = acl.grantee
        WHERE acl.grantee <> function.proowner)
FROM unnest(%(signatures)s::text[]) AS wanted JOIN pg_proc AS function ON function.oid = to_regprocedure(wanted)
JOIN pg_language AS language ON language.oid = function.prolang
"""

# What there is by name, each with what it is.
_NAMES: Final = """
SELECT 'role', rolname FROM pg_roles WHERE rolname = ANY(%(roles)s)
UNION ALL
SELECT 'schema user', role.rolname FROM pg_namespace AS schema CROSS JOIN LATERAL aclexplode(schema.nspacl) AS acl
JOIN pg_roles AS role ON role.oid = acl.grantee
WHERE schema.nspname = 'public' AND acl.privilege_type = 'USAGE' AND role.rolname = ANY(%(roles)s)
UNION ALL
SELECT 'table', relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""

_WITHOUT_RIGHTS: Final = """
SELECT EXISTS (
    SELECT FROM pg_class AS class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND NOT EXISTS (
        SELECT FROM aclexplode(class.relacl) AS acl JOIN pg_roles AS role ON role.oid = acl.grantee
        WHERE role.rolname = %s))
"""


_VOLATILITY: Final = {"IMMUTABLE": "i", "STABLE": "s"}  # as pg_proc says it


_ROW, _BEFORE, _INSERT, _DELETE, _UPDATE = 1, 2, 4, 8, 16  # bits of pg_trigger.tgtype


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger as it stands on a table or on one of its partitions."""

    function: str
    arguments: tuple[str, ...]
    moments: int  # bits of pg_trigger.tgtype
    is_on: bool
    is_narrowed: bool  # by a condition or to some columns
    is_deferred: bool = False  # until the transaction commits
    added: str = ""  # what the function knows the new rows as

    @classmethod
    def of(cls, function: str, arguments: Iterable[str] = ()) -> Trigger:
        """Return the trigger that calls a function before any change of any row."""
        return cls(
            function, tuple(arguments), _ROW | _BEFORE | _DELETE | _UPDATE, is_on=True, is_narrowed=False
        )

    @classmethod
    def after_insert(cls, function: str) -> Trigger:
        """Return the trigger that calls a function after each INSERT, with the rows it added."""
        return cls(function, (), _INSERT, is_on=True, is_narrowed=False, added="added")

    @classmethod
    def at_commit(cls, function: str) -> Trigger:
        """Return the trigger that calls a function for each inserted row when the transaction commits."""
        return cls(function, (), _ROW | _INSERT, is_on=True, is_narrowed=False, is_deferred=True)

    def create_sql(self, table: str, name: str) -> str:
        """Return the statement that puts it on a table, in the place of one of its name."""
        arguments = ", ".join("'" + text.replace("'", "''") + "'" for text in self.arguments)
        call = f"EXECUTE FUNCTION {self.function}({arguments})"
        if self == Trigger.at_commit(self.function):  # which PostgreSQL does not replace
            return (
                f'DROP TRIGGER IF EXISTS {name} ON "{table}"; CREATE CONSTRAINT TRIGGER {name} AFTER INSERT '
                f'ON "{table}" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {call}'
            )
        if self == Trigger.after_insert(self.function):
            when, rows = "AFTER INSERT", "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
        else:
            when, rows = "BEFORE UPDATE OR DELETE", "FOR EACH ROW"
        return f'CREATE OR REPLACE TRIGGER {name} {when} ON "{table}" {rows} {call}'


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it stands: all that a CREATE FUNCTION of ours says of it."""

    body: str
    language: str
    runs_as_owner: bool
    volatility: str  # v, s or i, as pg_proc says it
    is_strict: bool
    settings: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What stands in the database."""

    roles: frozenset[str]
    schema_users: frozenset[str]
    tables: frozenset[str]
    rights: dict[tuple[str, str], set[str]]  # by table and role
    # By table and name: the table's own and those of its partitions; None: one is missing.
    triggers: dict[tuple[str, str], set[Trigger | None]]
    functions: dict[str, Function] = field(default_factory=dict)  # by signature
    callers: dict[str, set[str]] = field(default_factory=dict)  # roles other than the owner, by signature
    columns: dict[str, set[str]] = field(default_factory=dict)  # by table


def has_tables_without_rights(cursor: CursorWrapper, role: str) -> bool:
    """Whether a role has no right at all on some table."""
    cursor.execute(_WITHOUT_RIGHTS, [role])
    return bool(cursor.fetchone() == (True,))


def read_catalogue(
    cursor: CursorWrapper,
    *,
    roles: Collection[str],
    triggers: Collection[str],
    of_statements: Collection[str] = (),
    signatures: Collection[str],
) -> Catalogue:
    """Return what stands of what the rules speak of.

    Args:
        roles: whose rights.
        triggers: their names.
        of_statements: those of them that are called once a statement.
        signatures: the functions, as `name(type, type)`.
    """
    asked: dict[str, Any] = {
        "roles": list(roles),
        "triggers": list(triggers),
        "of_statements": list(of_statements),
        "signatures": list(signatures),
    }

    def ask(sql: str) -> list[tuple[Any, ...]]:
        cursor.execute(sql, asked)
        return list(cursor.fetchall())

    rights: dict[tuple[str, str], set[str]] = defaultdict(set)
    for table, role, right in ask(_RIGHTS):
        rights[table, role].add(right)
    standing: dict[tuple[str, str], set[Trigger | None]] = defaultdict(set)
    for table, name, *found in ask(_TRIGGERS):
        standing[table, name].add(_trigger_of(*found))
    columns: dict[str, set[str]] = defaultdict(set)
    for table, column in ask(_COLUMNS):
        columns[table].add(column)
    names: dict[str, set[str]] = defaultdict(set)
    for kind, name in ask(_NAMES):
        names[kind].add(name)
    functions = {signature: (Function(*told), set(callers)) for signature, *told, callers in ask(_FUNCTIONS)}
    return Catalogue(
        roles=frozenset(names["role"]),
        schema_users=frozenset(names["schema user"]),
        tables=frozenset(names["table"]),
        rights=rights,
        triggers=standing,
        functions={signature: function for signature, (function, _) in functions.items()},
        callers={signature: callers for signature, (_, callers) in functions.items()},
        columns=columns,
    )


def function_said_by(sql: str) -> Function:
    """Return what a CREATE FUNCTION statement of ours would make stand."""
    header, body, _ = sql.split("$$")
    words = header.split()
    path = "search_path=public, pg_temp" if "search_path" in header else ""
    return Function(
        body=body,
        language=words[words.index("LANGUAGE") + 1],
        runs_as_owner="SECURITY DEFINER" in header,
        volatility=next((sign for word, sign in _VOLATILITY.items() if word in words), "v"),
        is_strict="STRICT" in words,
        settings=path,
    )


def _trigger_of(
    function: str | None,
    arguments: bytes | None,
    moments: int,
    enabled: str,
    is_narrowed: bool,  # noqa: FBT001  # a row
    is_deferred: bool,  # noqa: FBT001  # likewise
    added: str,
) -> Trigger | None:
    if function is None:
        return None
    texts = bytes(arguments or b"").split(b"\0")[:-1]  # each ends with a NUL
    return Trigger(
        function,
        tuple(text.decode() for text in texts),
        moments,
        is_on=enabled in ("O", b"O"),
        is_narrowed=is_narrowed,
        is_deferred=bool(is_deferred),
        added=added,
    )
