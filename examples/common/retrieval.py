"""BM25 over the paragraphs of an index, for English words and Chinese character bigrams alike."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import bm25s

from examples.common.documents import Document, Passage

logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG on import
_RUN: Final = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]+")
_STOP_WORDS_TEXT: Final = """
a an and are as at be by can do does for from how i in is it may must my of on or should the to what when which
who why will with
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS_TEXT.split())


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage and its BM25 score (no upper bound, 0 is no shared term)."""

    passage: Passage
    score: float


def tokenise(text: str) -> list[str]:
    """Split into lower-case words without English stop words, and Chinese into overlapping bigrams.

    Chinese writes no spaces between words; bigrams find them without a dictionary. A lone character stays.
    """
    tokens: list[str] = []
    for run in _RUN.findall(text.lower()):
        if run[0] < "\u4e00":
            tokens.extend([] if run in STOP_WORDS else [run])
        elif len(run) == 1:
            tokens.append(run)
        else:
            tokens.extend(run[i : i + 2] for i in range(len(run) - 1))
    return tokens


class Retriever:
    """An index in memory. The title of a document counts as part of each of its paragraphs."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._passages = [passage for document in documents for passage in document.passages()]
        self._bm25 = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
        self._bm25.index(
            [tokenise(f"{passage.document.title} {passage.text}") for passage in self._passages],
            show_progress=False,
        )

    def search(self, query: str, *, top: int = 3) -> list[Hit]:
        """Return the `top` best passages, best first; fewer where fewer share a term with `query`."""
        known = [token for token in tokenise(query) if token in self._bm25.vocab_dict]
        if not known:
            return []
        scores = self._bm25.get_scores(known)
        order = sorted(range(len(scores)), key=lambda i: (-float(scores[i]), i))[:top]
        return [Hit(self._passages[i], float(scores[i])) for i in order if scores[i] > 0]
