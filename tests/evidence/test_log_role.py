"""Only the log worker puts anything into the log: whoever takes a web process forges no leaf, tile or checkpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import psycopg
import pytest
from celery import current_app
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from kombu.exceptions import OperationalError as BrokerAway

from config import embedded
from evidence.log import notes
from evidence.models import AuditEvent
from evidence.models.audit import Checkpoint, Leaf, Tile
from evidence.services import log
from evidence.services.keys.files import read_key_file
from evidence.services.keys.log_signer import key_path
from evidence.services.log import LogBusy, NotTheLogWorker, catching_up, role
from evidence.table_rules import LOG_GRANTS
from evidence.time_budget import TimeBudget
from tests.evidence.binder_world import export, fill_lightly
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db

FORGERIES = {
    "evidence_leaf": "INSERT INTO evidence_leaf (seq, event_id, stream, stream_seq, leaf_hash)"
    " SELECT 1000000, min(id), 'forged', 0, '\\x00' FROM evidence_auditevent",
    "evidence_tile": "INSERT INTO evidence_tile (level, index, width, hashes) VALUES (9, 9, 1, '\\x00')",
    "evidence_checkpoint": "INSERT INTO evidence_checkpoint (size, root, note, created_at)"
    " VALUES (1000000, '\\x00', 'forged', now())",
    "evidence_cosignature": "INSERT INTO evidence_cosignature (checkpoint_id, vkey, line, cosigned_at, received_at)"
    " VALUES (1, 'forged', 'forged', now(), now())",
    "evidence_checkpointtimestamp": "INSERT INTO evidence_checkpointtimestamp"
    " (checkpoint_id, authority, response, stamped_at, received_at) VALUES (1, 'forged', '\\x00', now(), now())",
}


def acts_as() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('role')")
        (name,) = cursor.fetchone()
    return str(name)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("statement", FORGERIES.values(), ids=FORGERIES)
def test_the_web_role_forges_nothing_in_the_log(statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)


def test_no_other_login_can_act_as_the_log() -> None:
    """As each process signs in, on a connection of its own."""
    if not settings.DATABASE_IS_EMBEDDED:
        return  # the logins are yours; docs/guides/operator.md says which role each is in
    plan, allowed = embedded.read_plan(settings.VAR), set()
    for login in (embedded.WEB_ROLE, embedded.PROBE_ROLE, embedded.SIGNER_ROLE):
        with psycopg.connect(plan.database_url(login)) as process:
            try:
                process.execute(f'SET ROLE "{settings.LOG_ROLE}"')
                allowed.add(login)
            except psycopg.errors.InsufficientPrivilege:
                process.rollback()
    assert allowed == {embedded.SIGNER_ROLE}


def test_the_log_role_may_do_what_sequencing_and_signing_need_and_no_more() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, has_table_privilege(%s, oid, 'SELECT'), has_table_privilege(%s, oid, 'INSERT'),"
            " has_table_privilege(%s, oid, 'UPDATE, DELETE, TRUNCATE')"
            " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')",
            [settings.LOG_ROLE] * 3,
        )
        rows = cursor.fetchall()
    assert {table for table, reads, _, _ in rows if reads} == {*LOG_GRANTS, "django_migrations"}
    assert {table for table, _, inserts, _ in rows if inserts} >= set(FORGERIES)
    assert not [table for table, _, inserts, _ in rows if inserts and table not in LOG_GRANTS]
    assert not [table for table, _, _, changes in rows if changes]


def test_sequencing_and_signing_need_no_other_right(world: World) -> None:
    """All that they do, they do as the log's role; the connection acts as before when they are done."""
    del world
    before = acts_as()
    assert log.sequence_events() > 0
    checkpoint = log.sign_checkpoint()
    assert checkpoint is not None
    assert acts_as() == before == settings.RUNTIME_ROLE
    assert Tile.objects.exists()


