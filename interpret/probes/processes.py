"""A run's parts done by several processes of this machine, one thread each, without a database: for a terminal."""

from __future__ import annotations

from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import torch

from interpret import registry
from interpret.contracts import MeasuredPart, ProbeResult, ProbeSpecification, Progress
from interpret.parts import put_together
from interpret.probes.session import ModelSession


def open_pool(processes: int) -> ProcessPoolExecutor:
    """Return processes that keep what they have loaded, from one run to the next."""
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"))


def measure_in(pool: Executor, asked: ProbeSpecification, store: Path, progress: Progress) -> ProbeResult:
    """Do the parts of a run wherever there is a process free; the result does not depend on where.

    Raises:
        BadSpecification, ProbeError: as the probe does.
    """
    probe = registry.load(asked.probe)
    probe.check(asked)
    tasks = {pool.submit(_measure, store, asked, part): part for part in probe.parts(asked)}
    done: list[MeasuredPart] = []
    for task in as_completed(tasks):
        done.append(task.result())
        progress(tasks[task], len(done), len(tasks))
    return put_together(probe, asked, done)


@cache
def session_of(store: Path) -> ModelSession:
    """Return this process's session, with one thread: as many processes as there are cores do the rest."""
    torch.set_num_threads(1)
    return ModelSession(store)


def _measure(store: Path, asked: ProbeSpecification, part: str) -> MeasuredPart:
    return session_of(store).measure(registry.load(asked.probe), asked, part)
