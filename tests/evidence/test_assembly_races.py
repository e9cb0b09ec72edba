"""Workers that come to the same traces at once, on connections of their own: none is set aside for their meeting."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pytest

from evidence import clock
from evidence.models import PendingTrace, Reject, Trace
from evidence.services.assembly import assemble_due_traces, queue
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import spans_of
from tests.factories import World, make_world
from tests.in_flight import elsewhere, in_flight
from tests.interleaving import interleave, raise_problems

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
    known, claim = clock.read_moment(), queue.claim

    def claim_after_others_began(ids: Sequence[int]) -> list[PendingTrace]:
        monkeypatch.setattr(queue, "claim", claim)
        for _ in range(WORKERS):
            elsewhere(lambda: queue.begin_attempt(1, known.at, tried=True))
        return claim(ids)

    monkeypatch.setattr(queue, "claim", claim_after_others_began)
    assert assemble_due_traces(limit=10) == 1
    assert (Trace.objects.count(), Reject.objects.count()) == (1, 0)


def test_an_attempt_that_finds_another_worker_at_the_trace_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_spans(world.system, uuid4(), spans_of(world))
    PendingTrace.objects.update(attempts=1)
    claim = queue.claim

    def claim_while_another_has_it(ids: Sequence[int]) -> list[PendingTrace]:
        with in_flight(lambda: claim(ids)):
            return claim(ids)

    monkeypatch.setattr(queue, "claim", claim_while_another_has_it)
    assemble_due_traces(limit=1)
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
        acts = interleave(seed, [lambda: assemble_due_traces(limit=3)] * WORKERS)
        raise_problems(acts)
        while assemble_due_traces(limit=10):
            pass
        assert not Reject.objects.exists(), f"seed {seed}"
        assert Trace.objects.count() == before + 2, f"seed {seed}"
        assert not PendingTrace.objects.exists(), f"seed {seed}"
