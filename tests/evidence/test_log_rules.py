"""Whoever owns the database changes its rules: `verify_log` names each that is not as this version has it.

The catalogue is walked, so that a new table, trigger, function or constraint is attacked unasked. One kind of attack is
carried out on all of them at once, and each has to be named.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Final

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from config import embedded
from evidence import structure_rules
from evidence.services.log import check_rules

pytestmark = pytest.mark.django_db

_IN_PUBLIC: Final = "relnamespace = 'public'::regnamespace"
_TABLES: Final = f"SELECT relname, '' FROM pg_class WHERE {_IN_PUBLIC} AND relkind IN ('r', 'p')"
_WHOLE: Final = f"{_TABLES} AND NOT relispartition"
_OURS: Final = f"{_WHOLE} AND relname ~ '^(evidence|requirements|interpret)_'"
_PARTITIONS: Final = f"{_TABLES} AND relispartition"
_SEQUENCES: Final = f"SELECT relname, '' FROM pg_class WHERE {_IN_PUBLIC} AND relkind = 'S'"
_FUNCTIONS: Final = (
    "SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid) FROM pg_proc AS p"
    " WHERE pronamespace = 'public'::regnamespace"
)
_TRIGGERS: Final = (
    "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
    f" WHERE NOT tgisinternal AND NOT relispartition AND {_IN_PUBLIC}"
)
_CONSTRAINTS: Final = (
    "SELECT conname, relname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
    f" WHERE NOT relispartition AND {_IN_PUBLIC} AND contype = "
)
_COLUMNS: Final = (
    f"SELECT attname, relname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE {_IN_PUBLIC}"
    " AND relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0 AND NOT attisdropped AND "
)
_INDEXES: Final = (
    "SELECT name.relname, class.relname FROM pg_index JOIN pg_class AS class ON class.oid = indrelid"
    " JOIN pg_class AS name ON name.oid = indexrelid"
    " WHERE class.relnamespace = 'public'::regnamespace AND NOT class.relispartition"
    " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) AND "
)


@dataclass(frozen=True)
class OnEach:
    """An attack on each of what the catalogue has of a kind."""

    which: str  # a question for two columns: name, and what it belongs to
    sql: str  # with both in their places
    told: str  # what a fault says of it, likewise
    at_least: int = 1


EACH: Final = {
    "a trigger is switched off": OnEach(
        _TRIGGERS, 'ALTER TABLE "{1}" DISABLE TRIGGER {0}', "Rule of {1}: `migrate` would", 120
    ),
    "a trigger fires for nobody but replicas": OnEach(
        _TRIGGERS, 'ALTER TABLE "{1}" ENABLE REPLICA TRIGGER {0}', "Rule of {1}: `migrate` would", 120
    ),
    "a trigger is dropped": OnEach(
        _TRIGGERS, 'DROP TRIGGER {0} ON "{1}"', "Rule of {1}: `migrate` would", 120
    ),
    "a trigger is added": OnEach(
        _WHOLE,
        'CREATE TRIGGER a_first BEFORE INSERT ON "{0}" FOR EACH ROW EXECUTE FUNCTION tracebinder_refuse_change()',
        "trigger a_first of {0} is there",
        80,
    ),
    "a trigger of a rule is put on another table": OnEach(
        f"{_WHOLE} AND relname <> 'evidence_accesstoken'",
        'CREATE TRIGGER tracebinder_keep_token BEFORE INSERT ON "{0}" FOR EACH ROW'
        " EXECUTE FUNCTION tracebinder_keep_token()",
        "trigger tracebinder_keep_token of {0} is there",
        80,
    ),
    "a trigger is added to a partition": OnEach(
        _PARTITIONS,
        'CREATE TRIGGER a_first BEFORE INSERT ON "{0}" FOR EACH ROW EXECUTE FUNCTION tracebinder_refuse_change()',
        "trigger a_first of {0} is there",
        2,
    ),
    "a function says another": OnEach(_FUNCTIONS, "{another_body}", "Rule of {spaced}: `migrate` would", 90),
    "a function is its caller's or its owner's, the other way round": OnEach(
        _FUNCTIONS, "ALTER FUNCTION {0} {other_security}", "Rule of {spaced}: `migrate` would", 90
    ),
    "a function looks in another schema first": OnEach(
        _FUNCTIONS, "ALTER FUNCTION {0} SET search_path = pg_temp, public", "Rule of {spaced}: `migrate` would", 90
    ),
    "a function is another's": OnEach(
        _FUNCTIONS, 'ALTER FUNCTION {0} OWNER TO "{web}"', "function {0} is owned by {web}", 90
    ),
    "a function is added beside each": OnEach(
        _FUNCTIONS,
        "CREATE FUNCTION public.{bare}(a box, b box, c box) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function {bare}(box,box,box) is there",
        80,
    ),
    "a private function is for everybody": OnEach(
        f"{_FUNCTIONS} AND prosecdef", "GRANT EXECUTE ON FUNCTION {0} TO PUBLIC",
        "Rule of {spaced}: `migrate` would", 10
    ),
    "the web server may truncate": OnEach(
        _OURS, 'GRANT TRUNCATE ON "{0}" TO "{web}"', "Rule of {spaced}: `migrate` would", 70
    ),
    "the log's role may update a column": OnEach(
        f"{_COLUMNS} attname = 'xact_id'", 'GRANT UPDATE ({0}) ON "{1}" TO "{log}"', "Rule of {1}: `migrate` would", 60
    ),
    "everybody may read": OnEach(_WHOLE, 'GRANT SELECT ON "{0}" TO PUBLIC', "everybody may SELECT {0}", 80),
    "another role may read a column": OnEach(
        f"{_COLUMNS} attname = 'id'", 'GRANT SELECT (id) ON "{1}" TO pg_monitor',
        "role pg_monitor may SELECT {1}.id", 70
    ),
    "the web server may write to a partition": OnEach(
        _PARTITIONS, 'GRANT UPDATE ON "{0}" TO "{web}"', "role {web} may UPDATE {0}", 2
    ),
    "the web server may set what keys come next": OnEach(
        _SEQUENCES, 'GRANT UPDATE ON SEQUENCE "{0}" TO "{web}"', "role {web} may UPDATE {0}", 70
    ),
    "a table is another's": OnEach(
        f"{_WHOLE} AND relname <> 'evidence_auditevent'", 'ALTER TABLE "{0}" OWNER TO "{log}"',
        "table {0} is owned by {log}", 80
    ),
    "a row is rewritten": OnEach(
        f"{_OURS} AND relkind = 'r'", 'CREATE RULE nothing AS ON INSERT TO "{0}" DO INSTEAD NOTHING',
        "rule nothing on table public.{0} is there", 70,
    ),
    "a part of the rows is shown": OnEach(
        f"{_WHOLE} AND relname <> 'django_migrations'", 'ALTER TABLE "{0}" ENABLE ROW LEVEL SECURITY',
        "table {0} shows each role a part of its rows", 80
    ),
    "a policy stands ready": OnEach(
        _WHOLE, 'CREATE POLICY shown ON "{0}" USING (false)', "policy shown on table public.{0} is there", 80
    ),
    "a table of another's rows is read with it": OnEach(
        f"{_OURS} AND relkind = 'r'", 'CREATE TABLE "{0}_more" () INHERITS ("{0}")',
        "table {0}_more is read as a part of {0}", 60,
    ),
    "a table is put in its place": OnEach(
        _OURS, 'ALTER TABLE "{0}" RENAME TO "{0}_old"; CREATE VIEW "{0}" AS SELECT * FROM "{0}_old"',
        "view {0} is made by no migration", 70,
    ),
    "a table is lost in a crash": OnEach(
        "SELECT relname, '' FROM pg_class WHERE relname IN ('django_session', 'evidence_openbinding')",
        'ALTER TABLE "{0}" SET UNLOGGED', "table {0} loses its rows in a crash", 2,
    ),
    "a constraint is dropped": OnEach(
        f"{_CONSTRAINTS}'c'", 'ALTER TABLE "{1}" DROP CONSTRAINT "{0}"', "constraint {0} of {1} is not there", 50
    ),
    "a constraint is weakened": OnEach(
        f"{_CONSTRAINTS}'c'",
        'ALTER TABLE "{1}" DROP CONSTRAINT "{0}", ADD CONSTRAINT "{0}" CHECK (true)',
        "constraint {0} of {1} is CHECK (true)", 50,
    ),
    "a foreign key is dropped": OnEach(
        f"{_CONSTRAINTS}'f'", 'ALTER TABLE "{1}" DROP CONSTRAINT "{0}"', "constraint {0} of {1} is not there", 100
    ),
    "a key is dropped": OnEach(
        f"{_CONSTRAINTS}'p'", 'ALTER TABLE "{1}" DROP CONSTRAINT "{0}" CASCADE',
        "constraint {0} of {1} is not there", 80
    ),
    "what is unique need not be": OnEach(
        f"{_CONSTRAINTS}'u'", 'ALTER TABLE "{1}" DROP CONSTRAINT "{0}" CASCADE', "index {0} of {1} is not there", 40
    ),
    "an index over some rows is dropped": OnEach(
        f"{_INDEXES} (indisunique OR indpred IS NOT NULL OR indexprs IS NOT NULL)", 'DROP INDEX "{0}"',
        "index {0} of {1} is not there", 2,
    ),
    "an index calls something for each row": OnEach(
        f"{_OURS} AND relkind = 'r'", 'CREATE INDEX "{0}_called" ON "{0}" (lower(\'x\'))',
        "index {0}_called of {0} is made by no migration", 60,
    ),
    "a value need not be there": OnEach(
        f"{_COLUMNS} attnotnull AND attidentity = '' AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid"
        " AND attnum = ANY(indkey) AND indisprimary)",
        'ALTER TABLE "{1}" ALTER COLUMN "{0}" DROP NOT NULL', "column {0} of {1} is", 400,
    ),
    "a column has another default": OnEach(
        f"{_COLUMNS} atttypid = 'bigint'::regtype AND attidentity = ''",
        'ALTER TABLE "{1}" ALTER COLUMN "{0}" SET DEFAULT 7', "column {0} of {1} is", 100,
    ),
    "the transaction is not written by itself": OnEach(
        f"{_COLUMNS} attname = 'xact_id' AND relname <> 'evidence_openbinding'",
        'ALTER TABLE "{1}" ALTER COLUMN "{0}" DROP DEFAULT', "column {0} of {1} is", 60,
    ),
    "a key is given out no more": OnEach(
        f"{_COLUMNS} attidentity <> ''", 'ALTER TABLE "{1}" ALTER COLUMN "{0}" DROP IDENTITY',
        "column {0} of {1} is", 70
    ),
    "a column is added that says what others say": OnEach(
        f"{_OURS} AND relkind = 'r'", 'ALTER TABLE "{0}" ADD COLUMN heard text GENERATED ALWAYS AS (\'x\') STORED',
        "column heard of {0} is made by no migration", 60,
    ),
}  # fmt: skip

# The attack, and what a fault says of it.
ONCE: Final = {
    "another role is in the web server's group": (
        'CREATE ROLE strange LOGIN IN ROLE "{web}"',
        "role strange is a member of {web}, and TRACEBINDER_DATABASE_LOGINS does not name it",
    ),
    "another role reads through one that is": (
        'CREATE ROLE between IN ROLE "{log}"; CREATE ROLE strange LOGIN IN ROLE between',
        "role strange is a member of {log}",
    ),
    "another role may act as the owner": (
        "CREATE ROLE strange LOGIN; GRANT {owner} TO strange",
        "role strange is a member of {interpret}, {log}, {owner}, {web}",
    ),
    "another role makes roles": ("CREATE ROLE strange LOGIN CREATEROLE", "role strange makes roles"),
    "the web server's login is the log's too": (
        'GRANT "{log}" TO tracebinder_web',
        "role tracebinder_web is a member of {log} and of {web}",
    ),
    "the web server's group may write to the log": (
        'GRANT "{log}" TO "{web}"',
        "role {web} is a member of {log}",
    ),
    "a group owns the log": (
        'ALTER TABLE evidence_auditevent OWNER TO "{log}"',
        "role {log} owns the tables",
    ),
    "a group may sign in": ('ALTER ROLE "{web}" LOGIN', "role {web} may sign in"),
    "a login makes roles": ("ALTER ROLE tracebinder_web CREATEROLE", "role tracebinder_web makes roles"),
    "a superuser more": (
        "CREATE ROLE strange SUPERUSER",
        "role strange is a superuser, and TRACEBINDER_DATABASE_LOGINS does not name it",
    ),
    "a login is a superuser": ("ALTER ROLE tracebinder_web SUPERUSER", "role tracebinder_web is a superuser"),
    "the owner passes by row security": ("ALTER ROLE {owner} BYPASSRLS", "role {owner} passes by row security"),
    "a role writes to every table": (
        "CREATE ROLE strange IN ROLE pg_write_all_data",
        "role strange is a member of pg_write_all_data, and TRACEBINDER",
    ),
    "a setting of a role switches triggers off": (
        'ALTER ROLE "{web}" SET session_replication_role = replica',
        "setting session_replication_role=replica of role {web} is made by no rule",
    ),
    "a setting of a login puts another schema first": (
        "ALTER ROLE tracebinder_web SET search_path = pg_temp, public",
        "setting search_path=pg_temp, public of role tracebinder_web is made by no rule",
    ),
    "the web server may switch triggers off": (
        'GRANT SET ON PARAMETER session_replication_role TO "{web}"',
        "role {web} may SET the setting session_replication_role",
    ),
    "foreign keys are not looked at": (
        "ALTER TABLE evidence_claim DISABLE TRIGGER ALL",
        "_fk_evidence_trace_id of evidence_claim is not looked at",
    ),
    "an event trigger is called for what the check makes": (
        ("CREATE FUNCTION called() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$no$$; END';"
        "CREATE EVENT TRIGGER calls ON ddl_command_start EXECUTE FUNCTION called()"),
        "event trigger calls is there, and no rule makes it",
    ),
    "a function among PostgreSQL's own": (
        "CREATE FUNCTION pg_catalog.to_json(varchar) RETURNS json LANGUAGE sql AS $$SELECT 'null'::json$$",
        "function to_json(character varying) is there, and no rule makes it",
    ),
    "rows lie on another server": (
        ("CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER other FOREIGN DATA WRAPPER elsewhere;"
        "CREATE FOREIGN TABLE evidence_claim_more () INHERITS (evidence_claim) SERVER other"),
        "foreign table evidence_claim_more is read as a part of evidence_claim",
    ),
    "another server writes rows past the triggers": (
        "CREATE SUBSCRIPTION copies CONNECTION 'dbname=x' PUBLICATION x WITH (connect = false, slot_name = NONE)",
        "subscription copies writes rows past every trigger",
    ),
    "a setting of the database": (
        "ALTER DATABASE {database} SET row_security = on",
        "setting row_security=on in this database is made by no rule",
    ),
    "everybody may make functions": (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "everybody may CREATE in schema public",
    ),
    "the web server may make schemas": (
        'GRANT CREATE ON DATABASE {database} TO "{web}"',
        "role {web} may CREATE in this database",
    ),
    "what comes is everybody's": (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT UPDATE ON TABLES TO PUBLIC",
        "default privileges on new relations",
    ),
    "another schema": ("CREATE SCHEMA before_all", "schema before_all is there"),
    "an operator that PostgreSQL takes before its own": (
        ("CREATE FUNCTION shown(oid, integer) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
        "CREATE OPERATOR >= (LEFTARG = oid, RIGHTARG = integer, FUNCTION = shown)"),
        "operator public.>=(oid,integer) is there",
    ),
    "a type": ("CREATE DOMAIN said AS text CHECK (true)", "type public.said is there"),
    "a cast": (
        ("CREATE FUNCTION cast_of(evidence_openbinding) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;"
        "CREATE CAST (evidence_openbinding AS text) WITH FUNCTION cast_of(evidence_openbinding)"),
        "cast from public.evidence_openbinding to text is there",
    ),
    "a table": ("CREATE TABLE kept_aside AS SELECT 1", "table kept_aside is made by no migration"),
    "a partition is detached": (
        "ALTER TABLE evidence_span DETACH PARTITION evidence_span_default",
        "table evidence_span_default is made by no migration",
    ),
    "a partition of other times": (
        ("CREATE TABLE evidence_span_2099_01 PARTITION OF evidence_span"
        " FOR VALUES FROM ('2099-01-01 00:00+00') TO ('2099-02-02 00:00+00')"),
        "table evidence_span_2099_01 is no partition of the month of its name",
    ),
    "a partition has a default of its own": (
        "ALTER TABLE evidence_span_default ALTER COLUMN xact_id SET DEFAULT 7",
        "column xact_id of evidence_span is bigint DEFAULT 7,",
    ),
    "a binding closes at once": (
        ("DROP TRIGGER tracebinder_close_binding ON evidence_openbinding;"
        "CREATE TRIGGER tracebinder_close_binding AFTER INSERT ON evidence_openbinding FOR EACH ROW"
        " EXECUTE FUNCTION tracebinder_close_binding()"),
        "Rule of evidence_openbinding: `migrate` would",
    ),
    "a table is gone": ("DROP TABLE evidence_claim CASCADE", "table evidence_claim is not there"),
}  # fmt: skip


@contextmanager
def attacked(*statements: str) -> Iterator[str]:
    """Do as whoever made the cluster what is undone afterwards; yield what the web server's role then finds."""
    own = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = other = connections.create_connection(DEFAULT_DB_ALIAS)
    other.settings_dict = {**other.settings_dict, **maker_of_the_cluster()}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            for sql in statements:
                cursor.execute(sql)
            cursor.execute(f'SET LOCAL ROLE "{settings.RUNTIME_ROLE}"')
            yield "\n".join(check_rules().faults)
            transaction.set_rollback(True)
    finally:
        other.close()
        connections[DEFAULT_DB_ALIAS] = own


