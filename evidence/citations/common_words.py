"""Words of conversation: a sentence made of nothing else names nothing that a source could confirm.

`How does that sound to you.` and `这样就可以了。` are such; `It fades by itself.` is not, because of one word.
"""

from __future__ import annotations

import re
from typing import Final

from evidence.citations.words import read_words

_ENGLISH: Final = frozenset(read_words("common_en"))
_CHINESE: Final = re.compile("|".join(sorted(read_words("common_zh"), key=len, reverse=True)))
_WORD: Final = re.compile(r"[^\W\d_]+")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")


def names_something(text: str) -> bool:
    """Return whether a text has a word, or two Chinese characters, beyond those of conversation."""
    if any(word.lower() not in _ENGLISH for word in _WORD.findall(_HAN.sub(" ", text))):
        return True
    return len(_HAN.findall(_CHINESE.sub(" ", text))) > 1


def count_named(text: str) -> int:
    """Return how many words beyond those of conversation stand in a text, two Chinese characters for a word."""
    words = sum(word.lower() not in _ENGLISH for word in _WORD.findall(_HAN.sub(" ", text)))
    return words + len(_HAN.findall(_CHINESE.sub(" ", text))) // 2
