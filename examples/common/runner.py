"""Runs the tasks of a copilot in waves: the tasks of a wave run side by side and share the model's passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from opentelemetry.sdk.trace import TracerProvider

from examples.common.copilot import Copilot
from examples.common.generation import Generator, LockstepBatcher
from examples.common.outcome import Outcome
from examples.common.pipeline import Model, answer_task
from examples.common.tasks import Task


def run_tasks(
    copilot: Copilot,
    tasks: Sequence[Task],
    generator: Generator,
    provider: TracerProvider,
    *,
    concurrency: int,
    report: Callable[[Outcome], None],
) -> list[Outcome]:
    """Answer `tasks` and return their outcomes in order; spans are flushed after each wave.

    Args:
        concurrency: tasks a wave at most, at least 1.
        report: called with each outcome as it arrives, from the calling thread.

    Raises:
        ToolError, PromptError: as `answer_task`; the spans of the other tasks of the wave are still sent.
    """
    outcomes: list[Outcome] = []
    for wave in cut_waves(tasks, concurrency):
        try:
            for outcome in _run_wave(copilot, wave, generator, provider):
                outcomes.append(outcome)
                report(outcome)
        finally:
            provider.force_flush()
    order = {task.id: number for number, task in enumerate(tasks)}
    return sorted(outcomes, key=lambda outcome: order[outcome.task])


def cut_waves(tasks: Sequence[Task], size: int) -> Iterator[list[Task]]:
    """Cut into waves of one language each (Chinese prompts are longer), as even as `size` allows."""
    for _, group in groupby(sorted(tasks, key=lambda task: task.language), key=lambda task: task.language):
        members = list(group)
        waves = -(-len(members) // size)
        for number in range(waves):
            yield members[number::waves]


def _run_wave(
    copilot: Copilot, wave: Sequence[Task], generator: Generator, provider: TracerProvider
) -> list[Outcome]:
    batcher = LockstepBatcher(generator, participants=len(wave))
    model = Model(generator.name, generator.digest, batcher.complete)
    tracer = provider.get_tracer("examples.common", "1.0.0")

    def run_one(task: Task) -> Outcome:
        try:
            return answer_task(copilot, task, model, tracer)
        finally:
            batcher.leave()

    with ThreadPoolExecutor(max_workers=len(wave)) as pool:
        return list(pool.map(run_one, wave))
