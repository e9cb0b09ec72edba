"""Workers that come to the same traces at once, on connections of their own: none is set aside for their meeting."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models import F

from evidence import clock
from evidence.models import PendingTrace, Reject, Trace
from evidence.services.assembly import assemble_due_traces, queue, sealing
from evidence.time_budget import TimeBudget
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import spans_of
from tests.factories import World, make_world
from tests.in_flight import elsewhere, in_flight
from tests.interleaving import LONGEST, interleave, raise_problems

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 4


@pytest.fixture
def world(transactional_db: None) -> World:
    """A world that is committed."""
    return make_world()


def test_a_trace_that_others_begin_before_it_is_claimed_is_sealed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was said to have ended three workers, though none had so much as read it."""
    store_spans(world.system, uuid4(), spans_of(world))
    PendingTrace.objects.update(attempts=1)  # a batch failed because of another trace
    known, take_unheld = clock.read_moment(), queue.take_unheld

    def take_after_others_began(ids: Sequence[int]) -> list[PendingTrace]:
        monkeypatch.setattr(queue, "take_unheld", take_unheld)
        for _ in range(WORKERS):
            elsewhere(lambda: queue.begin_attempt(1, known.at, tried=True))
        return take_unheld(ids)

    monkeypatch.setattr(queue, "take_unheld", take_after_others_began)
    assert assemble_due_traces(limit=10) == 1
    assert (Trace.objects.count(), Reject.objects.count()) == (1, 0)


def test_an_attempt_that_finds_another_worker_at_the_trace_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_spans(world.system, uuid4(), spans_of(world))
    PendingTrace.objects.update(attempts=1)
    take_unheld = queue.take_unheld

    def take_while_another_has_it(ids: Sequence[int]) -> list[PendingTrace]:
        with in_flight(lambda: take_unheld(ids)):
            return take_unheld(ids)

    monkeypatch.setattr(queue, "take_unheld", take_while_another_has_it)
    assemble_due_traces(limit=1)
    assert PendingTrace.objects.get().attempts == 1


def test_a_trace_that_was_sealed_while_ingest_held_its_row_has_not_been_tried(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three such coincidences, and a healthy trace was said to have ended three workers."""
    store_spans(world.system, uuid4(), spans_of(world))
    remove_done = queue.remove_done

    def remove_while_ingest_has_the_row(pending: Sequence[PendingTrace]) -> None:
        with in_flight(lambda: PendingTrace.objects.update(generation=F("generation") + 1)):
            remove_done(pending)

    monkeypatch.setattr(queue, "remove_done", remove_while_ingest_has_the_row)
    assemble_due_traces(limit=1)
    assert Trace.objects.count() == 1
    assert PendingTrace.objects.get().attempts == 0


def test_what_is_forgotten_are_the_attempts_up_to_the_one_that_sealed_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that begins the late spans before the row can be had may be killed by them: that one counts."""
    store_spans(world.system, uuid4(), spans_of(world))
    PendingTrace.objects.update(attempts=1)
    remove_done = queue.remove_done

    def remove_while_ingest_has_the_row(pending: Sequence[PendingTrace]) -> None:
        transaction.on_commit(lambda: elsewhere(begin_another))
        with in_flight(lambda: PendingTrace.objects.update(generation=F("generation") + 1)):
            remove_done(pending)

    def begin_another() -> None:
        assert queue.begin_attempt(1, clock.now(), tried=True)

    monkeypatch.setattr(queue, "remove_done", remove_while_ingest_has_the_row)
    assemble_due_traces(limit=1)
    assert Trace.objects.count() == 1
    assert PendingTrace.objects.get().attempts == 1


def test_whoever_meets_in_whatever_order_every_trace_is_sealed_once(world: World) -> None:
    meet_in_every_order(world, seeds=range(8))


@pytest.mark.soak
def test_whoever_meets_in_thousands_of_orders_every_trace_is_sealed_once(world: World) -> None:
    meet_in_every_order(world, seeds=range(100, 2100))


def meet_in_every_order(world: World, *, seeds: Sequence[int]) -> None:
    """Have workers come to two traces at once, one of which an earlier batch has left."""
    for seed in seeds:
        before = Trace.objects.count()
        for _ in range(2):
            store_spans(world.system, uuid4(), spans_of(world))
        oldest = PendingTrace.objects.order_by("pk").first()
        assert oldest is not None
        PendingTrace.objects.filter(pk=oldest.pk).update(attempts=1)
        begun_beside = [lambda: sealing._assemble_new(3, TimeBudget.of(LONGEST))]  # a thread's part
        acts = interleave(seed, [lambda: assemble_due_traces(limit=3)] * (WORKERS - 1) + begun_beside)
        raise_problems(acts)
        while assemble_due_traces(limit=10):
            pass
        assert not Reject.objects.exists(), f"seed {seed}"
        assert Trace.objects.count() == before + 2, f"seed {seed}"
        assert not PendingTrace.objects.exists(), f"seed {seed}"
