"""Invariant 13: the table of what finds which attack says what happens, and none is found by nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError, connection, connections, transaction

from evidence.log import notes
from evidence.log_attacks import ATTACKS, Finder, render_log_attacks
from evidence.models import Checkpoint, Span, Trace
from evidence.models.base import AppendOnlyModel
from evidence.services import audit, log
from evidence.services.bound_scope import find_faults_of_scope
from evidence.services.keys.log_signer import load_log_verifier
from evidence.services.log import LogForked, LogInconsistent, check_log
from evidence.services.log.adoption import adopt_rows
from tests.factories import World
from tests.invariants.every_table import BOUND
from tests.invariants.owner_attacks import as_owner, copy_a_row, newest
from tests.invariants.test_13_no_binder_of_what_was_changed import honest, scope_of_all

__all__ = ["honest"]

_TRACE: Final = newest(Trace)
_OPEN: Final = ExitStack()  # transactions that an attack keeps open
_OF_THE_TREE: Final = ("checkpoint", "tile", "leaf")
_LAST: Final = "(SELECT max(xact_id) FROM evidence_trace)"

_UNFORGED: Final = (
    "CREATE FUNCTION before_all.to_json(told text) RETURNS json LANGUAGE sql AS"
    " $$SELECT pg_catalog.to_json(pg_catalog.replace(told, 'FORGED', ''))$$"
)

# What the owner does, with all triggers off.
STATEMENTS: Final = {
    "change_a_row": [f"UPDATE evidence_trace SET answer = answer || 'x' WHERE {_TRACE}"],
    "delete_a_row": [
        *(
            f"DELETE FROM evidence_{table} WHERE trace_id = (SELECT max(id) FROM evidence_trace)"
            for table in ("traceversion", "tracefacts", "tracedocument")
        ),
        "DELETE FROM evidence_trace WHERE id = (SELECT max(id) FROM evidence_trace)",
    ],
    "date_a_row_back": [f"UPDATE evidence_trace SET xact_id = xact_id - 1 WHERE {_TRACE}"],
    "overwrite_a_span": [f"UPDATE evidence_span SET name = name || 'x' WHERE {newest(Span)}"],
    "feign_an_erasure": [
        "UPDATE evidence_trace AS one SET payload_commitment = tracebinder_commitment(one)",
        "UPDATE evidence_trace SET payload_salt = NULL, answer = '[erased]', question = '[erased]', name = '[erased]'",
    ],
    "date_a_row_before_christ": [
        f"UPDATE evidence_trace SET started_at = (started_at::text || ' BC')::timestamptz WHERE {_TRACE}"
    ],
    "shadow_functions": [
        "CREATE SCHEMA before_all",
        "GRANT USAGE ON SCHEMA before_all TO PUBLIC",
        _UNFORGED,
        f"UPDATE evidence_trace SET answer = answer || 'FORGED' WHERE {_TRACE}",
        "SET LOCAL search_path = before_all, pg_catalog, public",
    ],
    "give_a_membership": ["UPDATE evidence_membership SET id = id + 1000000"],
    "widen_a_token": [
        "ALTER TABLE evidence_accesstoken DISABLE TRIGGER USER",
        "UPDATE evidence_accesstoken SET expires_at = expires_at + interval '1 year'",
    ],
    "change_an_entry": [
        "UPDATE evidence_auditevent SET entry = convert_to('{}', 'UTF8') WHERE verb = 'trace.sealed'"
    ],
    "delete_details": ["DELETE FROM evidence_auditpayload"],
    "change_a_leaf": ["UPDATE evidence_leaf SET leaf_hash = sha256('x') WHERE seq = 1"],
    "change_a_note": ["UPDATE evidence_checkpoint SET note = replace(note, 'log', 'lag')"],
}


def put_a_row_in() -> None:
    execute(copy_a_row(Trace, _TRACE))


def put_in_one_of_before_all() -> None:
    execute(another_revision(xact_id="-1", id="id + 1000000"))


def put_in_one_to_come() -> None:
    execute(another_revision(xact_id="xact_id + 1000000", id="id + 1000000"))


def put_in_one_that_runs() -> None:
    running = _OPEN.enter_context(closing(connections.create_connection(connection.alias)))
    running.set_autocommit(False)
    with running.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint + tracebinder_xact_offset()")
        (number,) = cursor.fetchone()
    execute(another_revision(xact_id=str(number), id="id + 1000000"))


def move_a_leaf() -> None:
    last = "(SELECT max(seq) FROM evidence_leaf WHERE stream <> '*')"
    execute(
        "CREATE TEMPORARY TABLE moved AS SELECT seq, row_number() OVER (PARTITION BY stream ORDER BY seq) - 1 AS place,"
        " stream FROM (SELECT seq,"
        f" CASE WHEN seq = {last} THEN '*' ELSE stream END AS stream FROM evidence_leaf) AS one",
        "UPDATE evidence_leaf SET stream_seq = -1 - seq",
        "UPDATE evidence_leaf AS leaf SET stream = moved.stream, stream_seq = place FROM moved"
        " WHERE moved.seq = leaf.seq",
    )


def adopt_all_anew() -> None:
    execute(f"UPDATE evidence_trace SET answer = answer || 'x' WHERE {_TRACE}")
    adopt_rows()
    log.sequence_events()


def replace_the_clock() -> None:
    execute(f"UPDATE evidence_trace SET answer = answer || 'x' WHERE {_TRACE}")
    before, unended = fetch(f"SELECT tracebinder_xact_id() + 1, {_LAST}")
    execute(
        "CREATE OR REPLACE FUNCTION tracebinder_snapshot(OUT before bigint, OUT running bigint[]) LANGUAGE sql STABLE"
        f" AS $$SELECT {before}::bigint, ARRAY[{unended}::bigint]$$"
    )


def remove_a_transaction() -> None:
    remove_last_transaction(tree=())


def cut_the_tail() -> None:
    remove_last_transaction(tree=("leaf",), after=True)


def write_it_anew() -> None:
    remove_last_transaction(tree=_OF_THE_TREE)
    settings.LOG_HEAD_FILE.unlink()
    log.sequence_events()
    log.sign_checkpoint()


def remove_last_transaction(*, tree: tuple[str, ...], after: bool = False) -> None:
    """Delete all that the transaction of the last trace, and every later one, wrote; and of the tree what held it."""
    events = f"SELECT id FROM evidence_auditevent WHERE xact_id >= {_LAST}"
    begin = f"(SELECT min(seq) FROM evidence_leaf WHERE event_id IN ({events}))"
    for table in tree:
        execute(f"DELETE FROM evidence_{table}" + (f" WHERE seq >= {begin}" if after else ""))
    execute(f"DELETE FROM evidence_auditpayload WHERE event_id IN ({events})")
    (last,) = fetch(f"SELECT {_LAST}")
    for model in BOUND:
        execute(f"DELETE FROM {model._meta.db_table} WHERE xact_id >= {last}")


UNDONE: Final[dict[str, Callable[[], None]]] = {
    **{name: partial(lambda all_of: execute(*all_of), statements) for name, statements in STATEMENTS.items()},
    **{
        attack.__name__: attack
        for attack in (
            put_a_row_in,
            put_in_one_of_before_all,
            put_in_one_to_come,
            put_in_one_that_runs,
            move_a_leaf,
            adopt_all_anew,
            replace_the_clock,
            remove_a_transaction,
            cut_the_tail,
            write_it_anew,
        )
    },
}


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def fetch(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def found_by(world: World, kept: notes.Checkpoint) -> dict[Finder, set[str]]:
    """Return who finds what now; whoever kept a checkpoint counts where the server by itself finds nothing."""
    by_itself = set(check_log().faults)
    return {
        Finder.VERIFY: by_itself,
        Finder.EXPORT: set(find_faults_of_scope(scope_of_all(world))),
        Finder.KEPT: set() if by_itself else set(check_log(known=[kept]).faults),
        Finder.SIGNING: fault_of_signing(),
    }


def fault_of_signing() -> set[str]:
    """Return why the next checkpoint would not be signed; nothing of it stays."""
    head = settings.LOG_HEAD_FILE.read_bytes()
    try:
        with transaction.atomic():
            audit.record_about(verb="thing.done", actor="system:test", object_type="thing", object_id="1")
            log.sequence_events()
            log.sign_checkpoint()
            transaction.set_rollback(True)
    except (LogInconsistent, LogForked) as exc:
        return {str(exc)}
    finally:
        settings.LOG_HEAD_FILE.write_bytes(head)
    return set()


@contextmanager
def undone() -> Iterator[None]:
    """Undo what is done to the database, as its owner with all triggers off, and to the published head."""
    head = settings.LOG_HEAD_FILE.read_bytes()
    with as_owner():
        tables = [model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnlyModel)]
        execute(*(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables))
        with _OPEN:
            yield
    settings.LOG_HEAD_FILE.write_bytes(head)


def insert_as(role: str) -> None:
    """Insert a row as a role, with the triggers on, in a transaction of its own."""
    with transaction.atomic():
        execute(f'SET LOCAL ROLE "{role}"', another_revision())


def another_revision(**values: str) -> str:
    """Return the statement that inserts one more revision of a trace.

    Args:
        values: the SQL for key and transaction, where the database is not to give them.
    """
    names = (str(field.column) for field in Trace._meta.concrete_fields)
    columns = {name: name for name in names if name not in {"id", "xact_id"}}
    columns |= {"revision": "revision + 1", **values}
    return (
        f"INSERT INTO evidence_trace ({', '.join(columns)}) SELECT {', '.join(columns.values())}"
        f" FROM evidence_trace WHERE {_TRACE}"
    )


def forge_a_checkpoint() -> set[Finder]:
    """Insert a checkpoint as the web server's role; return whether it is refused."""
    forged = (
        "INSERT INTO evidence_checkpoint (size, root, note, created_at) VALUES (9999, '\\x00', 'x', now())"
    )
    try:
        with transaction.atomic():
            execute(f'SET LOCAL ROLE "{settings.RUNTIME_ROLE}"', forged)
    except ProgrammingError:
        return {Finder.REFUSED}
    return set()


