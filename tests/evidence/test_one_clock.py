"""What is decided as of a time is decided the same for ever, whatever was in flight, and nobody waits for it."""

from __future__ import annotations

from datetime import timedelta
from threading import get_ident
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from evidence import clock
from evidence.clock_rules import number_on
from evidence.errors import ClockBehind, ClockSetBack
from evidence.models import Citation, GateDecision, Moment, Retraction, SourceDocument, Trace, Waiver
from evidence.replay import Replay
from evidence.services import evals, gates, registry, reviews
from evidence.services.assembly import assemble_due_traces, replay_citation, replay_trace
from evidence.services.blobs import blob_path
from requirements.models import AcceptanceCriterion
from requirements.services.assessment import assess, replay_assessment
from tests.evidence.binder_world import Filled, eval_file, export, fill, fill_lightly
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import spans_of
from tests.factories import World, acting, ask_for_waiver, define_gate, grant_waiver, make_world, retract
from tests.in_flight import in_flight
from tests.requirements.builders import make_criterion, make_trace

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> World:
    """A world that is committed."""
    return make_world()


def the_same(replay: Replay) -> bool:
    return (replay.stored_verdict, replay.stored_inputs) == (replay.replayed_verdict, replay.replayed_inputs)


def decide(world: World) -> GateDecision:
    return gates.decide_gate(
        principal=acting("token:ci"), system=world.system, gate="release", release=world.release
    )


def gate_over(world: World, **criterion: Any) -> AcceptanceCriterion:
    made = make_criterion(world, **criterion)
    define_gate(
        system=world.system, key="release", principal=acting(),
        references=[gates.CriterionReference(requirement="r")],
    )  # fmt: skip
    return made


def judge(world: World, trace: Trace) -> None:
    reviews.record_review(
        principal=world.principal("reviewer"), trace=trace, decision="reject", reason_code="wrong_fact"
    )


def test_a_gate_replays_the_same_though_a_trace_was_being_sealed(world: World) -> None:
    gate_over(world, min_n=1)
    for _ in range(3):
        make_trace(world)
    with in_flight(lambda: make_trace(world, has_confidence=False, has_limitations=False)):
        decision = decide(world)
    assert Trace.objects.count() == 4
    assert the_same(gates.replay_gate_decision(decision))
    assert decide(world).inputs_digest != decision.inputs_digest, "the next decision knows of it"


def test_what_was_acknowledged_counts_though_an_older_writer_stays_open(world: World) -> None:
    """A horizon at the oldest open transaction would not see what CI posted a second ago."""
    criterion = gate_over(world, min_n=1)
    with in_flight(lambda: make_trace(world)):
        for _ in range(3):
            make_trace(world)
        assessment = assess(
            criterion=criterion, release=world.release, as_of=clock.read_moment(), actor="user:ana"
        )
        assert assessment.n == 3
    assert the_same(replay_assessment(assessment))


def test_a_moment_of_a_transaction_that_has_written_leaves_out_who_was_still_at_work(world: World) -> None:
    """Its own number is beyond the snapshot, which lists nobody between its end and that number."""
    with in_flight(lambda: make_trace(world)), transaction.atomic():
        make_trace(world)
        known = clock.read_moment()
        assert Trace.objects.filter(known.knew("sealed_at")).count() == 1
    assert Trace.objects.filter(known.knew("sealed_at")).count() == 1


def test_a_waiver_that_was_being_granted_lets_no_earlier_decision_pass(world: World) -> None:
    gate_over(world)
    asked = ask_for_waiver(world, "r/c")
    with in_flight(lambda: grant_waiver(asked, world.principal("approver"))):
        decision = decide(world)
    assert Waiver.objects.count() == 1
    assert the_same(gates.replay_gate_decision(decision))