def test_after_a_failure_the_connection_acts_as_before(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    del world

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("evidence.services.log.sequencing._insert_tiles", fail)
    with pytest.raises(RuntimeError):
        log.sequence_events()
    assert acts_as() == settings.RUNTIME_ROLE
    assert not Leaf.objects.exists()


def test_a_process_without_the_role_is_told_who_may(world: World, settings: Any) -> None:
    del world
    settings.LOG_ROLE = "pg_write_all_data"  # one that nobody here is a member of
    with pytest.raises(NotTheLogWorker, match="TRACEBINDER_PROCESS=log"), transaction.atomic():
        log.sequence_events()


@pytest.fixture
def web_process(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """This process may not write the log. What it asks for is noted, and done by the log worker at once."""
    asked: list[str] = []
    may_write, bring = role.may_write_log, log.bring_log_up_to_date

    def send_task(name: str, **_: object) -> None:
        asked.append(name)
        with monkeypatch.context() as at_the_worker:
            at_the_worker.setattr(catching_up, "may_write_log", may_write)
            bring(TimeBudget.of(10))

    monkeypatch.setattr(catching_up, "may_write_log", lambda: False)
    monkeypatch.setattr(current_app, "send_task", send_task)
    return asked


def test_an_export_of_a_web_process_is_sealed_by_the_log_worker(world: World, web_process: list[str]) -> None:
    binder = export(fill_lightly(world))
    assert binder.file_name
    assert set(web_process) == {settings.LOG_TASK}
    sealed = AuditEvent.objects.get(verb="binder.sealed")
    assert Checkpoint.objects.latest("size").size > Leaf.objects.get(event=sealed).seq


def test_where_the_log_worker_does_nothing_an_export_says_so(
    world: World, web_process: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_app, "send_task", lambda *_, **__: None)
    monkeypatch.setattr("evidence.services.binders._LOG_WAIT", 0.2)
    with pytest.raises(LogBusy, match="worker of the queue `log` runs"):
        export(fill_lightly(world))


def test_where_the_broker_is_away_an_export_does_not_wait(
    world: World, web_process: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BrokerAway("gone")

    monkeypatch.setattr(current_app, "send_task", fail)
    with pytest.raises(LogBusy, match="the broker is away"):
        export(fill_lightly(world))


TASK = """
import django
django.setup()
from config.starting import say_what_is_wrong
from evidence import tasks
tasks.sequence_events()
tasks.bring_log_up_to_date()
say_what_is_wrong()
"""


def run_as(process: str, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Do the log worker's work, or run a command, in a process of its own, with the login that such a process has."""
    plan = embedded.read_plan(settings.VAR)
    name = connection.settings_dict["NAME"]
    logins = {
        "DATABASE_URL": embedded.WEB_ROLE,
        "DATABASE_LOG_URL": embedded.SIGNER_ROLE,
        "DATABASE_INTERPRET_URL": embedded.PROBE_ROLE,
    }
    urls = {
        variable: f"{plan.database_url(login).rpartition('/')[0]}/{name}"
        for variable, login in logins.items()
    }
    ours = {**os.environ, **urls, "TRACEBINDER_PROCESS": process, "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.run(
        [sys.executable, *(command or ("-c", TASK))],
        cwd=settings.BASE_DIR,
        env={**ours, "TRACEBINDER_KEYS": str(settings.KEY_ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.django_db(transaction=True)
def test_the_log_workers_own_login_sequences_and_signs_and_no_other_does() -> None:
    if not settings.DATABASE_IS_EMBEDDED:
        return  # the logins are yours
    make_world()
    for process in ("worker", "web", "interpret"):
        refused = run_as(process)
        assert refused.returncode == 1
        # A probe worker reads no table, so it does not even find what it would sequence.
        why = "permission denied" if process == "interpret" else "Only the log worker"
        assert why in refused.stderr, refused.stderr[-2000:]
    assert not Leaf.objects.exists()
    done = run_as("log")
    assert (done.returncode, "ERROR" in done.stderr) == (0, False), done.stderr[-2000:]
    assert Checkpoint.objects.latest("size").size == AuditEvent.objects.count()


@pytest.mark.django_db(transaction=True)
def test_what_is_done_to_the_log_on_purpose_is_done_with_the_log_workers_own_login() -> None:
    if not settings.DATABASE_IS_EMBEDDED:
        return  # the logins are yours
    make_world()
    log.bring_log_up_to_date(TimeBudget.of(10))
    for command in ("rotate_log_key", "resume_log"):
        if command == "resume_log":
            publish_a_head_that_is_lost()
        done = run_as("log", "manage.py", command, "--reason", "years")
        assert done.returncode == 0, done.stderr[-2000:]
    log.bring_log_up_to_date(TimeBudget.of(10))
    acts = AuditEvent.objects.filter(verb__in=["log_key.rotated", "log.resumed"], leaf__isnull=False)
    assert {(act.actor, json.loads(bytes(act.payload.payload))["reason"]) for act in acts} == {
        ("system:command-line", "years")
    }
    assert (acts.count(), log.check_log().faults) == (2, [])


def publish_a_head_that_is_lost() -> None:
    """As the log worker had signed it before an older backup was put back."""
    key = notes.SignerKey(settings.LOG_ORIGIN, read_key_file(key_path()))
    head = notes.Checkpoint(settings.LOG_ORIGIN, 1_000_000, bytes(32))
    settings.LOG_HEAD_FILE.write_text(notes.sign_note(head.text, key).to_text())


@pytest.mark.parametrize(
    ("verb", "role", "refusal"),
    [
        ("review.recorded", settings.LOG_ROLE, "no act of the log worker"),
        ("log.resumed", settings.RUNTIME_ROLE, "permission denied"),
    ],
)
@pytest.mark.usefixtures("world")
def test_the_log_worker_says_nothing_else_and_nobody_says_it_for_the_log_worker(
    verb: str, role: str, refusal: str
) -> None:
    said = "SELECT tracebinder_record_log_act(%s, 'evidence.Checkpoint', 1, '', '')"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'SET LOCAL ROLE "{role}"')
        with pytest.raises(ProgrammingError, match=refusal), transaction.atomic():
            cursor.execute(said, [verb])
