"""A tokenizer that makes one token of each word of some texts, and of nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from tokenizers import pre_tokenizers

_PLACES: Final = re.compile(r"\{\w*\}")


class Words:
    """Knows the words of texts, of templates too, and each mark between them."""

    is_fast = True

    def __init__(self, texts: Iterable[str]) -> None:
        """Know the words of these texts."""
        self._cut = pre_tokenizers.Whitespace()
        pieces = [word for text in texts for word in self._words(self._plain(text))]
        self.known = {word: number for number, word in enumerate(dict.fromkeys(pieces))}
        self.unk_token_id = len(self.known)
        self.backend_tokenizer = self

    def __call__(self, text: str, **_: bool) -> dict[str, Any]:
        """Return the tokens of a text."""
        return {"input_ids": [self.known.get(word, self.unk_token_id) for word in self._words(text)]}

    def to_str(self) -> str:
        """Return all that the tokens follow from."""
        return repr(self.known)

    def _plain(self, text: str) -> str:
        """Return a text without what is no word of it."""
        return _PLACES.sub(" ", text)

    def _words(self, text: str) -> list[str]:
        return [word for word, _ in self._cut.pre_tokenize_str(text)]
