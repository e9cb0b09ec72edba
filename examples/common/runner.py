"""Runs tasks in waves: the tasks of a wave run side by side, whoever answers them, and share the model's passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from opentelemetry.sdk.trace import TracerProvider

from examples.common.copilot import Copilot
from examples.common.generation import Generator, LockstepBatcher, cut_evenly
from examples.common.outcome import Outcome
from examples.common.pipeline import Model, answer_task
from examples.common.tasks import Task


@dataclass(frozen=True, slots=True)
class Assignment:
    """A task, the copilot that answers it, and where its spans go."""

    copilot: Copilot
    task: Task
    provider: TracerProvider


def assign(copilot: Copilot, tasks: Sequence[Task], provider: TracerProvider) -> list[Assignment]:
    """Give tasks to one copilot."""
    return [Assignment(copilot, task, provider) for task in tasks]


def run_tasks(
    assignments: Sequence[Assignment],
    generator: Generator,
    *,
    concurrency: int,
    report: Callable[[int], None],
) -> list[Outcome]:
    """Answer the tasks and return their outcomes in order; spans are flushed after each wave.

    Args:
        concurrency: tasks a wave at most, at least 1.
        report: told of each batch how many generations it made, from a task's thread.

    Raises:
        ToolError, PromptError: as `answer_task`; the spans of the other tasks of the wave are still sent.
    """
    outcomes: list[Outcome] = []
    for wave in cut_evenly(assignments, -(-len(assignments) // concurrency)):
        try:
            outcomes += _run_wave(wave, generator, report)
        finally:
            for provider in {assignment.provider for assignment in wave}:
                provider.force_flush()
    return outcomes


def _run_wave(
    wave: Sequence[Assignment], generator: Generator, report: Callable[[int], None]
) -> list[Outcome]:
    batcher = LockstepBatcher(generator, participants=len(wave), report=report)
    model = Model(generator.name, generator.digest, batcher.complete)

    def run_one(assignment: Assignment) -> Outcome:
        tracer = assignment.provider.get_tracer("examples.common", "1.0.0")
        try:
            return answer_task(assignment.copilot, assignment.task, model, tracer)
        finally:
            batcher.leave()

    with ThreadPoolExecutor(max_workers=len(wave)) as pool:
        return list(pool.map(run_one, wave))
