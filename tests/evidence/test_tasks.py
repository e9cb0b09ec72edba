"""The doors that beat and the API knock at: each does all there is to do, not one batch of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from evidence import clock, tasks
from evidence.models import AuditEvent, Checkpoint, Disposal, Leaf, PendingTrace, Trace
from evidence.services import audit
from evidence.services.ingest.partitions import ensure_partitions
from evidence.services.log import sequencing
from tests.evidence.semconv_spans import make_root
from tests.evidence.stored_spans import store_spans
from tests.factories import ACTOR, World

pytestmark = pytest.mark.django_db


def test_every_trace_that_is_due_is_assembled(world: World, settings: Settings) -> None:
    settings.ASSEMBLY_BATCH = 2
    for _ in range(5):
        store_spans(world.system, uuid4(), [make_root()])
    tasks.assemble_traces()
    assert Trace.objects.count() == 5
    assert not PendingTrace.objects.exists()


def test_every_event_gets_its_place_and_the_head_is_signed(world: World, settings: Settings) -> None:
    settings.SEQUENCE_BATCH = 2
    assert AuditEvent.objects.count() > 4
    tasks.sequence_events()
    assert Leaf.objects.count() == AuditEvent.objects.count()
    tasks.sign_checkpoint()
    assert Checkpoint.objects.latest("pk").size == AuditEvent.objects.count()


def test_an_event_that_the_everyday_search_does_not_see_is_found_and_the_log_worker_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.sequence_missed_events, "delay", tasks.sequence_missed_events)
    tasks.sequence_events()
    with transaction.atomic():
        missed = audit.record(verb="thing.done", actor=ACTOR, obj=world.system, system=world.system)
    monkeypatch.setattr(
        sequencing, "_window_start", lambda _: missed.pk
    )  # as if many had been sequenced since
    tasks.sequence_events()
    assert not Leaf.objects.filter(event=missed).exists()
    tasks.find_missed_events()
    assert Leaf.objects.get(event=missed).seq == Leaf.objects.count() - 1


def test_partitions_are_made_and_old_months_go(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RETENTION_DAYS = {"traces": 365, "logs": 0}
    ensure_partitions(today=date(2023, 6, 2), months_ahead=0)
    for _ in range(2):
        tasks.apply_retention()
    assert Disposal.objects.filter(kind="spans").count() == 2
    monkeypatch.setattr(clock, "now", lambda: datetime(2044, 5, 5, tzinfo=UTC))
    tasks.make_partitions()
    assert ensure_partitions(today=date(2044, 5, 5)).made == []
