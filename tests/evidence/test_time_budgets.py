"""Work in portions: a backlog of any size holds up nobody for longer than a budget."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from evidence import tasks
from evidence.models import AuditEvent, Leaf, PendingTrace, Trace
from evidence.services import audit, log
from evidence.services.log import sequencing
from evidence.time_budget import TimeBudget
from tests.evidence.binder_world import export, fill_lightly
from tests.evidence.semconv_spans import make_root
from tests.evidence.stored_spans import store_spans
from tests.factories import ACTOR, World

pytestmark = pytest.mark.django_db


def record_event(world: World) -> AuditEvent:
    with transaction.atomic():
        return audit.record(verb="thing.done", actor=ACTOR, obj=world.system, system=world.system)


def test_a_backlog_of_traces_is_left_to_the_next_call_once_the_budget_is_spent(
    world: World, settings: Settings
) -> None:
    settings.ASSEMBLY_BATCH, settings.ASSEMBLY_BUDGET = 2, 0
    for _ in range(5):
        store_spans(world.system, uuid4(), [make_root()])
    tasks.assemble_traces()
    assert Trace.objects.count() == 1  # each call does something, or a backlog would never end
    settings.ASSEMBLY_BUDGET = 60
    tasks.assemble_traces()
    assert (Trace.objects.count(), PendingTrace.objects.count()) == (5, 0)


def test_a_backlog_of_events_is_left_to_the_next_call_once_the_budget_is_spent(
    world: World, settings: Settings
) -> None:
    settings.SEQUENCE_BATCH, settings.SEQUENCE_BUDGET = 2, 0
    tasks.sequence_events()
    assert Leaf.objects.count() == 2
    settings.SEQUENCE_BUDGET = 60
    tasks.sequence_events()
    assert Leaf.objects.count() == AuditEvent.objects.count() > 4


def test_sequencing_ends_although_events_keep_coming(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_recording(world, monkeypatch)
    waiting = AuditEvent.objects.count()
    log.sequence_backlog(TimeBudget.of(60), limit=2)
    assert waiting <= Leaf.objects.count() <= waiting + 2


def test_an_export_ends_although_events_keep_coming(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    filled = fill_lightly(world)
    keep_recording(world, monkeypatch)
    assert export(filled).file_name


def keep_recording(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As busy senders do: whenever a batch is sequenced, another event is there. After 500, nobody stopped."""
    sequence, calls = sequencing.sequence_events, []

    def sequence_and_be_busy(**how: Any) -> int:
        done = sequence(**how)
        calls.append(done)
        assert len(calls) < 500, "it would go on as long as events come"
        record_event(world)
        return done

    monkeypatch.setattr(sequencing, "sequence_events", sequence_and_be_busy)
    monkeypatch.setattr(log, "sequence_events", sequence_and_be_busy)
