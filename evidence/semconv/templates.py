"""What a chat template writes around messages, where a model was called with one text and a library kept that text.

A prompt is read as one where it begins with a turn and ends where the model is to go on: what a person writes about
templates is no template. Known are ChatML, those of Llama 2 and 3, Mistral, Gemma, Zephyr, Phi, DeepSeek and gpt-oss,
and Claude's text completions.
"""

from __future__ import annotations

import re
from typing import Final

from evidence.semconv.marks import without_end
from evidence.semconv.messages import ASSISTANT, SYSTEM, USER, Message, role_named, say

_BEGINS: Final = re.compile(r"\s*(?:<s>|<bos>|<\|begin_of_text\|>|<｜begin▁of▁sentence｜>)?\s*")
# Each turn of the first template of these that a prompt begins with: whose it is, and where its words begin.
_TURNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"<\|im_start\|>(?P<role>\w+)[^\n]*\n",
        r"<\|start_header_id\|>(?P<role>\w+)<\|end_header_id\|>\s*",
        r"<start_of_turn>(?P<role>\w+)\s*\n",
        r"<\|start\|>(?P<role>\w+)(?:<\|channel\|>\w+)?(?:<\|message\|>|\Z)",
        r"<\|(?P<role>system|user|assistant)\|>\s*",
        r"<｜(?P<role>User|Assistant)｜>",
        r"(?:^|\n\n)(?P<role>Human|Assistant):[ \t]*",
    )
)
_INSTRUCTED: Final = re.compile(
    r"\[INST\]\s*(?:<<SYS>>(?P<system>.*?)<</SYS>>)?(?P<user>.*?)\[/INST\](?P<assistant>.*?)(?:</s>\s*(?:<s>)?\s*|\Z)",
    re.DOTALL,
)


def read_template(prompt: str) -> list[Message] | None:
    """Return the messages that a prompt was made of, None where it is no template's."""
    begins = _BEGINS.match(prompt)
    text = prompt[begins.end() :] if begins else prompt
    if text.startswith("[INST]"):
        return _read_instructed(text)
    turn = next((one for one in _TURNS if one.match(text)), None)
    if turn is None:
        return None
    found = list(turn.finditer(text))
    ends = [one.start() for one in found[1:]] + [len(text)]
    messages = [
        say(role_named(one["role"]), without_end(text[one.end() : end]).strip())
        for one, end in zip(found, ends, strict=True)
    ]
    if messages[-1] != say(ASSISTANT, "") or not all(message.role for message in messages):
        return None
    return messages[:-1] or None


def _read_instructed(text: str) -> list[Message] | None:
    messages: list[Message] = []
    at = 0
    while turn := _INSTRUCTED.match(text, at):
        said = ((SYSTEM, turn["system"]), (USER, turn["user"]), (ASSISTANT, turn["assistant"]))
        messages += [say(role, words.strip()) for role, words in said if words and words.strip()]
        at = turn.end()
    return messages if at == len(text) and messages and messages[-1].role == USER else None
