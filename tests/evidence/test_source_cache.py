"""What a process keeps of documents is bounded by their characters, not by their number."""

from __future__ import annotations

import pytest

from evidence.services.assembly import sources
from evidence.services.assembly.sources import SourceCache

TEXTS = {1: "a" * 40_000, 2: "b" * 40_000, 3: "c" * 40_000, 4: "d" * 200_000}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows whose text was asked for, in order."""
    asked: list[int] = []

    def read_text(pk: int) -> str:
        asked.append(pk)
        return TEXTS[pk]

    monkeypatch.setattr(sources, "_read_text", read_text)
    return asked


def text_of(cache: SourceCache, pk: int) -> str:
    return cache.get(pk=pk, document_id=f"DOC-{pk}", digest=f"{pk}" * 64).text


def test_what_was_used_least_recently_goes_when_the_texts_are_too_long(read: list[int]) -> None:
    cache = SourceCache(100_000)
    for pk in (1, 2, 1, 3, 1):
        assert text_of(cache, pk) == TEXTS[pk]
    assert read == [1, 2, 3]
    assert cache.characters <= 100_000
    assert text_of(cache, 2) == TEXTS[2]
    assert read == [1, 2, 3, 2]


def test_a_document_that_does_not_fit_is_read_and_pushes_nothing_out(read: list[int]) -> None:
    cache = SourceCache(100_000)
    text_of(cache, 1)
    assert text_of(cache, 4) == TEXTS[4]
    text_of(cache, 1)
    assert read == [1, 4]
    assert cache.characters <= 100_000


def test_many_documents_that_nobody_read_are_bounded_too(read: list[int]) -> None:
    cache = SourceCache(100_000)
    for pk in range(10_000):
        cache.get(pk=pk, document_id="DOC", digest="0" * 64)
    assert cache.characters <= 100_000
    assert read == []
