"""Alive, ready, and how far behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from unittest import mock
from uuid import uuid4

import pytest
import redis
from celery import current_app
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from config.beat import note_beat
from config.heartbeats import (
    BEAT,
    FORGOTTEN_AFTER,
    forget_heartbeat,
    note_heartbeat,
    open_broker,
    read_silences,
)
from config.tasks import note_worker
from evidence import clock
from evidence.access import principal_of_command_line
from evidence.errors import InvalidInput
from evidence.models import AccessToken, AuditEvent, BinderRequest, PendingTrace, Scope
from evidence.models.audit import Leaf
from evidence.selectors.binder.scope import AskedScope
from evidence.services import audit, log
from evidence.services.binder_requests import queue_binder
from evidence.services.blobs import blob_path, store_blob
from evidence.services.keys.binder_signer import SignerKeyUnusable, load_binder_signer
from evidence.services.keys.files import create_key_file
from evidence.services.keys.log_signer import LogKeyUnusable, load_log_signer
from evidence.services.keys.rotation import rotate_binder_key
from evidence.services.log import sequencing
from evidence.tasks import check_blobs, export_binder
from tests.evidence.binder_world import PERIOD, export, fill_lightly
from tests.evidence.token_expiry import set_expiry
from tests.factories import World

pytestmark = pytest.mark.django_db


READY = {"status": "ready", "faults": [], "version": "0.1.0"}


def test_alive_needs_nothing(api: APIClient) -> None:
    assert api.get("/healthz").json() == {"status": "alive"}


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """The broker, in which nobody has been heard of."""
    broker = open_broker()
    for key in broker.scan_iter("tracebinder:*"):
        broker.delete(key)
    yield broker
    broker.config_set("maxmemory", 0)


@pytest.fixture
def all_at_work(broker: redis.Redis) -> None:
    for who in (BEAT, "default", "log", "export"):
        note_heartbeat(who)


@pytest.fixture
def logged(world: World) -> World:
    """A world that the log holds: what is kept was done when the world was made, minutes ago it may be."""
    log.sequence_events()
    log.sign_checkpoint()
    return world


@pytest.mark.usefixtures("all_at_work")
def test_ready_when_all_is_there_and_everybody_is_at_work(monitor: APIClient) -> None:
    assert monitor.get("/readyz").json() == READY


def degraded(monitor: APIClient) -> list[str]:
    """What is named, while telemetry is still taken."""
    response = monitor.get("/readyz")
    told = response.json()
    assert (response.status_code, told["status"]) == (200, "degraded"), told
    return list(told["faults"])


def test_without_the_broker_telemetry_is_taken_and_it_is_said(monitor: APIClient, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    (fault,) = degraded(monitor)
    assert fault.startswith("broker:")


@pytest.mark.usefixtures("all_at_work")
def test_a_broker_that_is_full_is_named(monitor: APIClient, broker: redis.Redis) -> None:
    broker.config_set("maxmemory", 1)
    (fault,) = degraded(monitor)
    assert fault.startswith("broker: ")
    assert "maxmemory" in fault


def test_who_was_never_heard_of_is_named_but_for_the_worker_that_not_everybody_has(
    monitor: APIClient, broker: redis.Redis
) -> None:
    del broker
    workers = [
        f"worker of queue {queue}: not heard of within a day" for queue in ("default", "log", "export")
    ]
    assert degraded(monitor) == ["beat: not heard of within a day", *workers]


@pytest.mark.usefixtures("all_at_work")
def test_who_is_silent_for_too_long_is_named(
    monitor: APIClient, broker: redis.Redis, settings: Settings
) -> None:
    key = "tracebinder:heartbeat:default"
    broker.set(key, float(broker.get(key)) - settings.SILENT_AFTER - 61)  # type: ignore[arg-type]  # as bytes
    (fault,) = degraded(monitor)
    assert re.fullmatch(r"worker of queue default: silent for 0:03:0\d", fault)
    assert 'tracebinder_silence_seconds{who="default"} 18' in monitor.get("/metrics").content.decode()


def test_beat_and_the_workers_of_each_queue_are_heard(monitor: APIClient, broker: redis.Redis) -> None:
    del broker
    for entry in current_app.conf.beat_schedule.values():
        if entry["task"] == note_worker.name:
            assert entry["options"]["queue"] == entry["args"][0]
            note_worker(*entry["args"])
    note_beat()
    assert None not in read_silences().values()
    assert monitor.get("/readyz").json()["status"] == "ready"


@pytest.mark.usefixtures("all_at_work")
def test_a_worker_that_begins_any_message_is_heard(broker: redis.Redis) -> None:
    """In a queue in which much waits, beat sends nothing."""
    forget_heartbeat("export")
    with suppress(BinderRequest.DoesNotExist):
        export_binder.apply(args=(1,), routing_key="export", throw=True)
    assert 0 <= (read_silences()["export"] or -1) < 10
    assert 0 < broker.ttl("tracebinder:heartbeat:export") <= FORGOTTEN_AFTER


@pytest.mark.usefixtures("all_at_work")
def test_a_worker_taken_away_on_purpose_is_forgotten(
    monitor: APIClient, broker: redis.Redis, settings: Settings
) -> None:
    note_heartbeat("interpret")
    key = "tracebinder:heartbeat:interpret"
    broker.set(key, float(broker.get(key)) - settings.PROBE_HARD_LIMIT - 3600)  # type: ignore[arg-type]  # as bytes
    assert "worker of queue interpret: silent for" in degraded(monitor)[0]
    call_command("forget_worker", "interpret")
    assert monitor.get("/readyz").json() == READY


@pytest.mark.usefixtures("all_at_work")
def test_a_blob_store_that_takes_no_file_takes_no_telemetry(
    monitor: APIClient, settings: Settings, tmp_path: Path
) -> None:
    settings.BLOB_ROOT = tmp_path / "full"
    settings.BLOB_ROOT.write_bytes(b"a file where the folder should be")
    response = monitor.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "not ready")
    assert response.json()["faults"][0].startswith("blob store: it cannot be written")


@pytest.mark.usefixtures("all_at_work")
def test_keys_that_have_signed_and_are_gone_are_named(
    monitor: APIClient, world: World, settings: Settings
) -> None:
    export(fill_lightly(world))
    assert monitor.get("/readyz").json()["status"] == "ready"
    settings.KEY_ROOT = settings.KEY_ROOT.with_name("another")
    assert [fault.split(":")[0] for fault in degraded(monitor)] == ["log key", "binder key"]
    assert not settings.KEY_ROOT.exists(), "nothing is made by asking"


@pytest.mark.usefixtures("all_at_work")
def test_a_log_key_that_did_not_sign_last_is_named(
    monitor: APIClient, world: World, settings: Settings
) -> None:
    export(fill_lightly(world))
    path = settings.KEY_ROOT / "log.ed25519.pem"
    path.unlink()
    create_key_file(path)
    (fault,) = degraded(monitor)
    assert fault.startswith(f"log key: {path} did not sign the last checkpoint")


@pytest.mark.usefixtures("all_at_work")
def test_a_process_that_is_to_hold_no_keys_misses_none_and_makes_none(
    monitor: APIClient, world: World, settings: Settings
) -> None:
    filled = fill_lightly(world)
    settings.HOLDS_KEYS = False
    with pytest.raises(LogKeyUnusable, match="This process holds no keys"):
        load_log_signer()
    with pytest.raises(SignerKeyUnusable, match="respond-async"):
        load_binder_signer()
    assert not settings.KEY_ROOT.exists()
    settings.HOLDS_KEYS = True
    export(filled)
    settings.HOLDS_KEYS = False
    settings.KEY_ROOT = settings.LOG_HEAD_FILE = settings.KEY_ROOT.with_name("another")
    assert monitor.get("/readyz").json()["status"] == "ready"


def test_a_process_without_keys_puts_a_binder_on_request_and_replaces_no_key(
    world: World, settings: Settings
) -> None:
    filled = fill_lightly(world)
    export(filled)
    settings.HOLDS_KEYS = False
    with transaction.atomic():
        audit.record(verb="thing.done", actor="user:ana", obj=world.system)
    asked = AskedScope(system=world.system, release=world.release, period_from=PERIOD[0], period_to=PERIOD[1])
    request = queue_binder(principal=world.principal("auditor"), asked=asked, send=lambda _: None)
    assert request.state == "queued"
    with pytest.raises(InvalidInput, match="holds no keys"):
        rotate_binder_key(principal=principal_of_command_line(), reason="an exercise")
    assert not AuditEvent.objects.filter(verb="binder_key.rotated").exists()


@pytest.mark.usefixtures("all_at_work")
def test_an_event_that_was_committed_late_does_not_make_the_log_stand_still(
    monitor: APIClient, world: World
) -> None:
    with transaction.atomic():
        late, early = (audit.record(verb="thing.done", actor="user:ana", obj=world.system) for _ in range(2))
    with mock.patch.object(sequencing, "_window_start", return_value=late.pk):  # as if not committed yet
        log.sequence_events()
    log.sequence_events()
    assert Leaf.objects.get(event=late).seq > Leaf.objects.get(event=early).seq
    log.sign_checkpoint()
    with mock.patch.object(clock, "now", return_value=timezone.now() + timedelta(hours=1)):
        assert log.find_standstill() == ""


@pytest.mark.usefixtures("all_at_work")
def test_a_log_that_stands_still_is_named(
    monitor: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.sequence_events()
    log.sign_checkpoint()
    with monkeypatch.context() as earlier:
        earlier.setattr(clock, "now", lambda: timezone.now() - timedelta(minutes=6))
        with transaction.atomic():
            audit.record(verb="thing.done", actor="user:ana", obj=world.system)
    assert degraded(monitor)[0].startswith("log: what was done since ")
    log.sequence_events()
    assert degraded(monitor)[0].startswith("log: no checkpoint was signed over what was done since ")
    log.sign_checkpoint()
    assert monitor.get("/readyz").json()["status"] == "ready"


@pytest.mark.usefixtures("all_at_work")
def test_assembly_that_stands_still_is_named(monitor: APIClient, logged: World) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    row = PendingTrace.objects.create(
        system=logged.system,
        trace_id=uuid4(),
        root_ended=True,
        first_received_at=long_ago,
        last_received_at=long_ago,
    )
    assert degraded(monitor)[0].startswith("assembly: traces wait whose last span came ")
    row.root_ended, row.first_received_at = False, timezone.now() - timedelta(minutes=25)
    row.last_received_at = row.first_received_at
    row.save()
    assert monitor.get("/readyz").json()["status"] == "ready", "it waits for its root"


@pytest.mark.usefixtures("all_at_work", "logged")
def test_a_database_restored_from_a_dump_and_not_taken_over_is_named(monitor: APIClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO evidence_moment (at, before, running)"
            " SELECT now(), tracebinder_xact_id() + 5000, '{}'"
        )
    (fault,) = degraded(monitor)
    assert fault.startswith("clock: This database was restored from a dump")


@pytest.mark.usefixtures("all_at_work")
def test_a_missing_blob_is_named_once_it_was_looked_for(monitor: APIClient) -> None:
    blob = store_blob(b"a body", "text/plain")
    check_blobs()
    assert monitor.get("/readyz").json()["status"] == "ready"
    blob_path(blob.digest).unlink()
    check_blobs()
    (fault,) = degraded(monitor)
    assert blob.digest in fault
    assert "verify_blobs" in fault


def test_not_ready_where_a_table_is_gone(monitor: APIClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE; ALTER TABLE evidence_waiver RENAME TO evidence_waiver_away")
    answer = monitor.get("/readyz")
    assert answer.status_code == 503
    assert "evidence_waiver" in answer.json()["faults"][0]


def test_not_ready_where_a_table_lacks_its_rules(monitor: APIClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("DROP TRIGGER tracebinder_append_only ON evidence_claim")
    response = monitor.get("/readyz")
    assert response.status_code == 503
    assert response.json()["faults"] == [
        "database: triggers or rights are not in place, run `manage.py migrate`: evidence_claim"
    ]


OTHER_FUNCTION = """
CREATE OR REPLACE FUNCTION tracebinder_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'restrict_violation'; END $$
"""
OTHER_TRIGGER = """
CREATE OR REPLACE TRIGGER tracebinder_append_only BEFORE UPDATE OR DELETE ON evidence_waiver
FOR EACH ROW EXECUTE FUNCTION tracebinder_refuse_change('of a newer version')
"""


@pytest.mark.usefixtures("all_at_work")
@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        (OTHER_FUNCTION, "tracebinder_refuse_change()"),
        ("GRANT UPDATE ON evidence_claim TO {role}", "evidence_claim"),
        (OTHER_TRIGGER, "evidence_waiver"),
    ],
)
def test_a_server_goes_on_beside_rules_that_a_newer_version_changed_without_a_migration(
    monitor: APIClient, settings: Settings, statement: str, subject: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(statement.format(role=settings.RUNTIME_ROLE))
    (fault,) = degraded(monitor)
    assert fault.startswith("database: rules are not as this server has them, ")
    assert fault.endswith(subject)


def test_metrics_tell_what_waits(monitor: APIClient) -> None:
    text = monitor.get("/metrics").content.decode()
    assert "tracebinder_pending_traces 0.0" in text
    assert 'tracebinder_queue_length{queue="interpret"}' in text


def test_an_operator_reads_what_is_wrong_and_what_waits_on_a_page(
    world: World, broker: redis.Redis, client: Client
) -> None:
    del broker
    client.force_login(world.people["operator"])
    page = client.get("/admin/health/")
    assert page.status_code == 200
    shown = {str(figure.name): figure.value for figure in page.context["figures"]}
    assert shown["Traces to assemble"] == "0"
    now = timezone.now()
    PendingTrace.objects.create(
        system=world.system,
        trace_id=uuid4(),
        first_received_at=now - timedelta(hours=3),
        last_received_at=now,
    )
    forget_heartbeat("export")
    page = client.get("/admin/health/")
    assert "worker of queue export: not heard of within a day" in page.context["degrading"]
    figures = {str(figure.name): figure for figure in page.context["figures"]}
    assert figures["Traces to assemble"].value == "1"
    assert "3 hours ago" in page.content.decode()


def test_without_the_broker_the_page_says_so_and_shows_the_rest(
    world: World, client: Client, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    client.force_login(world.people["operator"])
    page = client.get("/admin/health/")
    assert any(fault.startswith("broker: ") for fault in page.context["degrading"])
    assert "Telemetry taken" in page.content.decode()


@pytest.mark.parametrize("role", ["auditor", "approver", "reviewer", "researcher", "author"])
def test_nobody_but_an_operator_is_told_what_is_wrong(world: World, client: Client, role: str) -> None:
    client.force_login(world.people[role])
    assert client.get("/admin/health/").status_code == 403


def test_tokens_that_nobody_uses_are_counted(world: World, api: APIClient, client: Client) -> None:
    used, _unused, _expired = (world.headers(Scope.READ) for _ in range(3))
    assert api.get("/api/v1/traces", **used).status_code == 200
    last = AccessToken.objects.latest("pk")
    set_expiry(last, clock.now())
    client.force_login(world.people["operator"])
    figures = {str(figure.name): figure for figure in client.get("/admin/health/").context["figures"]}
    figure = figures["Tokens that work and were never used"]
    assert figure.value == "1"
    (shown,) = client.get(figure.url).context["cl"].result_list
    assert shown.last_used_at is None
    assert shown.pk != last.pk, "what has expired works no more"


def test_tokens_that_expire_soon_are_those_that_the_link_lists(world: World, client: Client) -> None:
    for _ in range(3):
        world.headers(Scope.READ)
    far, soon, gone = AccessToken.objects.order_by("pk")
    for token, days in ((far, 60), (soon, 3), (gone, -1)):
        set_expiry(token, clock.now() + timedelta(days=days))
    client.force_login(world.people["operator"])
    figures = {str(figure.name): figure for figure in client.get("/admin/health/").context["figures"]}
    figure = figures["Tokens that expire within fourteen days"]
    assert figure.value == "1"
    assert list(client.get(figure.url).context["cl"].result_list) == [soon]