def test_reviews_and_retractions_in_flight_change_no_assessment(world: World) -> None:
    trace = make_trace(world)
    said = make_criterion(world, check="reviews.overridden", comparator="at_most", threshold=0.5, min_n=1)
    with in_flight(lambda: judge(world, trace)):
        counted = assess(criterion=said, release=world.release, as_of=clock.read_moment(), actor="user:ana")
        assert counted.n == 0
    assert the_same(replay_assessment(counted))
    run = evals.record_eval_run(
        system=world.system, raw=eval_file(), format_name="native", principal=acting(), release="r1"
    ).run
    measured = make_criterion(
        world,
        key="m",
        check="evals.metric",
        min_n=1,
        parameters="{suite: {key: behaviour}, metric: grounded}",
    )
    with in_flight(lambda: retract(run)):
        assessed = assess(
            criterion=measured, release=world.release, as_of=clock.read_moment(), actor="user:ana"
        )
        assert assessed.n == 3
    assert Retraction.objects.count() == 1
    assert the_same(replay_assessment(assessed))


def test_a_document_put_on_record_while_a_trace_was_sealed_changes_no_verdict(world: World) -> None:
    trace_id = uuid4()
    store_spans(world.system, trace_id, spans_of(world))
    index = world.release.pins.get(slot="index").version
    known = SourceDocument.objects.filter(index_version=index).first()
    assert known is not None

    def add() -> None:
        for number in range(3):
            SourceDocument.objects.create(
                index_version=index, document_id=f"A-{number}", title="t", language="en", digest=str(number) * 64,
                text=known.text,
            )  # fmt: skip

    with in_flight(add):
        assert assemble_due_traces(limit=10) == 1
    for citation in Citation.objects.all():
        assert the_same(replay_citation(citation))
    assert Citation.objects.exists()


def test_a_trace_is_replayed_over_the_spans_it_names(world: World) -> None:
    """Spans of a request that had not ended carry an earlier time than the seal."""
    trace_id = uuid4()
    store_spans(world.system, trace_id, spans_of(world))
    late = [{**spans_of(world)[-1], "span_id": "f" * 16}]
    with in_flight(lambda: store_spans(world.system, trace_id, late, asks=False)):
        assert assemble_due_traces(limit=10) == 1
    trace = Trace.objects.get()
    assert trace.span_ids is not None
    assert trace.span_ids == sorted(trace.span_ids)
    assert the_same(replay_trace(trace))


def test_a_binder_of_one_scope_has_the_same_bytes_whenever_it_is_made(world: World) -> None:
    filled = fill_lightly(world)
    with in_flight(lambda: make_trace(world)):
        first = export(Filled(world, filled.trace, timezone.now()))
    again = export(Filled(world, filled.trace, first.as_of))
    assert blob_path(again.archive.digest).read_bytes() == blob_path(first.archive.digest).read_bytes()
    later = export(Filled(world, filled.trace, timezone.now()))
    assert later.archive.digest != first.archive.digest


def test_moments_only_go_forward_though_the_clock_is_set_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = clock.read_moment()
    monkeypatch.setattr(clock, "now", lambda: before.at - timedelta(days=1))
    assert clock.read_moment(may_run_ahead=True).at > before.at


def test_within_the_tolerance_a_moment_is_after_the_last_event(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_spans(world.system, uuid4(), spans_of(world))
    assemble_due_traces(limit=10)
    sealed = Trace.objects.get()
    monkeypatch.setattr(clock, "now", lambda: sealed.sealed_at - timedelta(seconds=30))
    assert Trace.objects.filter(clock.read_moment().knew("sealed_at")).get() == sealed


def test_a_clock_set_back_further_is_refused_and_named(
    world: World, monkeypatch: pytest.MonkeyPatch, settings: Any, api: APIClient, monitor: APIClient
) -> None:
    """Binders were empty without a word: 201, and none of 468 traces in it."""
    filled = fill_lightly(world)
    gate_over(world, check="versions.registered", min_n=1, parameters="{slots: [model]}")
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() - timedelta(hours=1))
    refused = pytest.raises(
        ClockSetBack, match=r"3,\d{3} seconds behind what is on record.*TRACEBINDER_CLOCK_TOLERANCE"
    )
    with refused:
        export(filled, as_of=None)
    with refused:
        decide(world)
    told = monitor.get("/readyz").json()
    assert any(fault.startswith("clock: ") for fault in told["faults"])
    settings.CLOCK_TOLERANCE = 2 * 60 * 60  # an operator's word that it is right now
    assert clock.read_moment().at > real() - timedelta(minutes=1)


