"""What can go wrong, by name. Each brings back what the product cannot bring back by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random

import redis

from config import embedded
from tests.faults.stack import Stack, children_of, is_running, kill, wait_until
from tests.faults.surroundings import disk_full, read_clock, set_clock

Fault = Callable[[Stack, Random], None]
DOWN = 1.0  # seconds a process stays away, at most
SET_BACK = 0.7  # chance that a clock that is set is set back


def kill_web_worker(stack: Stack, chance: Random) -> None:
    """One of the processes that answer; the web server replaces it."""
    kill(chance.choice(children_of(stack.pid("web"))))


def kill_web(stack: Stack, chance: Random) -> None:
    kill(stack.pid("web"))
    _come_back(stack, chance, "web")


def stop_web(stack: Stack, chance: Random) -> None:
    stack.stop("web")
    stack.start("web")
    stack.wait_for_web()


def kill_assembler(stack: Stack, chance: Random) -> None:
    """The process of the worker that runs the tasks; Celery replaces it."""
    for pid in children_of(stack.pid("worker")):
        kill(pid)


def kill_worker(stack: Stack, chance: Random) -> None:
    _come_back(stack, chance, "worker")


def stop_worker(stack: Stack, chance: Random) -> None:
    stack.stop("worker")
    stack.start("worker")


def kill_beat(stack: Stack, chance: Random) -> None:
    _come_back(stack, chance, "beat")


def kill_backend(stack: Stack, chance: Random) -> None:
    """Any child of PostgreSQL: it then ends all connections and recovers by itself."""
    kill(chance.choice(children_of(stack.postmaster())))


def kill_postmaster(stack: Stack, chance: Random) -> None:
    """Its backends live on for a moment; and another program gets its process id, as in a container begun again."""
    pid = stack.postmaster()
    kill(pid)
    wait_until(lambda: not is_running(pid), "PostgreSQL does not die")
    time.sleep(chance.uniform(0, DOWN))
    note = stack.folder / "postgres" / "postmaster.pid"
    note.write_text(note.read_text().replace(str(pid), str(os.getpid()), 1))
    embedded.start_postgres(stack.folder)


def kill_postgres(stack: Stack, chance: Random) -> None:
    """All of it at once, as a power cut does."""
    pid = stack.postmaster()
    group = [pid, *children_of(pid)]
    for process in group:
        kill(process)
    wait_until(lambda: not any(is_running(process) for process in group), "PostgreSQL does not die")
    embedded.start_postgres(stack.folder)


def hang_postgres(stack: Stack, chance: Random) -> None:
    """It neither answers nor ends any connection, for a while."""
    pid = stack.postmaster()
    group = [pid, *children_of(pid)]
    _signal_all(group, signal.SIGSTOP)
    time.sleep(chance.uniform(DOWN, 3 * DOWN))
    _signal_all(group, signal.SIGCONT)


def stop_postgres(stack: Stack, chance: Random) -> None:
    embedded.stop_postgres(stack.folder)
    time.sleep(chance.uniform(0, 2 * DOWN))
    embedded.start_postgres(stack.folder)


def kill_broker(stack: Stack, chance: Random) -> None:
    kill(stack.valkey())
    time.sleep(chance.uniform(0, 2 * DOWN))
    embedded.start_valkey(stack.folder)


def kill_everything(stack: Stack, chance: Random) -> None:
    """The machine goes down."""
    for name in ("web", "worker", "log", "beat"):
        os.killpg(stack.pid(name), signal.SIGKILL)
    kill(stack.valkey())
    kill_postgres(stack, chance)
    embedded.start_valkey(stack.folder)
    for name in ("web", "worker", "log", "beat"):
        stack.kill_group(name)
        stack.start(name)
    stack.wait_for_web()


def empty_broker(stack: Stack, chance: Random) -> None:
    """Every message in it is gone, and so is what workers and web had noted there."""
    with redis.Redis.from_url(embedded.read_plan(stack.folder).redis_url) as broker:
        broker.flushall()


def fill_disk(stack: Stack, chance: Random) -> None:
    """Not a byte is free for some seconds. PostgreSQL may end over it, and others, too: all are started again."""
    with disk_full(stack.folder):
        time.sleep(chance.uniform(DOWN, 4 * DOWN))
    wait_until(lambda: _starts_again(stack), "PostgreSQL does not start after the disk was full")
    stack.supervise()
    stack.wait_for_web()


def set_clock_anew(stack: Stack, chance: Random) -> None:
    """The machine's clock goes forward for good, or back by up to an hour until somebody notices, for all processes."""
    assert stack.clock is not None
    right = read_clock(stack.clock)
    if chance.random() < SET_BACK:
        set_clock(stack.clock, right - chance.randint(1, 3600))
        time.sleep(chance.uniform(DOWN, 8 * DOWN))
        set_clock(stack.clock, right)
    else:
        set_clock(stack.clock, right + chance.randint(1, 3600))


FAULTS: dict[str, Fault] = {
    "web worker killed": kill_web_worker,
    "PostgreSQL backend killed": kill_backend,
    "worker killed": kill_worker,
    "postmaster killed": kill_postmaster,
    "web killed": kill_web,
    "web stopped": stop_web,
    "assembling process killed": kill_assembler,
    "worker stopped": stop_worker,
    "beat killed": kill_beat,
    "PostgreSQL killed at once": kill_postgres,
    "PostgreSQL stopped": stop_postgres,
    "PostgreSQL hangs": hang_postgres,
    "broker killed": kill_broker,
    "everything killed": kill_everything,
    "broker emptied": empty_broker,
    "disk full": fill_disk,
    "clock set": set_clock_anew,
}


def faults_of(stack: Stack) -> list[str]:
    """Return what can go wrong with a stack, in order: its disk fills up only where it has one of its own."""
    left_out = set()
    if not stack.folder.is_mount():
        left_out.add("disk full")
    if stack.clock is None:
        left_out.add("clock set")
    return sorted(FAULTS.keys() - left_out)


def _starts_again(stack: Stack) -> bool:
    """Look after the embedded servers, as `manage.py up` does every two seconds."""
    try:
        embedded.start_postgres(stack.folder)
        embedded.start_valkey(stack.folder)
    except embedded.EmbeddedError:
        return False
    return True


def _signal_all(processes: Iterable[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def _come_back(stack: Stack, chance: Random, name: str) -> None:
    stack.kill_group(name)
    time.sleep(chance.uniform(0, DOWN))
    stack.start(name)
    if name == "web":
        stack.wait_for_web()
