"""Writers on connections of their own, whose transactions are still open while a test does something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.db import connection, transaction

LONGEST: float = 30  # seconds a writer waits for the test, and the test for a writer


@contextmanager
def in_flight(write: Callable[[], object]) -> Iterator[None]:
    """Write in a transaction of another connection that began before the block and is committed when it ends."""
    written, let_go = Event(), Event()
    problems: list[BaseException] = []

    def run() -> None:
        try:
            with transaction.atomic():
                write()
                written.set()
                let_go.wait(LONGEST)
        except BaseException as problem:  # noqa: BLE001  # shown by the test's own thread
            problems.append(problem)
            written.set()
        finally:
            connection.close()

    writer = Thread(target=run)
    writer.start()
    assert written.wait(LONGEST)
    try:
        yield
    finally:
        let_go.set()
        writer.join(LONGEST)
        assert problems == []


def elsewhere(act: Callable[[], object]) -> None:
    """Do something on another connection, and wait until it is committed."""
    with in_flight(act):
        pass
