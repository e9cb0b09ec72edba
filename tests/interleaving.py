"""Acts on connections of their own, whose statements and commits follow each other in an order that a seed chooses.

Each act runs in a thread and stops before every statement and every commit; one thread at a time is let go on, until it
stops again, ends, or waits for a lock that another holds. The same seed and the same acts give the same order, as far
as PostgreSQL's locks do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from django.db import connection

LOOK: float = 0.002  # seconds between two looks at a thread that has not stopped again
CHANGES = (
    0.01,
    0.03,
    0.1,
)  # chance of each step that other acts become the fast ones; one of them for each seed
LONGEST: float = 60  # seconds that all acts of one schedule may take together


class Abandoned(BaseException):
    """The schedule is over, and this act with it, as if its process had been killed here."""


@dataclass
class Act:
    """One thread with its connection."""

    name: str
    do: Callable[[], object]
    may_go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    stopped: threading.Event = field(default_factory=threading.Event)  # at a statement or a commit
    over: threading.Event = field(default_factory=threading.Event)
    killed: bool = False
    pid: int = 0
    result: Any = None
    problem: BaseException | None = None

    def run(self) -> None:
        """Do it, stopping before each statement and each commit."""
        try:
            connection.ensure_connection()
            self.pid = connection.connection.info.backend_pid
            real_commit = getattr(connection, "_commit")  # noqa: B009  # the stubs do not know it

            def commit() -> None:
                self._wait_for_turn()
                real_commit()

            setattr(connection, "_commit", commit)  # noqa: B010  # likewise
            with connection.execute_wrapper(self._before_statement):
                self._wait_for_turn()
                self.result = self.do()
        except BaseException as problem:  # noqa: BLE001  # shown by the test's own thread
            self.problem = problem
        finally:
            connection.close()  # what was open is undone
            self.over.set()
            self.stopped.set()

    def _before_statement(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        self._wait_for_turn()
        return execute(sql, params, many, context)

    def _wait_for_turn(self) -> None:
        self.stopped.set()
        self.may_go.acquire()
        if self.killed:
            connection.close()
            raise Abandoned


def interleave(seed: int, acts: Sequence[Callable[[], object]], *, deaths: float = 0) -> list[Act]:
    """Do acts beside each other in the order of a seed, and return them with their results and problems.

    Args:
        deaths: the chance of each step, in [0, 1), that the act that is let go is killed there.
    """
    chance = Random(seed)
    made = [Act(f"act {number}", act) for number, act in enumerate(acts)]
    threads = [threading.Thread(target=act.run, daemon=True) for act in made]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + LONGEST
    waiting = list(made)
    paces, changes = _draw_paces(made, chance), chance.choice(CHANGES)
    while waiting:
        assert time.monotonic() < deadline, f"seed {seed}: acts wait for each other: {waiting}"
        ready = [act for act in waiting if act.stopped.is_set()]
        if not ready:
            time.sleep(LOOK)
            continue
        if chance.random() < changes:
            paces = _draw_paces(made, chance)
        (act,) = chance.choices(ready, [paces[one.name] for one in ready])
        if act.over.is_set():
            waiting.remove(act)
            continue
        act.killed = chance.random() < deaths
        act.stopped.clear()
        act.may_go.release()
        _wait_until_it_stops_or_is_held_up(act)
    for thread in threads:
        thread.join(LONGEST)
    return made


def _draw_paces(acts: Sequence[Act], chance: Random) -> dict[str, float]:
    """Return how often each act is let go on. Some races need one to come far while another stands where it is."""
    return {act.name: 10 ** chance.uniform(-3, 0) for act in acts}


def raise_problems(acts: Sequence[Act], *, expected: tuple[type[BaseException], ...] = ()) -> None:
    """Raise what went wrong in an act, unless that is expected or it was killed."""
    for act in acts:
        if act.problem is not None and not act.killed and not isinstance(act.problem, expected):
            raise act.problem


def _wait_until_it_stops_or_is_held_up(act: Act) -> None:
    while not act.stopped.wait(LOOK):
        if act.pid and _is_held_up(act.pid):
            return


def _is_held_up(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [pid])
        (found,) = cursor.fetchone() or (False,)
    return bool(found)
