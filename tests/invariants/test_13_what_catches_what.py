"""Invariant 13: the table of what finds which attack says what happens, and none is found by nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError, connection, connections, transaction

from evidence import clock
from evidence.access import principal_of_command_line
from evidence.binding_rules import BINDER_ACTOR, BOUND_TYPE, BOUND_VERB
from evidence.log import notes, tree
from evidence.log_attacks import ATTACKS, Finder, render_log_attacks
from evidence.models import AuditEvent, Blob, Checkpoint, Span, Trace
from evidence.models.base import AppendOnlyModel
from evidence.row_schemas import schema_of
from evidence.services import audit, log
from evidence.services.blob_checks import check_blobs
from evidence.services.blobs import blob_path, store_blob
from evidence.services.bound_scope import find_faults_of_scope
from evidence.services.keys.log_signer import load_log_verifier
from evidence.services.log import LogForked, LogInconsistent, check_log, check_rules
from evidence.services.log.adoption import adopt_rows
from evidence.services.people.persons import create_person
from tests.factories import World
from tests.invariants.every_table import BOUND
from tests.invariants.owner_attacks import as_owner, copy_a_row, newest
from tests.invariants.test_13_no_binder_of_what_was_changed import honest, scope_of_all, seal_traces

__all__ = ["honest"]

_TRACE: Final = newest(Trace)
_OPEN: Final = ExitStack()  # transactions that an attack keeps open
OF_BLOBS: Final = {"change_a_blob", "remove_a_blob"}
UNUSED: Final[list[int]] = []  # numbers of transactions that wrote nothing
_OF_THE_TREE: Final = ("checkpoint", "tile", "leaf")
_LAST: Final = "(SELECT max(xact_id) FROM evidence_trace)"

_UNFORGED: Final = (
    "CREATE FUNCTION before_all.to_json(told text) RETURNS json LANGUAGE sql AS"
    " $$SELECT pg_catalog.to_json(pg_catalog.replace(told, 'FORGED', ''))$$"
)

_ANA: Final = "(SELECT id FROM auth_user WHERE username = 'ana')"

# What the owner does to the rules themselves. Another test does each to all there are, and more as a superuser.
OF_RULES: Final = {
    "switch_a_trigger_off": ["ALTER TABLE evidence_claim DISABLE TRIGGER tracebinder_bind"],
    "replace_a_function": [
        (
            "CREATE OR REPLACE FUNCTION tracebinder_keep_leaves(leaves text) RETURNS void LANGUAGE plpgsql"
            " SECURITY DEFINER SET search_path = public, pg_temp AS 'BEGIN END'"
        )
    ],
    "give_a_right": [f'GRANT UPDATE ON evidence_claim TO "{settings.RUNTIME_ROLE}"'],
    "drop_a_constraint": [
        "ALTER TABLE evidence_accessproposal DROP CONSTRAINT evidence_accessproposal_role_or_system"
    ],
    "change_a_default": ["ALTER TABLE evidence_claim ALTER COLUMN xact_id SET DEFAULT 7"],
    "rewrite_inserts": ["CREATE RULE nothing AS ON INSERT TO evidence_claim DO INSTEAD NOTHING"],
    "read_another_table_with_it": ["CREATE TABLE more_claims () INHERITS (evidence_claim)"],
    "show_a_part_of_the_rows": ["ALTER TABLE evidence_claim ENABLE ROW LEVEL SECURITY"],
    "add_a_trigger": [
        "CREATE TRIGGER a_first BEFORE INSERT ON evidence_claim EXECUTE FUNCTION tracebinder_refuse_change()"
    ],
}

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
    "make_a_superuser": [f"UPDATE auth_user SET is_superuser = true WHERE id = {_ANA}"],
    "give_a_role": [
        (
            "INSERT INTO auth_user_groups (user_id, group_id)"
            f" SELECT {_ANA}, id FROM auth_group WHERE name = 'approver'"
        )
    ],
    "replace_a_password": [f"UPDATE auth_user SET password = 'md5$x$0' WHERE id = {_ANA}"],
    "add_an_account": [
        (
            "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, date_joined, first_name,"
            " last_name, email) VALUES ('mallory', 'x', false, true, true, now(), '', '', '')"
        )
    ],
    "widen_a_group": [
        (
            "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT one.id, p.id FROM auth_group AS one,"
            " auth_permission AS p WHERE one.name = 'author' AND codename = 'view_internals'"
        )
    ],
    "replace_a_tokens_secret": [
        "ALTER TABLE evidence_accesstoken DISABLE TRIGGER USER",
        "UPDATE evidence_accesstoken SET secret_digest = repeat('0', 64)",
    ],
    "have_a_token_judge": [
        "ALTER TABLE evidence_accesstoken DISABLE TRIGGER USER",
        "UPDATE evidence_accesstoken SET is_own = true",
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


def put_in_a_past_transaction(since: str = "now()") -> None:
    """As the web server would have written it: a row, the event that explains it, and what binds both."""
    number = UNUSED[0]
    execute(another_revision(xact_id=str(number), id="id + 1000000"))
    (key,) = fetch("SELECT max(id) FROM evidence_trace")
    (system, time) = fetch(f"SELECT system_id, {since} FROM evidence_trace WHERE id = {key}")
    told = {
        "object_type": "evidence.Trace",
        "object_id": str(key),
        "verb": "trace.sealed",
        "system_id": system,
    }
    write_event(number, time, actor="system:assembly", **told)
    leaves = b""
    for model in (Trace, AuditEvent):
        leaf = schema_of(model).leaf_sql("one").replace("%", "%%")
        leaves += bytes(*fetch(f"SELECT {leaf} FROM {model._meta.db_table} AS one WHERE xact_id = {number}"))
    bound = f"{number}:2:{settings.RUNTIME_ROLE}"
    told = {"object_type": BOUND_TYPE, "object_id": bound, "object_digest": tree.root_of_set(leaves).hex()}
    write_event(number, time, actor=BINDER_ACTOR, verb=BOUND_VERB, **told)
    log.sequence_events()


def date_a_past_transaction_back() -> None:
    put_in_a_past_transaction("now() - interval '9 days'")


def write_event(number: int, time: datetime, **told: Any) -> None:
    """Write an event of a transaction and a time, whatever those are."""
    event = AuditEvent(event_uuid=uuid4(), occurred_at=time, xact_id=number, **told)
    event.entry = audit._entry(event, event.system)
    event.save(force_insert=True)


def change_a_blob() -> None:
    path = blob_path(Blob.objects.earliest("pk").pk)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def remove_a_blob() -> None:
    blob_path(Blob.objects.earliest("pk").pk).unlink()


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
            put_in_a_past_transaction,
            date_a_past_transaction_back,
            change_a_blob,
            remove_a_blob,
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


def found_by(
    world: World, kept: notes.Checkpoint, *, but: frozenset[str] = frozenset(), blobs: bool = False
) -> dict[Finder, set[str]]:
    """Return who finds what now; whoever kept a checkpoint counts where the server by itself finds nothing.

    Args:
        but: what is said of rules that are put back before anybody looks.
        blobs: whether somebody was at the blobs: all of them are read through.
    """
    report = check_log()
    by_itself = {*report.faults, *report.rules.faults} - but
    return {
        Finder.BLOBS: set(check_blobs(reads=True).faults) if blobs else set(),
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
def triggers_off() -> Iterator[frozenset[str]]:
    """Act as the owner of the database with all triggers off, and undo that; yield what a check says of them."""
    with as_owner():
        tables = [model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnlyModel)]
        execute(*(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables))
        yield frozenset(check_rules().faults)


@contextmanager
def undone() -> Iterator[None]:
    """Undo what is done to the database, to blobs and to the published head."""
    blob = blob_path(Blob.objects.earliest("pk").pk)
    kept = blob.read_bytes()
    head = settings.LOG_HEAD_FILE.read_bytes()
    with transaction.atomic():
        with _OPEN:
            yield
        transaction.set_rollback(True)
    blob.unlink(missing_ok=True)
    blob.write_bytes(kept)
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


@pytest.fixture
def lived_in(honest: World) -> World:
    """Somebody on record, a blob, a number that wrote nothing before a moment that was read; a trace after all."""
    create_person(
        principal=principal_of_command_line(),
        username="ana",
        roles=["author"],
        systems=[honest.system],
        password=None,
    )
    with transaction.atomic():
        audit.record(
            verb="blob.kept", actor="system:test", obj=store_blob(b"some bytes", media_type="text/plain")
        )
    UNUSED[:] = fetch("SELECT pg_current_xact_id()::text::bigint + tracebinder_xact_offset()")
    clock.read_moment()
    seal_traces(honest, b"c")
    return honest


def test_a_past_transaction_is_named_by_each_of_what_tells_it(lived_in: World) -> None:
    log.sequence_events()
    log.sign_checkpoint()
    assert check_log().holds
    for time, told in {
        "now()": ["had ended by the moment"],
        "now() - interval '9 days'": ["was dated back", "had ended by the moment"],
        "now() + interval '9 days'": ["was given a number of the past", "had ended by the moment"],
    }.items():
        with triggers_off(), undone():
            put_in_a_past_transaction(time)
            faults = check_log().faults
        assert len(faults) == len(told), faults
        assert all(sentence in fault for sentence, fault in zip(told, faults, strict=True)), faults


def test_the_table_of_what_finds_which_attack_says_what_happens(lived_in: World) -> None:
    honest = lived_in
    log.sequence_events()
    log.sign_checkpoint()
    note = Checkpoint.objects.latest("size").note
    kept = notes.open_checkpoint(note, key=load_log_verifier(), origin=settings.LOG_ORIGIN)
    before = found_by(honest, kept)
    assert not any(before.values())
    happened = {"forge_a_checkpoint": forge_a_checkpoint()}
    with triggers_off() as of_triggers:
        for name, attack in UNDONE.items():
            with undone():
                attack()
                found = found_by(honest, kept, but=of_triggers, blobs=name in OF_BLOBS)
                happened[name] = {finder for finder, faults in found.items() if faults}
    for name, statements in OF_RULES.items():
        with as_owner():
            execute(*statements)
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