def maker_of_the_cluster() -> dict[str, str]:
    """Return who is a superuser on a server of tests; with a server of one's own, the owner has to be one."""
    if not settings.DATABASE_IS_EMBEDDED:
        return {}
    return {"USER": "postgres", "PASSWORD": embedded.read_plan(settings.VAR).postgres_password}


def fill_in(text: str, *names: str, **more: str) -> str:
    return text.format(
        *names,
        web=settings.RUNTIME_ROLE,
        log=settings.LOG_ROLE,
        interpret=settings.INTERPRET_ROLE,
        owner=settings.DATABASES["default"]["USER"],
        database=connection.settings_dict["NAME"],
        spaced=names[0].replace(",", ", ").replace("timestamp with time zone", "timestamptz")
        if names
        else "",
        **more,
    )


def of_function(signature: str, definition: str) -> dict[str, str]:
    """Return what attacks on a function put in."""
    return {
        "bare": signature.partition("(")[0],
        "another_body": definition.replace("$function$", "$function$ ", 1),
        "other_security": "SECURITY INVOKER" if "SECURITY DEFINER" in definition else "SECURITY DEFINER",
    }


@pytest.mark.parametrize("attack", EACH.values(), ids=EACH)
def test_an_attack_on_each_rule_of_a_kind_is_named_for_each(attack: OnEach) -> None:
    with connection.cursor() as cursor:
        cursor.execute(attack.which)
        found = [(name, of, of_function(name, of)) for name, of in cursor.fetchall()]
    assert len(found) >= attack.at_least
    statements = dict.fromkeys(fill_in(attack.sql, name, of, **more) for name, of, more in found)
    with attacked(*statements) as faults:
        told = {fill_in(attack.told, name, of, **more) for name, of, more in found}
    assert sorted(one for one in told if one not in faults) == []