def test_the_table_of_what_finds_which_attack_says_what_happens(honest: World) -> None:
    log.sequence_events()
    log.sign_checkpoint()
    note = Checkpoint.objects.latest("size").note
    kept = notes.open_checkpoint(note, key=load_log_verifier(), origin=settings.LOG_ORIGIN)
    before = found_by(honest, kept)
    assert not any(before.values())
    happened = {"forge_a_checkpoint": forge_a_checkpoint()}
    for name, attack in UNDONE.items():
        with undone():
            attack()
            happened[name] = {finder for finder, faults in found_by(honest, kept).items() if faults}
    for name, role in {
        "insert_as_the_owner": "tracebinder_owner",
        "insert_as_the_web_server": settings.RUNTIME_ROLE,
    }.items():
        insert_as(role)
        now = found_by(honest, kept)
        happened[name] = {finder for finder in now if now[finder] - before[finder]}
        before = now
    assert happened == {attack.name: set(attack.finders) for attack in ATTACKS}


def test_nothing_is_found_by_nobody_and_what_only_a_witness_finds_says_so() -> None:
    assert all(attack.finders for attack in ATTACKS)
    assert [attack.name for attack in ATTACKS if attack.needs_a_witness] == ["write_it_anew"]
    assert "Only a witness finds the last kind" in render_log_attacks()
    assert ATTACKS[-1].needs_a_witness
