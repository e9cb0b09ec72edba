"""Attribute values that ingest moved to the blob store, brought back for reading."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final, TypeVar

from evidence.digests import DIGEST_PREFIX
from evidence.errors import BlobErased, BlobMissing, DigestMismatch
from evidence.models import Blob
from evidence.otlp.values import BLOB_KEY
from evidence.services.blobs import check_blob, read_blob

_Key = TypeVar("_Key", bound=Hashable)
_READ_PREFIXES: Final = ("tracebinder.", "gen_ai.", "input.", "output.")


def restore_large_values(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the attributes with moved values put back where the mapping reads them.

    A blob that is missing, removed or damaged leaves its marker, which the mapping flags.
    """
    wanted = _moved(attributes)
    return (
        {**attributes, **{key: _restore(marker) for key, marker in wanted.items()}} if wanted else attributes
    )


def size_of_large_values(traces: Mapping[_Key, Iterable[Mapping[str, Any]]]) -> dict[_Key, int]:
    """Return how many bytes `restore_large_values` would read for the attributes of each trace that has any.

    What the blob store knows counts, not what a marker says: a sender can write one.
    """
    digests = {
        key: [_digest_of(marker) for attributes in spans for marker in _moved(attributes).values()]
        for key, spans in traces.items()
    }
    named = {digest for found in digests.values() for digest in found}
    sizes = dict(Blob.objects.filter(digest__in=named).values_list("digest", "size")) if named else {}
    return {key: sum(sizes.get(digest, 0) for digest in found) for key, found in digests.items() if found}


def _moved(attributes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the markers of moved values that the mapping reads, by attribute."""
    return {
        key: value
        for key, value in attributes.items()
        if isinstance(value, dict) and BLOB_KEY in value and key.startswith(_READ_PREFIXES)
    }


def _digest_of(marker: Mapping[str, Any]) -> str:
    return str(marker[BLOB_KEY]).removeprefix(DIGEST_PREFIX)


def missing_values(attributes: Mapping[str, Any]) -> list[str]:
    """Return which attributes the mapping reads have lost the bytes that were moved; removed on record is not lost."""
    return [key for key, value in attributes.items() if key.startswith(_READ_PREFIXES) and _is_lost(value)]


def _is_lost(value: Any) -> bool:
    if not (isinstance(value, dict) and BLOB_KEY in value):
        return False
    try:
        check_blob(str(value[BLOB_KEY]).removeprefix(DIGEST_PREFIX))
    except BlobErased:
        return False
    except (BlobMissing, DigestMismatch):
        return True
    return False


def _restore(marker: dict[str, Any]) -> Any:
    try:
        data = read_blob(_digest_of(marker))
        text = data.decode("utf-8")
        return text if str(marker.get("media_type", "")).startswith("text/") else json.loads(text)
    except (BlobErased, BlobMissing, DigestMismatch, ValueError):
        return marker
