"""What PostgreSQL lets each role do with each table.

An `AppendOnlyModel` gets a trigger that refuses UPDATE and DELETE to everybody, its owner included (on tables with
payload of traces, everything but an erasure: `evidence.disposal_rules`), and the runtime role is granted SELECT and
INSERT on it; on the tables of the log, SELECT alone, because the log role inserts there. Any other table is a work
table: the runtime role may also UPDATE and DELETE, but for what a token is called by (`evidence.token_rules`). Nobody
but the owner may TRUNCATE. The log role gets what `LOG_GRANTS` lists, and records its acts by a function of
`evidence.event_rules`. The interpret role has no right on any table; what it may call is in `evidence.probe_rules`.
Another trigger binds what is inserted to the log (`evidence.binding_rules`).

A migration that makes a table gives it all of this in its own transaction (`evidence.migration_rules`). After every
`migrate`, all models are compared with the catalogue and what differs is put right, and nothing else is touched, so
that a server may go on beside it; web and workers look at their start, and `readyz` whenever it is asked. (A
statement-level TRUNCATE trigger would also stop the test runner's flush; withholding the right does the same for the
runtime role.)
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import connections, models

from evidence.binding_rules import (
    BIND_TRIGGER,
    CLOSE_FUNCTION,
    CLOSE_TRIGGER,
    bind_function,
    binding_functions,
    closes_bindings,
    is_bound,
    keeping_functions,
)
from evidence.clock_rules import CLOCK_FUNCTIONS, OFFSET, OFFSET_BODY, offset_sql
from evidence.disposal_rules import (
    GUARD_FUNCTION,
    commitment_functions,
    guard_arguments,
    guard_functions,
    private_functions,
    reading_functions,
)
from evidence.event_rules import LOG_FUNCTIONS
from evidence.event_rules import STEPS as EVENT_STEPS
from evidence.models import AccessToken, OpenBinding, Span
from evidence.models.base import AppendOnlyModel
from evidence.probe_rules import PROBE_FUNCTIONS, STEPS
from evidence.probe_rules import TABLES as PROBE_TABLES
from evidence.row_schemas import schema_of
from evidence.rule_catalogue import (
    Catalogue,
    Trigger,
    function_said_by,
    has_tables_without_rights,
    read_catalogue,
)
from evidence.short_transactions import change_beside_writers
from evidence.token_rules import KEEP_TOKEN, KEEP_TOKEN_SQL
from evidence.word_rules import word_functions

logger = logging.getLogger(__name__)

TRIGGER_NAME: Final = "tracebinder_append_only"
FUNCTION_NAME: Final = "tracebinder_refuse_change"
TRIGGERS: Final = (TRIGGER_NAME, KEEP_TOKEN, BIND_TRIGGER, CLOSE_TRIGGER)
NO_RIGHTS: Final = ""  # of the interpret role, on every table

# What sequencing and signing need, and all that may put anything into the log: a web process that somebody has taken
# forges no checkpoint.
LOG_GRANTS: Final = {
    "evidence_leaf": "SELECT, INSERT",
    "evidence_tile": "SELECT, INSERT",
    "evidence_checkpoint": "SELECT, INSERT",
    "evidence_cosignature": "SELECT, INSERT",
    "evidence_checkpointtimestamp": "SELECT, INSERT",
    "evidence_auditevent": "SELECT",
    "evidence_system": "SELECT",
}
_OF_THE_LOG_ALONE: Final = {table for table, rights in LOG_GRANTS.items() if "INSERT" in rights}

_REFUSE_CHANGE = f"""
CREATE OR REPLACE FUNCTION {FUNCTION_NAME}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused. Add a row that names the old one instead.',
        TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A table, function or role that is not as it should be, and the statements that put it right."""

    subject: str
    statements: tuple[str, ...]
    is_new: bool  # the runtime role has no right on it at all: nobody uses it yet
    stops: bool = True  # False: what web and workers write they may, and what differs is something else
    # All of it is there and says something else, as the `migrate` of a version with other rules leaves it.
    stands: bool = False


def apply_table_rules(using: str, **_: Any) -> None:
    """Put right what differs from the rules, each table in a transaction of its own. Touches nothing else."""
    for difference in find_differences(using):
        change_beside_writers(using, difference.subject, partial(_execute, using, difference))
        logger.warning("put right: %s, which was not as evidence.table_rules has it", difference.subject)


def apply_rules_to_new_tables(using: str) -> None:
    """In the transaction that made them, give new tables their trigger and grants: they never stand without."""
    with connections[using].cursor() as cursor:
        if not has_tables_without_rights(cursor, settings.RUNTIME_ROLE):
            return  # which is most steps of most migrations, and told sooner than how all the others stand
    for difference in find_differences(using):
        if difference.is_new:
            _execute(using, difference)


def find_differences(using: str) -> list[Difference]:
    """Return what in the database is not as the rules have it, in the order in which to put it right. Takes no lock."""
    found = _read(using)
    every = [*_role_differences(found), *_function_differences(found)]
    for model in apps.get_models(include_auto_created=True):
        if model._meta.db_table in found.tables and not model._meta.proxy:
            every += _table_differences(found, model)
    return every


def wanted_functions() -> dict[str, str]:
    """Return every function that the rules make, by signature: the statement."""
    return {
        **_open_functions({model._meta.db_table for model in apps.get_models()}),
        **private_functions(),
        **keeping_functions(),
        **EVENT_STEPS,
        **LOG_FUNCTIONS,
        **STEPS,
        **PROBE_FUNCTIONS,
    }


def wanted_triggers(using: str) -> set[tuple[str, str]]:
    """Return table and name of every trigger that the rules make."""
    found = _read(using)
    return {
        (model._meta.db_table, name)
        for model in apps.get_models()
        if model._meta.db_table in found.tables and not model._meta.proxy
        for name in _triggers_of(found, model)
    }


def _read(using: str) -> Catalogue:
    with connections[using].cursor() as cursor:
        return read_catalogue(
            cursor,
            roles=roles(),
            triggers=TRIGGERS,
            of_statements=(BIND_TRIGGER,),
            signatures=wanted_functions(),
        )


def find_missing_tables(using: str) -> list[str]:
    """Return the tables of models that the database does not have: with all migrations applied, there are none."""
    with connections[using].cursor() as cursor:
        there = set(connections[using].introspection.table_names(cursor))
    models_of_tables = (model for model in apps.get_models(include_auto_created=True) if model._meta.managed)
    return sorted({model._meta.db_table for model in models_of_tables} - there)


def roles() -> tuple[str, str, str]:
    """Return the groups that hold rights on tables: of web and workers, of probe workers, of the log worker."""
    return settings.RUNTIME_ROLE, settings.INTERPRET_ROLE, settings.LOG_ROLE


def _role_differences(found: Catalogue) -> Iterator[Difference]:
    for role in roles():
        if role not in found.roles:  # a group; its maker may act as it, as the tests do
            yield Difference(
                role, (f'CREATE ROLE "{role}" NOLOGIN', f'GRANT "{role}" TO CURRENT_USER'), is_new=True
            )
        if role not in found.schema_users:
            yield Difference("schema public", (f'GRANT USAGE ON SCHEMA public TO "{role}"',), is_new=True)
    if "django_migrations" in found.tables:
        yield from _right_differences(found, "django_migrations", dict.fromkeys(roles(), "SELECT"))


def _function_differences(found: Catalogue) -> Iterator[Difference]:
    for signature, sql in _open_functions(found.tables).items():
        is_new = signature not in found.functions
        is_closed = not is_new and "public" not in found.callers[signature]
        wanted = _keeping_offset(found, signature, sql)
        statements = [] if _stands(found, signature, wanted) else [wanted]
        if is_closed:
            statements.append(f"GRANT EXECUTE ON FUNCTION {signature} TO PUBLIC")
        if statements:
            # Every row that is written calls the clock's.
            stops = signature in CLOCK_FUNCTIONS and (is_new or is_closed)
            yield Difference(signature, tuple(statements), is_new, stops, stands=not is_new and not is_closed)
    if Span._meta.db_table in found.tables:
        yield from _differences_of_private(
            found, {**private_functions(), **keeping_functions()}, settings.RUNTIME_ROLE
        )
        yield from _differences_of_private(found, EVENT_STEPS)
        yield from _differences_of_private(found, LOG_FUNCTIONS, settings.LOG_ROLE)
    if found.tables >= PROBE_TABLES:
        yield from _differences_of_private(found, STEPS)
        yield from _differences_of_private(found, PROBE_FUNCTIONS, *roles())


def _differences_of_private(
    found: Catalogue, functions: Mapping[str, str], *callers: str
) -> Iterator[Difference]:
    """Compare functions that only these roles may call, besides their owner."""
    for signature, sql in functions.items():
        is_new = signature not in found.functions
        statements = [] if _stands(found, signature, sql) else [sql]
        if is_new or found.callers[signature] != set(callers):
            others = ["PUBLIC", *(f'"{role}"' for role in found.callers.get(signature, set()) - {"public"})]
            statements.append(f"REVOKE ALL ON FUNCTION {signature} FROM {', '.join(others)}")
            statements += [f'GRANT EXECUTE ON FUNCTION {signature} TO "{role}"' for role in callers]
        if statements:
            yield Difference(signature, tuple(statements), is_new, stops=False, stands=not is_new)


def _table_differences(found: Catalogue, model: type[models.Model]) -> Iterator[Difference]:
    table = model._meta.db_table
    wanted = dict(zip(roles(), (runtime_rights(model), NO_RIGHTS, log_rights(model)), strict=True))
    rights = next(_right_differences(found, table, wanted), None)
    triggers_of_it = _triggers_of(found, model)
    triggers = [
        trigger.create_sql(table, name)
        for name, trigger in triggers_of_it.items()
        if found.triggers[table, name] != {trigger}
    ]
    if triggers or rights:
        yield Difference(
            table,
            (*triggers, *(rights.statements if rights else ())),
            is_new=bool(rights and rights.is_new),
            stops=bool(rights and rights.stops),
            stands=(rights is None or rights.stands)
            and not any(None in found.triggers[table, name] for name in triggers_of_it),
        )


def _right_differences(found: Catalogue, table: str, wanted: Mapping[str, str]) -> Iterator[Difference]:
    statements = []
    for role, rights in wanted.items():
        held = found.rights.get((table, role), set())
        if held == _set_of(rights):
            continue
        if held:
            statements.append(f'REVOKE ALL ON "{table}" FROM "{role}"')
        if rights:
            statements.append(f'GRANT {rights} ON "{table}" TO "{role}"')
    if statements:
        held = found.rights.get((table, settings.RUNTIME_ROLE), set())
        lacks = {
            role: _set_of(rights) - found.rights.get((table, role), set()) for role, rights in wanted.items()
        }
        stops = bool(lacks[settings.RUNTIME_ROLE])
        yield Difference(
            table, tuple(statements), is_new=not held, stops=stops, stands=not any(lacks.values())
        )


def _open_functions(tables: Collection[str]) -> dict[str, str]:
    """Return the functions that anybody may call, beside these tables: they do no more than their caller may."""
    return {
        f"{FUNCTION_NAME}()": _REFUSE_CHANGE,
        f"{KEEP_TOKEN}()": KEEP_TOKEN_SQL,
        **CLOCK_FUNCTIONS,
        **guard_functions(),
        **reading_functions(),
        **binding_functions(),
        **commitment_functions(tables),
        **word_functions(),
    }


def _stands(found: Catalogue, signature: str, sql: str) -> bool:
    """Whether a function is there and says what it should."""
    return found.functions.get(signature) == function_said_by(sql)


def _keeping_offset(found: Catalogue, signature: str, sql: str) -> str:
    """Return what a function should say: of the clock's offset, the number that it says, in the form it should."""
    stands = found.functions.get(signature)
    said = re.fullmatch(OFFSET_BODY, stands.body) if signature == OFFSET and stands is not None else None
    return offset_sql(int(said[1])) if said else sql


