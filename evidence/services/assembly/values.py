"""Attribute values that ingest moved to the blob store, brought back for reading."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evidence.errors import BlobErased, BlobMissing, DigestMismatch
from evidence.models import Blob
from evidence.otlp.values import BLOB_KEY, find_moved
from evidence.services.blobs import GONE, check_blob, read_blob
from evidence.services.moved_values import MovedValues, moved_by

_READ_PREFIXES: Final = ("tracebinder.", "gen_ai.", "input.", "output.")


@dataclass(frozen=True, slots=True)
class LargeValues:
    """The moved values of some spans, as far as the requests that brought the spans prove them."""

    moved: Mapping[int, MovedValues]  # by the request's id
    sizes: Mapping[str, int]  # bytes, by digest: as the store says, not as a row does
    also: frozenset[str] = frozenset()  # attributes that are read beside those that always are

    def size_of(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Return how many bytes `restore` would read for these spans."""
        return sum(self.sizes.get(digest, 0) for row in rows for digest in self._find(row).values())

    def restore(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the attributes of a span with moved values put back where the mapping reads them.

        A blob that is missing, removed or damaged leaves its marker, which the mapping flags; so does one that this
        span's request did not bring.
        """
        attributes: Mapping[str, Any] = row["attributes"]
        found = self._find(row)
        if not found:
            return attributes
        return {**attributes, **{key: _restore(attributes[key], digest) for key, digest in found.items()}}

    def _find(self, row: Mapping[str, Any]) -> dict[str, str]:
        if not self.moved:
            return {}
        named = _named(row["attributes"], self.also)
        return {key: digest for key, digest in named.items() if self.moved[row["batch_id"]].has(digest)}


def find_large_values(rows: Iterable[Mapping[str, Any]], also: frozenset[str] = frozenset()) -> LargeValues:
    """Return the moved values that some spans, given as dicts of their columns, have in what the mapping reads.

    Args:
        also: attributes that are read beside those that always are.
    """
    named = [
        (row["batch_id"], set(found.values())) for row in rows if (found := _named(row["attributes"], also))
    ]
    digests = set[str]().union(*(found for _, found in named))
    sizes = dict(Blob.objects.filter(digest__in=digests).values_list("digest", "size")) if named else {}
    moved = moved_by({batch_id for batch_id, _ in named}) if named else {}
    return LargeValues(moved, sizes, also)


def missing_values(
    spans: Iterable[tuple[int, Mapping[str, Any]]], also: frozenset[str] = frozenset()
) -> set[str]:
    """Return which attributes the mapping reads have lost the bytes that were moved; removed on record is not lost.

    Args:
        spans: the id of each one's request, and its attributes.
        also: as of `find_large_values`.
    """
    named = [(batch_id, found) for batch_id, attributes in spans if (found := _named(attributes, also))]
    moved = moved_by({batch_id for batch_id, _ in named})
    return {
        key
        for batch_id, found in named
        for key, digest in found.items()
        if moved[batch_id].may_have(digest) and _is_lost(digest)
    }


def _named(attributes: Mapping[str, Any], also: frozenset[str]) -> dict[str, str]:
    """Return the digests that a span names as those of moved values, by attribute, for what the mapping reads."""
    return {
        key: digest
        for key, value in attributes.items()
        if isinstance(value, dict) and BLOB_KEY in value and (key.startswith(_READ_PREFIXES) or key in also)
        for digest in find_moved({BLOB_KEY: value[BLOB_KEY]})
    }


def _is_lost(digest: str) -> bool:
    try:
        check_blob(digest)
    except BlobErased:
        return False
    except (BlobMissing, DigestMismatch):
        return True
    return False


def _restore(marker: Mapping[str, Any], digest: str) -> Any:
    try:
        text = read_blob(digest).decode("utf-8")
        return text if str(marker.get("media_type", "")).startswith("text/") else json.loads(text)
    except (*GONE, ValueError):
        return marker