@pytest.mark.parametrize(("sql", "told"), ONCE.values(), ids=ONCE)
def test_what_no_rule_makes_is_named(sql: str, told: str) -> None:
    with attacked(fill_in(sql)) as faults:
        assert fill_in(told) in faults


def test_the_command_names_them_in_a_section_of_its_own_and_says_what_it_does_not_see() -> None:
    told = StringIO()
    with (
        attacked("ALTER TABLE evidence_claim DISABLE TRIGGER tracebinder_bind") as faults,
        pytest.raises(CommandError, match="does not hold: 1 faults"),
    ):
        call_command("verify_log", stdout=told, stderr=StringIO())
    section = told.getvalue().partition("rules  ")[2]
    assert f"FAULT  {faults}" in section
    assert "NOT SEEN  rules of the database that were changed and put back" in section
    assert "log_statement = 'ddl'" in section


def test_rules_of_another_version_are_not_compared_which_is_a_fault() -> None:
    later = "INSERT INTO django_migrations (app, name, applied) VALUES ('evidence', '0999_later', now())"
    with attacked(later) as faults:
        assert "cannot be compared: it has evidence.0999_later" in faults


def test_who_may_make_no_temporary_table_is_told_what_was_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(structure_rules, "_make_structure", structure_rules._make_structure.__wrapped__)
    with attacked(
        "REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC".format(connection.settings_dict["NAME"])
    ) as faults:
        assert "constraints and indexes were not compared: permission denied" in faults


def test_nothing_is_named_where_nothing_was_done_but_the_rules_are_counted() -> None:
    found = check_rules()
    assert found.faults == ()
    assert found.compared > 1_000
