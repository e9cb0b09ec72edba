"""A causal language model in this process, loaded by digest from the model store, decoding greedily.

Each core works on answers of its own, with one thread. Threads that share one answer wait for each other at each
layer, which on a machine that has other work costs several times what it gains.
"""

from __future__ import annotations

import os

# Spinning threads starve the neighbours on a small machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, cast

import torch

from examples.common.decoding import write_answers
from examples.common.generation import Completion, GenerationRequest
from examples.common.packing import pack_linear_layers
from examples.common.prompts import Message
from interpret.probes.weights import load_causal_lm

ROWS: Final = 36  # answers written together at most; each holds the keys and values of its prompt


class LocalModel:
    """The `Generator` of the worked examples."""

    def __init__(self, store: Path, digest: str, name: str) -> None:
        """Load the model kept in `store` under `digest`; `name` is only its label.

        Raises:
            ModelMissing, DigestMismatch: as `load_causal_lm`.
        """
        loaded = load_causal_lm(store, digest)
        self._model = loaded.model
        pack_linear_layers(self._model)
        self._tokenizer = cast("Any", loaded.tokenizer)
        self._name, self._digest = name, digest
        self._workers = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(self._workers, initializer=torch.set_num_threads, initargs=(1,))

    @property
    def name(self) -> str:
        """Label of the model version."""
        return self._name

    @property
    def digest(self) -> str:
        """SHA-256 of the model file."""
        return self._digest

    def complete_batch(self, requests: Sequence[GenerationRequest]) -> list[Completion]:
        """Answer each request greedily; each core takes its share of the requests, which share forward passes."""
        prompts = [self._encode(request.messages) for request in requests]
        budgets = [request.max_new_tokens for request in requests]
        order = sorted(range(len(requests)), key=lambda i: prompts[i])  # like beginnings together
        parts = min(len(order), max(self._workers, -(-len(order) // ROWS)))
        groups = [order[number::parts] for number in range(parts)]  # of each kind as much to every core
        written = self._pool.map(
            self._write,
            [[prompts[i] for i in members] for members in groups],
            [[budgets[i] for i in members] for members in groups],
        )
        answers: dict[int, Completion] = {}
        for members, completions in zip(groups, written, strict=True):
            answers.update(zip(members, completions, strict=True))
        return [answers[i] for i in range(len(requests))]

    def _write(self, prompts: Sequence[list[int]], budgets: Sequence[int]) -> list[Completion]:
        answers = write_answers(self._model, prompts, budgets, end_token=self._tokenizer.eos_token_id)
        return [
            Completion(
                text=self._decode(answer.tokens),
                input_tokens=len(prompt),
                output_tokens=len(answer.tokens),
                finish_reason="stop" if answer.ended else "length",
                mean_token_probability=round(answer.mean_probability, 4),
                batch_size=len(prompts),
            )
            for prompt, answer in zip(prompts, answers, strict=True)
        ]

    def _encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the token ids of a conversation as the model was trained to read it.

        It goes on from a last assistant turn.
        """
        opening = messages[-1].content if messages[-1].role == "assistant" else ""
        turns = messages[:-1] if opening else messages
        conversation = [{"role": turn.role, "content": turn.content} for turn in turns]
        text = self._tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
        return list(self._tokenizer(f"{text}{opening}")["input_ids"])

    def _decode(self, tokens: list[int]) -> str:
        """Return the text, less a last character of which the budget left only some bytes."""
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return text.rstrip("\ufffd").strip()
