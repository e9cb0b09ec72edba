"""One turn that a trace shows, with what it takes to compare it with another."""

from __future__ import annotations

from dataclasses import dataclass

from evidence.semconv.draft import Attachment, Told
from evidence.semconv.given import Turns
from evidence.semconv.helpers import Purpose
from evidence.semconv.messages import squeeze
from evidence.semconv.steps import Step


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """One question with its answer."""

    step: Step  # that speaks for it: an agent, or the call that answered
    question: Told
    answer: Told
    asked: Turns
    start_ns: int
    end_ns: int
    seems: Purpose | None = None  # a helper, by its name or by words
    seems_by_question: bool = False  # by nothing but the words of its question
    is_agent: bool = False
    finish_reason: str = ""
    refused: bool = False
    attachments: tuple[Attachment, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts that could be its answer, squeezed."""
        texts = (self.answer.text, *(other.text for other in self.answer.others))
        return tuple(squeeze(text) for text in texts if text)

    @property
    def seen(self) -> str:
        """All that its step was shown, squeezed."""
        return squeeze(
            " ".join([self.step.system_text, *(message.text for message in self.step.asked.messages)])
        )
