"""Marks that models write into what they say, where nobody takes them out: of a thought before it, and of its end."""

from __future__ import annotations

import re
from typing import Final

# From `<think>`, which some templates write for a model, to `</think>` or, where it was cut, to the end; in gpt-oss's
# form; in Open WebUI's. In the middle of a text they are words.
_THOUGHT: Final = re.compile(
    r"\s*<(think|thinking)>.*?(?:</\1>\s*|\Z)|(?:(?!<think).)*?^[ \t]*</think>[ \t]*$\s*"
    r"|\s*(?:<\|start\|>assistant)?<\|channel\|>analysis<\|message\|>.*?(?:<\|channel\|>final<\|message\|>|\Z)"
    r"|\s*<details type=\"reasoning\"[^>]*>.*?(?:</details>\s*|\Z)",
    re.DOTALL | re.MULTILINE,
)
_MARKS: Final = re.compile(r"</?think|<\|channel\|>|<details type")
_ENDS: Final = (
    "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>", "<|end|>", "<|return|>", "</s>",
    "<｜end▁of▁sentence｜>",
)  # fmt: skip


def words_of_model(text: str) -> str:
    """Return what a model said without what it thought before, and without the marks by which it ended."""
    thought = _THOUGHT.match(text) if _MARKS.search(text) else None
    return without_end(text[thought.end() :] if thought else text)


def without_end(text: str) -> str:
    """Return a turn without the marks that end it."""
    end = len(text.rstrip())
    if not text.endswith(_ENDS, 0, end):
        return text
    while mark := next((one for one in _ENDS if text.endswith(one, 0, end)), ""):
        end -= len(mark)
        while end and text[end - 1].isspace():
            end -= 1
    return text[:end]
