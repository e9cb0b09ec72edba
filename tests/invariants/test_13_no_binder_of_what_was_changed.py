"""Invariant 13, at the door where evidence leaves: nothing is sealed over rows that are not as the log binds them."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Model
from rest_framework.test import APIClient

from evidence import clock
from evidence.models import AuditEvent, Binder, Leaf, Scope, Trace
from evidence.models.base import SYSTEM_IDS
from evidence.selectors.binder.scope import AskedScope, BinderScope
from evidence.services import binders, log
from evidence.services.assembly import assemble_due_traces
from evidence.services.bound_scope import EvidenceNotAsLogged, find_faults_of_scope
from tests.evidence.binder_world import PERIOD
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.factories import World, acting, make_world
from tests.invariants.every_table import BOUND
from tests.invariants.owner_attacks import (
    EVERY_ATTACK,
    Row,
    as_owner,
    carry_out,
    find_missed,
    newest,
    rows_in,
)

# Of no system, so of no scope; where a scope's transaction wrote one, it is checked with it.
OF_NO_SYSTEM = {"Blob", "BlobRemoval", "Disposal", "DisposedRows", "Moment"}


def scope_of_all(world: World) -> BinderScope:
    """Return the scope of everything there is of a system."""
    return BinderScope(world.system, world.release, "", *PERIOD, clock.read_moment())


def rows_of(world: World) -> dict[type[Model], list[Row]]:
    """Return rows of the system in each table that has any, as services write them: beside an event."""
    found: dict[type[Model], list[Row]] = {}
    of_events = AuditEvent.objects.filter(system=world.system).values("xact_id")
    for model in BOUND:
        path = model.SYSTEM_PATH
        if path is None:
            continue
        asked: dict[str, Any] = {path: world.system.pk}
        if path == SYSTEM_IDS:
            asked = {f"{path}__contains": [world.system.pk]}
        if rows := rows_in(model._default_manager.filter(**asked, xact_id__in=of_events)):
            found[model] = rows
    return found


def test_what_the_owner_does_to_any_table_of_a_scope_is_found_before_it_is_sealed(filled: World) -> None:
    """In a log that is up to date, as each export first sees to."""
    log.sequence_events()
    scope, rows = scope_of_all(filled), rows_of(filled)
    # The newest event of all is about a row of no system; that a leaf lost its event is another test's.
    rows[AuditEvent] = rows_in(AuditEvent.objects.filter(verb="review.recorded"))
    assert {model.__name__ for model in BOUND if model not in rows} == OF_NO_SYSTEM
    assert find_missed(rows, lambda _: find_faults_of_scope(scope)) == []


@pytest.fixture
def honest(transactional_db: None) -> World:
    """A system with traces, and nothing that no service wrote."""
    del transactional_db
    world = make_world()
    seal_traces(world, b"a", b"b")
    return world


def seal_traces(world: World, *letters: bytes) -> None:
    """Have a system send a trace of each id, and seal them."""
    now = time.time_ns()
    for trace in letters:
        span = make_span(trace_id=trace * 16, start_time_unix_nano=now, end_time_unix_nano=now + 1_000_000)
        body = make_request(span).SerializeToString()
        answer = APIClient().post("/v1/traces", body, content_type=PROTOBUF, **world.headers(Scope.INGEST))
        assert answer.status_code == 200
    assert assemble_due_traces(limit=10, now=clock.now() + timedelta(hours=1)) == len(letters)


def export(world: World) -> Binder:
    """Export all there is of a system."""
    begin, end = PERIOD
    asked = AskedScope(system=world.system, release=world.release, period_from=begin, period_to=end)
    return binders.export_binder(principal=acting(), asked=asked)


def test_an_export_of_what_was_changed_is_refused_and_nothing_is_sealed(honest: World) -> None:
    export(honest)
    row = newest(Trace)
    for attack in EVERY_ATTACK:
        with as_owner() as cursor:
            assert carry_out(cursor, attack(Trace, row), Trace), attack.__name__
            with pytest.raises(EvidenceNotAsLogged, match=r"transaction|not there any more") as refused:
                export(honest)
            assert "verify_log" in str(refused.value)
            assert AuditEvent.objects.filter(verb="binder.sealed").count() == 1, attack.__name__
    assert export(honest).pk


def test_a_row_that_says_it_is_from_before_rows_were_bound_is_found(honest: World) -> None:
    scope = scope_of_all(honest)
    with as_owner() as cursor:
        said = f"UPDATE evidence_trace SET xact_id = NULL WHERE {newest(Trace)}"
        assert carry_out(cursor, iter([said]), Trace)
        faults = find_faults_of_scope(scope)
    assert [fault for fault in faults if "evidence.Trace" in fault and "adopt" in fault]


def test_an_export_is_refused_where_an_entry_was_taken_out_of_the_middle_of_the_log(honest: World) -> None:
    export(honest)
    scope = scope_of_all(honest)
    assert find_faults_of_scope(scope) == []
    first = Leaf.objects.filter(stream=honest.system.key).earliest("seq")
    with as_owner() as cursor:
        for table, column, key in (
            ("evidence_leaf", "seq", first.seq),
            ("evidence_auditpayload", "event_id", first.event_id),
            ("evidence_auditevent", "id", first.event_id),
        ):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"DELETE FROM {table} WHERE {column} = %s", [key])
        assert any("entries of credit-assistant are gone" in fault for fault in find_faults_of_scope(scope))
