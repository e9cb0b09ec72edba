"""Words of conversation: a sentence made of nothing else names nothing that a source could confirm.

`How does that sound to you.` and `这样就可以了。` are such; `It fades by itself.` is not, because of one word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from evidence.citations.words import read_words

_ENGLISH: Final = frozenset(read_words("common_en"))
_CHINESE: Final = re.compile("|".join(sorted(read_words("common_zh"), key=len, reverse=True)))
_WORD: Final = re.compile(r"[^\W\d_]+")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")


def names_something(text: str) -> bool:
    """Return whether a text has a word, or two Chinese characters, beyond those of conversation."""
    return any(_named(text)) or _count_han(text) > 1


def count_named(text: str, *, most: int) -> int:
    """Return how many words beyond those of conversation stand in a text, two Chinese characters for a word.

    Args:
        most: no more are counted.
    """
    words = len(list(islice(_named(text), most)))
    return words if words == most else min(words + _count_han(text) // 2, most)


def _named(text: str) -> Iterator[str]:
    """Yield the words beyond those of conversation, but for Chinese ones."""
    spaced = text if text.isascii() else _HAN.sub(" ", text)
    words = (found.group() for found in _WORD.finditer(spaced))
    return (word for word in words if word.lower() not in _ENGLISH)


def _count_han(text: str) -> int:
    """Return how many Chinese characters stand in a text beyond words of conversation."""
    return 0 if text.isascii() else len(_HAN.findall(_CHINESE.sub(" ", text)))
