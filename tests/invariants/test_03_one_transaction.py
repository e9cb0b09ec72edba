"""A change and its audit event commit together, or neither does."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from django.db import connection

from evidence.models import AuditEvent, Scope, System
from evidence.services import audit, registry
from tests import factories
from tests.factories import ACTOR, acting
from tests.invariants.service_graph import ServiceGraph
from tests.invariants.walk import OUR_APPS, REPOSITORY, is_excepted, service_graph


def test_the_walk_sees_every_services_module_there_is() -> None:
    """A module that moved into a folder must not leave the invariant in silence."""
    files = {
        path
        for app in OUR_APPS
        for path in (REPOSITORY / app / "services").rglob("*.py")
        if path.stat().st_size
    }
    modules = {name for name, source in service_graph().modules.items() if source}
    assert len(modules) == len(files)


def test_each_service_that_writes_records_an_event_in_the_same_transaction() -> None:
    writing = [service for service in service_graph().services() if service.writes]
    assert len(writing) >= 55, "the walk found too little to mean anything"
    faults = [
        fault
        for service in writing
        if not is_excepted("no-audit-event", service.label)
        for fault in service.faults
    ]
    assert faults == []


# What a service may do, and what is wrong with it.
PLANTED: Final = [
    ("    Row.objects.create()", "outside a transaction"),
    ("    with transaction.atomic():\n        Row.objects.create()", "without an audit event"),
    (
        (
            "    with transaction.atomic():\n        Row.objects.create()\n"
            "    with transaction.atomic():\n        audit.record()"
        ),
        "without an audit event",
    ),
    ("    audit.record()\n    Row.objects.filter(pk=1).update(a=1)", "outside a transaction"),
    ("    connection.cursor().execute(SQL)", "outside a transaction"),
    ("    connection.cursor().execute(unknown())", "outside a transaction"),
    ("    _helper()", "outside a transaction"),
    ("    with transaction.atomic():\n        _helper()\n        audit.record()", None),
    (
        "    with transaction.atomic():\n        connection.cursor().execute(SQL)\n        audit.record()",
        None,
    ),
    ("    connection.cursor().execute('SELECT 1')\n    {}.update({})", None),
]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> ServiceGraph:
    """Services that are wrong in each way there is, in packages that nest them as ours are nested."""
    folder = tmp_path_factory.mktemp("planted")
    for number, (body, _) in enumerate(PLANTED):
        plant(folder / f"planted_{number}" / "services" / "noun", body)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        packages = [f"planted_{number}.services" for number in range(len(PLANTED))]
        return ServiceGraph([*packages, "evidence.services"], outside=[])


def plant(deep: Path, body: str) -> None:
    """Write a service of this body into a package, three folders deep."""
    deep.mkdir(parents=True)
    for folder in (deep, deep.parent, deep.parent.parent):
        (folder / "__init__.py").touch()
    (deep / "doing.py").write_text(
        "from django.db import connection, transaction\nfrom evidence.services import audit\n"
        "from evidence.models import Blob as Row\n\nSQL = 'INSERT INTO row VALUES (1)'\n\n"
        f"def do():\n{body}\n\n\ndef _helper():\n    Row.objects.create()\n"
    )


@pytest.mark.parametrize("number", range(len(PLANTED)), ids=[body.strip() for body, _ in PLANTED])
def test_the_walk_can_fail(planted: ServiceGraph, number: int) -> None:
    _, fault = PLANTED[number]
    (found,) = planted.services_of(f"planted_{number}.services")
    assert bool(found.faults) == (fault is not None)
    if fault:
        assert fault in found.faults[0]


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
            key="other", name="other", risk_tier="low", owner=world.people["operator"], principal=acting()
        )
    assert System.objects.count() == before


@pytest.mark.django_db
def test_the_log_entry_holds_no_payload(world: factories.World) -> None:
    token = world.token(Scope.READ)
    event = AuditEvent.objects.filter(verb="token.issued").latest("pk")
    assert event.payload_commitment
    assert token.encode() not in bytes(event.entry)
    assert b'"test"' not in bytes(event.entry)  # the token's name is payload: erasable, so not in the tree
