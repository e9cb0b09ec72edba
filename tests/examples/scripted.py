"""A generator that says what a script says: the whole `Generator` interface, without a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from examples.common.generation import Completion, GenerationRequest


class ScriptedGenerator:
    """Answers each request with what `reply` makes of its last user turn; records the batches it was given."""

    name = "scripted"
    digest = "5c" * 32

    def __init__(self, reply: Callable[[str], str]) -> None:
        self._reply = reply
        self.batches: list[list[GenerationRequest]] = []

    def complete_batch(self, requests: Sequence[GenerationRequest]) -> list[Completion]:
        self.batches.append(list(requests))
        return [self._complete(request, len(requests)) for request in requests]

    def _complete(self, request: GenerationRequest, batch_size: int) -> Completion:
        asked = [message.content for message in request.messages if message.role == "user"][-1]
        text = self._reply(asked)
        return Completion(text, len(asked.split()), len(text.split()), "stop", 0.5, batch_size)


def reply_like_a_small_model(asked: str) -> str:
    """A right answer with a wrong quote, and a decision."""
    if "Choose one of" in asked or "请从以下选项" in asked:
        return "approve"
    if "Quote the sentence" in asked:
        return "CR-PRICING] Pricing and early repayment: The charge for early repayment is at most 7 percent."
    if "引用" in asked:
        return "CR-ZH-2018] 没有这个资料的原句在这里。"
    return "The charge for early repayment is at most 1 percent of the amount repaid."
