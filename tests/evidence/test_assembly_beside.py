"""A worker that has two batches in hand, each on a connection of its own: nothing is lost, nothing sealed twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Barrier, Event, Thread, active_count, current_thread, main_thread
from typing import Any
from uuid import uuid4

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connection
from pytest_django.fixtures import Settings

from evidence.models import PendingTrace, Reject, Trace
from evidence.services.assembly import assemble_backlog, beside, claims, queue
from evidence.time_budget import TimeBudget
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import spans_of
from tests.evidence.test_assembly_limits import on_poison, poison
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST = 30  # seconds that one batch waits for the other


@pytest.fixture
def world(transactional_db: None) -> World:
    """A world that is committed."""
    return make_world()


def store(world: World, n: int) -> None:
    for _ in range(n):
        store_spans(world.system, uuid4(), spans_of(world))


def assemble(limit: int) -> None:
    """Assemble as the worker's task does, and see that nothing of it goes on afterwards."""
    before = active_count()
    try:
        assemble_backlog(TimeBudget.of(LONGEST), limit=limit)
    finally:
        assert active_count() == before


def nothing() -> None:
    pass


def meet(
    monkeypatch: pytest.MonkeyPatch,
    at: tuple[Any, str],
    *,
    after: int,
    in_thread: Callable[[], object] = nothing,
    in_main: Callable[[], object] = nothing,
) -> None:
    """Have the thread wait for the main one at a function's first call, and then each does something before it.

    Args:
        at: the module and the function's name.
        after: how many calls of the main one, which begins alone, go before.
    """
    both, calls, do = Barrier(2), Counter[bool](), getattr(*at)

    def meet_and_do(*told: Any) -> Any:
        is_main = current_thread() is main_thread()
        calls[is_main] += 1
        if calls[is_main] == (after + 1 if is_main else 1):
            both.wait(LONGEST)
            (in_main if is_main else in_thread)()
        return do(*told)

    monkeypatch.setattr(*at, meet_and_do)


END_OF_BATCH = (queue, "remove_done")  # before the commit
CHECK_OF_TRACE = (claims, "check_claims")


def test_two_batches_are_open_at_once_and_each_trace_is_sealed_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(world, 6)
    meet(monkeypatch, END_OF_BATCH, after=1)  # whoever waits for the other in vain breaks the barrier
    assemble(limit=1)
    assert (Trace.objects.count(), PendingTrace.objects.count()) == (6, 0)


def test_one_connection_is_enough_where_the_setting_says_so(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ASSEMBLY_CONNECTIONS = 1
    monkeypatch.setattr(Thread, "start", nothing)
    store(world, 3)
    assemble(limit=1)
    assert (Trace.objects.count(), PendingTrace.objects.count()) == (3, 0)


def test_a_connection_that_breaks_undoes_its_batch_and_not_the_one_beside_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its traces were not tried, and the call ends as one does whose database went away."""
    store(world, 3)

    def end_connection() -> None:
        connection.connection.pgconn.finish()
        connection.cursor().execute("SELECT 1")

    with monkeypatch.context() as patched:
        meet(patched, END_OF_BATCH, after=1, in_thread=end_connection)
        with pytest.raises(OperationalError):
            assemble(limit=1)
    left = list(
        PendingTrace.objects.values_list("attempts", flat=True)
    )  # none where the main one was at work longer
    assert (Trace.objects.count() + len(left), sum(left)) == (3, 0)
    assemble(limit=1)
    assert (Trace.objects.count(), PendingTrace.objects.count()) == (3, 0)


def test_a_stop_signal_undoes_the_batch_it_meets_and_the_other_ends_with_the_trace_it_is_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(world, 9)
    stopped = Event()
    monkeypatch.setattr(beside, "Event", lambda: stopped)

    def stop() -> None:
        raise SystemExit

    def go_on_once_stopped() -> None:
        assert stopped.wait(LONGEST)

    meet(monkeypatch, CHECK_OF_TRACE, after=3, in_main=stop, in_thread=go_on_once_stopped)
    with pytest.raises(SystemExit):
        assemble(limit=3)
    assert Trace.objects.count() == 3 + 1  # of the batch before, and the one that the thread was at
    # What the thread left was not tried; a worker that is stopped counts as one that was killed.
    assert sorted(PendingTrace.objects.values_list("attempts", flat=True)) == [0, 0, 1, 1, 1]


def test_a_batch_that_fails_in_the_thread_is_tried_one_by_one_and_its_trace_set_aside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_poison(monkeypatch, lambda: ValueError("nobody thought of that"))
    store(world, 2)
    store_spans(world.system, uuid4(), poison(world))
    store(world, 3)
    for _ in range(2):  # what the thread leaves last is for the next call
        assemble(limit=2)
    assert (Trace.objects.count(), PendingTrace.objects.count()) == (5, 0)
    assert Reject.objects.get().code == "assembly_failed"


def test_the_soft_limit_of_a_call_that_waits_for_its_thread_tells_it_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Were the call to end with it, the thread would go on with nobody to end it."""
    told: list[bool] = []

    class Interrupted(Thread):
        """A thread whose waiting is interrupted at first."""

        was_interrupted = False

        def join(self, timeout: float | None = None) -> None:
            if not self.was_interrupted:
                self.was_interrupted = True
                raise SoftTimeLimitExceeded
            super().join(timeout)

    def work(budget: TimeBudget) -> None:
        assert budget.stopped is not None
        told.append(budget.stopped.wait(LONGEST) and budget.is_spent())

    monkeypatch.setattr(beside, "Thread", Interrupted)
    with beside.beside(1, work, TimeBudget.of(LONGEST)):
        pass
    assert told == [True]
