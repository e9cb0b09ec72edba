"""The documents that a trace's citations are checked against, as its index versions held them.

Texts are cached by row, and rows never change. Which documents an index version holds is read again for each
batch, because a version that was first seen in a trace may get its documents later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from cachetools import LRUCache
from django.conf import settings
from django.db.models import QuerySet

from evidence.citations.normalise import measure
from evidence.citations.verdict import MAX_CANDIDATES, Source
from evidence.clock import AsOf
from evidence.models import SourceDocument

_UNREAD_SIZE: Final = 200  # characters; what a source takes beside its text


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A document of an index version, its text read only where a check asks for it."""

    pk: int
    index_version_id: int
    source: Source


class IndexShelf:
    """The documents of some index versions, for one batch of traces."""

    def __init__(self, *, index_version_ids: Iterable[int], refs: Iterable[str], as_of: AsOf) -> None:
        """Load ids and digests of the documents named, and of those to search for misattributed quotes.

        Args:
            refs: document ids that the traces cite or retrieved.
            as_of: documents that were not on record then are not seen.
        """
        self._by_ref: dict[tuple[int, str], StoredSource] = {}
        self._listed: dict[int, list[StoredSource]] = {}
        wanted = set(refs)
        for index_version_id in sorted(set(index_version_ids)):
            documents = SourceDocument.objects.filter(
                as_of.knew("created_at"), index_version=index_version_id
            )
            listed = list(_read_heads(documents.order_by("document_id")[: MAX_CANDIDATES + 1]))
            named = wanted - {one.source.document_id for one in listed}
            if len(listed) > MAX_CANDIDATES and named:
                self._remember(_read_heads(documents.filter(document_id__in=named)))
            self._remember(listed)
            self._listed[index_version_id] = listed

    def find(self, index_version_ids: Sequence[int], document_ref: str) -> StoredSource | None:
        """Return the document of this id from the first of the index versions that holds it."""
        found = (self._by_ref.get((pk, document_ref)) for pk in index_version_ids)
        return next((one for one in found if one is not None), None)

    def candidates(self, index_version_ids: Sequence[int], retrieved: Iterable[str]) -> list[StoredSource]:
        """Return where else a quote may stand: the documents retrieved, then those indexed, by id."""
        first = [self.find(index_version_ids, ref) for ref in retrieved]
        rest = [one for pk in index_version_ids for one in self._listed.get(pk, [])]
        distinct = {one.pk: one for one in [*first, *rest] if one is not None}
        return list(distinct.values())[: MAX_CANDIDATES + 1]  # one more: the cited one is taken out

    def _remember(self, sources: Iterable[StoredSource]) -> None:
        self._by_ref.update(((one.index_version_id, one.source.document_id), one) for one in sources)


class _CachedSource(Source):
    """A source that counts in the cache by its text, once that is read."""

    size = _UNREAD_SIZE  # characters


class SourceCache:
    """Sources by row and digest. Where their texts are more characters than fit, those least recently used go first."""

    def __init__(self, characters: int) -> None:
        self._sources: LRUCache[tuple[int, str], _CachedSource] = LRUCache(
            characters, getsizeof=lambda one: one.size
        )
        self._changing = Lock()  # web processes replay in threads

    @property
    def characters(self) -> int:
        """How much is kept now."""
        return int(self._sources.currsize)

    def get(self, *, pk: int, document_id: str, digest: str) -> Source:
        """Return the source of a row, whose text is read where a check asks for it."""
        key = (pk, digest)
        with self._changing:
            source = self._sources.get(key)
            if source is None:
                source = _CachedSource(document_id=document_id, digest=digest, load=lambda: self._read(key))
                self._sources[key] = source
        return source

    def _read(self, key: tuple[int, str]) -> str:
        text = _read_text(key[0])
        with self._changing:
            source = self._sources.pop(key, None)
            if source is not None:
                source.size = _UNREAD_SIZE + measure(text)
                if source.size <= self._sources.maxsize:  # a larger one is kept by nobody but its batch
                    self._sources[key] = source
        return text


_CACHE: Final = SourceCache(settings.SOURCE_CACHE)


def _read_heads(documents: QuerySet[SourceDocument]) -> Iterator[StoredSource]:
    for pk, version, document_id, digest in documents.values_list(
        "pk", "index_version_id", "document_id", "digest"
    ):
        yield StoredSource(pk, version, _CACHE.get(pk=pk, document_id=document_id, digest=digest))


def _read_text(pk: int) -> str:
    return SourceDocument.objects.values_list("text", flat=True).get(pk=pk)