def test_assembly_goes_on_though_the_clock_was_set_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_spans(world.system, uuid4(), spans_of(world), received_at=timezone.now())
    before = clock.read_moment()
    monkeypatch.setattr(clock, "now", lambda: before.at - timedelta(days=1))
    assert assemble_due_traces(limit=10) == 1
    assert Trace.objects.get().sealed_at > before.at


def test_a_time_between_moments_is_read_as_the_next_one_kept_it(world: World) -> None:
    make_trace(world)
    asked = timezone.now()
    with in_flight(lambda: make_trace(world)):
        kept = clock.as_of(asked)
    assert Trace.objects.filter(kept.knew("sealed_at")).count() == 1
    assert Trace.objects.filter(clock.as_of(asked).knew("sealed_at")).count() == 1
    assert Moment.objects.count() == 1


def test_a_version_that_was_being_registered_vouches_for_nothing_decided_before(world: World) -> None:
    gate_over(world, check="versions.registered", min_n=1, parameters="{slots: [model]}")
    version = registry.ensure_version(
        system=world.system, kind="tool", key="rates", label="new", digest="9" * 64, actor="user:ana"
    )
    pinned = {pin.slot: pin.version for pin in world.release.pins.all()}
    make_trace(world, versions={**pinned, "tool": version})
    with in_flight(
        lambda: registry.register_version(principal=acting("user:ana"), version=version, reason="late")
    ):
        decision = decide(world)
    assert the_same(gates.replay_gate_decision(decision))


def test_whatever_a_binder_can_hold_is_known_by_commit_and_not_by_its_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it in one transaction that ends later: a section that reads by time alone would pack it then."""
    make_trace(world)
    gate_over(world, key="early", min_n=1)
    ours, read_moment = get_ident(), clock.read_moment

    def without_keeping_it(**_: object) -> clock.AsOf:
        """A service reads the moment before its transaction; in one that stays open it would hold up all others."""
        return read_moment() if get_ident() == ours else clock.AsOf(clock.now(), 2**62, ())

    monkeypatch.setattr(clock, "read_moment", without_keeping_it)
    with in_flight(lambda: fill(world)):
        known = clock.read_moment()
        first = export(Filled(world, Trace.objects.get(), known.at))
    trace = Trace.objects.latest("pk")
    assert export(Filled(world, trace, known.at)).archive.digest == first.archive.digest
    assert export(Filled(world, trace, clock.read_moment().at)).archive.digest != first.archive.digest


def test_a_restored_dump_numbers_its_transactions_on(world: World) -> None:
    """Without it, rows written after the restore would carry lower numbers, and old moments would know them."""
    make_trace(world)
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")  # the owner migrates
        cursor.execute("SELECT tracebinder_xact_id()")
        (number,) = cursor.fetchone() or (0,)
        cursor.execute(
            "INSERT INTO evidence_moment (at, before, running) VALUES (now(), %s, '{}')", [number + 5000]
        )
    with pytest.raises(ClockBehind, match=r"manage\.py migrate"):
        clock.read_moment()
    number_on(apps.get_app_config("interpret"), "default")
    later = make_trace(world)
    assert (Trace.objects.get(pk=later.pk).xact_id or 0) > number + 5000
    assert Trace.objects.filter(clock.read_moment().knew("sealed_at")).count() == 2