def _triggers_of(found: Catalogue, model: type[models.Model]) -> dict[str, Trigger]:
    """Return the triggers that a table must have, by name."""
    if model is AccessToken:
        return {KEEP_TOKEN: Trigger.of(KEEP_TOKEN)}
    if closes_bindings(model):
        return {CLOSE_TRIGGER: Trigger.at_commit(CLOSE_FUNCTION)}
    if not issubclass(model, AppendOnlyModel):
        return {}
    arguments = guard_arguments(model)
    wanted = Trigger.of(FUNCTION_NAME) if arguments is None else Trigger.of(GUARD_FUNCTION, arguments)
    return {TRIGGER_NAME: wanted, **_binding_triggers(found, model)}


def _binding_triggers(found: Catalogue, model: type[AppendOnlyModel]) -> dict[str, Trigger]:
    """Return the trigger that binds new rows; none while a migration still owes the table a column it reads."""
    if not is_bound(model) or OpenBinding._meta.db_table not in found.tables:
        return {}
    if schema_of(model).names() - found.columns[model._meta.db_table]:
        return {}
    return {BIND_TRIGGER: Trigger.after_insert(bind_function(model))}


def _set_of(rights: str) -> set[str]:
    return set(filter(None, rights.split(", ")))


def _execute(using: str, difference: Difference) -> None:
    with connections[using].cursor() as cursor:
        for statement in difference.statements:
            cursor.execute(statement)


def runtime_rights(model: type[models.Model]) -> str:
    """Return what web and workers may do with a table, as GRANT writes it."""
    if model._meta.db_table in _OF_THE_LOG_ALONE:
        return "SELECT"
    return "SELECT, INSERT" if is_append_only(model) else "SELECT, INSERT, UPDATE, DELETE"


def log_rights(model: type[models.Model]) -> str:
    """Return what the log worker may do with a table, as GRANT writes it; empty for nothing."""
    return LOG_GRANTS.get(model._meta.db_table, "")


def is_append_only(model: type[models.Model]) -> bool:
    """Whether rows of this model may only be inserted."""
    return issubclass(model, AppendOnlyModel)
