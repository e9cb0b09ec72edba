"""What a copilot asks of a model, and how tasks that run side by side share one forward pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol, TypeVar

from examples.common.prompts import Message

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One greedy generation."""

    messages: tuple[Message, ...]
    max_new_tokens: int


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote, unchanged, and what that took."""

    text: str
    input_tokens: int
    output_tokens: int
    finish_reason: Literal["stop", "length"]
    mean_token_probability: float  # mean probability of the tokens it chose, in (0, 1]
    batch_size: int = 1  # how many requests shared the forward passes


class Generator(Protocol):
    """A model that answers a batch."""

    @property
    def name(self) -> str:
        """Label of the model version."""

    @property
    def digest(self) -> str:
        """SHA-256 of the model's bytes."""

    def complete_batch(self, requests: Sequence[GenerationRequest]) -> list[Completion]:
        """Answer each request, in order."""


def cut_evenly(members: Sequence[T], parts: int) -> list[Sequence[T]]:
    """Cut into `parts` stretches of like size, fewer where there are fewer members: none is empty."""
    wanted = min(len(members), parts)
    bounds = [len(members) * number // max(wanted, 1) for number in range(wanted + 1)]
    return [members[low:high] for low, high in pairwise(bounds)]


class LockstepBatcher:
    """Collects one request of each task that is still running, then answers all of them in one batch.

    Single-stream generation on a CPU waits for memory; a batch of eight costs little more than one. The batch
    always holds every running task, ordered by its key, so that what shares a pass does not depend on timing.
    """

    def __init__(
        self, generator: Generator, participants: int, report: Callable[[int], None] = lambda _: None
    ) -> None:
        """Expect `participants` tasks; `report` is told of each batch how many requests it answered."""
        self._generator, self._report = generator, report
        self._active = participants
        self._pending: dict[str, GenerationRequest] = {}
        self._answers: dict[str, Completion | Exception] = {}
        self._changed = threading.Condition()

    def complete(self, key: str, request: GenerationRequest) -> Completion:
        """Wait for the others, then return the answer to `request`; `key` names the task.

        Raises:
            Exception: what the generator raised, in every task of the batch.
        """
        with self._changed:
            self._pending[key] = request
            self._answer_when_all_wait()
            self._changed.wait_for(lambda: key in self._answers)
            answer = self._answers.pop(key)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def leave(self) -> None:
        """Say that a task is over, so that the others do not wait for it."""
        with self._changed:
            self._active -= 1
            self._answer_when_all_wait()

    def _answer_when_all_wait(self) -> None:
        if not self._pending or len(self._pending) < self._active:
            return
        keys = sorted(self._pending)
        requests = [self._pending.pop(key) for key in keys]
        try:
            answers: Sequence[Completion | Exception] = self._generator.complete_batch(requests)
            self._report(len(answers))
        except Exception as exc:  # noqa: BLE001 - handed to each waiting task, which raises it
            answers = [exc] * len(keys)
        self._answers.update(zip(keys, answers, strict=True))
        self._changed.notify_all()
