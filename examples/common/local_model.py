"""A causal language model in this process, loaded by digest from the model store, decoding greedily."""

from __future__ import annotations

import os

# Spinning threads starve the neighbours on a small machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import torch

from examples.common.generation import Completion, GenerationRequest
from examples.common.prompts import Message
from interpret.probes.weights import load_causal_lm


class LocalModel:
    """The `Generator` of the worked examples."""

    def __init__(self, store: Path, digest: str, name: str) -> None:
        """Load the model kept in `store` under `digest`; `name` is only its label.

        Raises:
            ModelMissing, DigestMismatch: as `load_causal_lm`.
        """
        loaded = load_causal_lm(store, digest)
        self._model = loaded.model
        self._tokenizer = cast("Any", loaded.tokenizer)
        self._tokenizer.padding_side = "left"
        self._name, self._digest = name, digest

    @property
    def name(self) -> str:
        """Label of the model version."""
        return self._name

    @property
    def digest(self) -> str:
        """SHA-256 of the model file."""
        return self._digest

    def complete_batch(self, requests: Sequence[GenerationRequest]) -> list[Completion]:
        """Answer each request greedily; requests of one token budget share their forward passes."""
        order = sorted(range(len(requests)), key=lambda i: requests[i].max_new_tokens)
        answers: dict[int, Completion] = {}
        for budget, group in groupby(order, key=lambda i: requests[i].max_new_tokens):
            members = list(group)
            completions = self._generate([requests[i] for i in members], budget)
            answers.update(zip(members, completions, strict=True))
        return [answers[i] for i in range(len(requests))]

    def _generate(self, requests: Sequence[GenerationRequest], budget: int) -> Iterator[Completion]:
        texts = [self._render(request.messages) for request in requests]
        inputs = self._tokenizer(texts, return_tensors="pt", padding=True)
        with torch.inference_mode():
            output = self._model.generate(
                **inputs,
                max_new_tokens=budget,
                do_sample=False,
                return_dict_in_generate=True,
                output_logits=True,
            )
        chosen = output.sequences[:, inputs["input_ids"].shape[1] :]  # (batch, step)
        logits = torch.stack(output.logits, dim=1)  # (batch, step, vocabulary)
        log_probability = logits.gather(-1, chosen.unsqueeze(-1)).squeeze(-1) - logits.logsumexp(-1)
        for row, tokens in enumerate(chosen.tolist()):
            ended = self._tokenizer.eos_token_id in tokens
            length = tokens.index(self._tokenizer.eos_token_id) + 1 if ended else len(tokens)
            yield Completion(
                text=self._decode(tokens[:length]),
                input_tokens=int(inputs["attention_mask"][row].sum()),
                output_tokens=length,
                finish_reason="stop" if ended else "length",
                mean_token_probability=round(float(log_probability[row, :length].exp().mean()), 4),
                batch_size=len(requests),
            )

    def _render(self, messages: Sequence[Message]) -> str:
        """Write the conversation as the model was trained to read it; it goes on from a last assistant turn."""
        opening = messages[-1].content if messages[-1].role == "assistant" else ""
        turns = messages[:-1] if opening else messages
        conversation = [{"role": turn.role, "content": turn.content} for turn in turns]
        text = self._tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
        return f"{text}{opening}"

    def _decode(self, tokens: list[int]) -> str:
        """Return the text, less a last character of which the budget left only some bytes."""
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return text.rstrip("\ufffd").strip()
