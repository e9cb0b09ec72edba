"""A change and its audit event commit together, or neither does."""

from __future__ import annotations

import pytest
from django.db import connection

from evidence.models import AuditEvent, System
from evidence.services import audit, registry
from tests import factories
from tests.factories import ACTOR
from tests.invariants.walk import is_excepted, our_services


def test_each_service_that_writes_records_an_event_in_a_transaction() -> None:
    writing = [service for service in our_services() if service.writes]
    assert len(writing) >= 10, "the walk found too little to mean anything"
    silent = [
        service.label
        for service in writing
        if not service.recorded and not is_excepted("no-audit-event", service.label)
    ]
    assert silent == []


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_refused() -> None:
    assert not connection.in_atomic_block
    with pytest.raises(audit.AuditOutsideTransaction):
        audit.record(verb="x.done", actor=ACTOR, obj=System(pk=1))


@pytest.mark.django_db
def test_no_change_without_its_event(world: factories.World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise RuntimeError("the event cannot be written")

    before = System.objects.count()
    monkeypatch.setattr(audit, "record", refuse)
    with pytest.raises(RuntimeError):
        registry.register_system(
            key="other", name="other", risk_tier="low", owner=world.people["operator"], actor=ACTOR
        )
    assert System.objects.count() == before


@pytest.mark.django_db
def test_the_log_entry_holds_no_payload(world: factories.World) -> None:
    token = world.token(factories.Scope.READ)
    event = AuditEvent.objects.filter(verb="token.issued").latest("pk")
    assert event.payload_commitment
    assert token.encode() not in bytes(event.entry)
    assert b'"test"' not in bytes(event.entry)  # the token's name is payload: erasable, so not in the tree
