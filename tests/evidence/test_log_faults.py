"""The sequencer and the signing when the database goes away at any statement, and when many run at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import InterfaceError, OperationalError

from evidence.models import Checkpoint, Leaf, System, Tile
from evidence.services import audit, log
from evidence.services.log.checking import check_log
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@transaction.atomic
def make_system() -> System:
    system = System.objects.create(
        key="credit", name="Credit", risk_tier="high", owner=factories.make_person("olga")
    )
    audit.record(verb="system.registered", actor="user:olga", obj=system, system=system)
    return system


def add_events(system: System, count: int) -> None:
    with transaction.atomic():
        for _ in range(count):
            audit.record(verb="thing.done", actor="user:olga", obj=system, system=system)


def kill_our_session() -> None:
    """End the database session of this thread from outside, as a crash or an operator would."""
    own = connection.get_connection_params()
    access = {name: own[name] for name in ("host", "port", "user", "password", "dbname")}
    pid = connection.connection.info.backend_pid
    with psycopg.connect(**access, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])  # milliseconds to wait for its end


@contextmanager
def dying_at(statement: int, *, before: bool) -> Iterator[None]:
    """Kill the session right before or right after its n-th statement, counted from 0."""
    seen = 0

    def wrapper(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        nonlocal seen
        at, seen = seen, seen + 1
        if at == statement and before:
            kill_our_session()
        result = execute(sql, params, many, context)
        if at == statement and not before:
            kill_our_session()
        return result

    with connection.execute_wrapper(wrapper):
        yield


def survives(work: Callable[[], object], statement: int, *, before: bool) -> bool:
    """Whether the work was done before the kill could reach it."""
    try:
        with dying_at(statement, before=before):
            work()
    except (OperationalError, InterfaceError):
        return False
    finally:
        connection.close()
    return True


def test_a_kill_at_any_statement_leaves_the_log_whole() -> None:
    system = make_system()
    add_events(system, 250)
    log.sequence_events()
    log.sign_checkpoint()
    # Each time that leaves are added, they fill a tile.
    for work, numbers in ((log.sequence_events, (20, 250)), (log.sign_checkpoint, (20, 20))):
        for before, n in zip((True, False), numbers, strict=True):
            add_events(system, n)
            if work is log.sign_checkpoint:
                log.sequence_events()
            held = (Leaf.objects.count(), Tile.objects.count(), Checkpoint.objects.count())
            points = 0
            while not survives(work, points, before=before):
                points += 1
                assert (Leaf.objects.count(), Tile.objects.count(), Checkpoint.objects.count()) == held
            assert points >= 5
            assert check_log().faults == []
    while log.sequence_events():
        pass
    log.sign_checkpoint()
    report = check_log()
    assert (report.faults, report.size, report.unsigned, report.unsequenced) == (
        [],
        560 + 1 + 6,
        0,
        0,
    )  # one more for the system, and one that binds each transaction


def in_own_session(work: Callable[[], None]) -> Callable[[], None]:
    """The work, on a database session of its thread that ends with it."""

    def body() -> None:
        try:
            work()
        finally:
            connection.close()

    return body


def test_many_writers_sequencers_and_signers_at_once() -> None:
    system = make_system()
    written = threading.Event()

    def write() -> None:
        for _ in range(25):
            add_events(system, 8)

    def sequence() -> None:
        while not written.is_set():
            log.sequence_events(limit=50)

    def sign() -> None:
        while not written.is_set():
            log.sign_checkpoint()

    with ThreadPoolExecutor(max_workers=7) as pool:
        readers = [pool.submit(in_own_session(work)) for work in (sequence, sequence, sign, sign)]
        writers = [pool.submit(in_own_session(write)) for _ in range(3)]
        errors = [future.exception() for future in writers]
        written.set()
        errors += [future.exception() for future in readers]
    assert errors == [None] * 7
    while log.sequence_events():
        pass
    log.sign_checkpoint()
    report = check_log()
    assert (report.faults, report.size, report.unsequenced, report.unsigned) == (
        [],
        600 + 1 + 76,
        0,
        0,
    )  # as above: the system, and what binds each transaction
    of_system = Leaf.objects.filter(stream="credit").values_list("stream_seq", flat=True)
    assert sorted(of_system) == list(range(601))
