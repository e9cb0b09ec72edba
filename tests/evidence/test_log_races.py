"""Events commit in any order, and the next call of the sequencer takes all that are on record by then."""

from __future__ import annotations

import pytest
from django.db import transaction

from evidence import tasks
from evidence.models import AuditEvent
from evidence.services import audit
from tests.evidence.binder_world import export, fill_lightly
from tests.factories import ACTOR, World, make_world
from tests.in_flight import elsewhere, in_flight

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> World:
    """A world that is committed."""
    return make_world()


def record_event(world: World, verb: str = "thing.done") -> AuditEvent:
    with transaction.atomic():
        return audit.record(verb=verb, actor=ACTOR, obj=world.system, system=world.system)


def without_leaf() -> list[str]:
    return list(AuditEvent.objects.filter(leaf__isnull=True).values_list("verb", flat=True))


def test_an_event_that_commits_after_a_later_one_was_sequenced_has_its_leaf_at_the_next_call(
    world: World,
) -> None:
    """Or it had none until something else happened, an hour later at the latest."""
    with in_flight(lambda: record_event(world, "thing.early")):
        record_event(world)
        tasks.sequence_events()
    assert sorted(without_leaf()) == ["rows.bound", "thing.early"]
    tasks.sequence_events()
    assert without_leaf() == []


def test_a_binder_is_sealed_though_a_later_event_was_sequenced_before_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It then waited for its place until its time was over, with nothing else to be sequenced."""
    filled = fill_lightly(world)
    sealing_event = audit.record
    seals: list[AuditEvent] = []

    def record_while_another_is_sequenced(**what: object) -> AuditEvent:
        event = sealing_event(**what)  # type: ignore[arg-type]  # as it was called
        if what["verb"] == "binder.sealed" and not seals:
            seals.append(event)
            elsewhere(lambda: record_event(world))
            elsewhere(tasks.sequence_events)
        return event

    monkeypatch.setattr(audit, "record", record_while_another_is_sequenced)
    monkeypatch.setattr("evidence.services.binders._LOG_WAIT", 3)
    assert export(filled).file_name
    assert len(seals) == 1
