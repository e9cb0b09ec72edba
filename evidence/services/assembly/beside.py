"""Threads that assemble beside the one that was called, each on a connection of its own.

To PostgreSQL, and to every rule about who may take which trace, each is one more worker. They share one interpreter,
and wait for the database by themselves (docs/decisions/0053-two-batches-at-once.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from evidence.time_budget import TimeBudget


@contextmanager
def beside(n: int, work: Callable[[TimeBudget], None], budget: TimeBudget) -> Iterator[None]:
    """Have `n` threads work while the block runs, and wait for them: none is at work when this returns.

    Where the block ends with an exception, be it a stop signal, their budget is spent at once.

    Args:
        work: until there is no more of it or its budget is spent.

    Raises:
        Exception: what ended the work of a thread, where the block came to an end.
    """
    stopped = Event()
    problems: list[Exception] = []
    threads = [
        Thread(
            target=_run, args=(work, budget.until(stopped), problems), name=f"beside-{number}", daemon=True
        )
        for number in range(n)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    except BaseException:  # also a limit or an interrupt: the threads stop before it goes on
        stopped.set()
        raise
    finally:
        _wait_for(threads, stopped)
    if problems:
        raise problems[0]


def _run(work: Callable[[TimeBudget], None], budget: TimeBudget, problems: list[Exception]) -> None:
    try:
        work(budget)
    except Exception as problem:  # noqa: BLE001  # of any kind: raised where the work was asked for
        problems.append(problem)
    finally:
        connection.close()  # the next call may be long in coming


def _wait_for(threads: Sequence[Thread], stopped: Event) -> None:
    """Wait until threads have ended. One that never does is ended with its process, by the hard limit of the call.

    The soft limit is raised here and ends no thread. Were it to end the call, nothing would end the thread.
    """
    limit = import_string(settings.CALL_ENDED_BY)
    for thread in threads:
        while thread.is_alive():
            try:
                thread.join()
            except limit:
                stopped.set()
