"""Attribute values that ingest moved to the blob store, brought back for reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from evidence.digests import DIGEST_PREFIX
from evidence.errors import BlobErased, BlobMissing, DigestMismatch
from evidence.otlp.values import BLOB_KEY
from evidence.services.blobs import check_blob, read_blob

_READ_PREFIXES: Final = ("tracebinder.", "gen_ai.", "input.", "output.")


def restore_large_values(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the attributes with moved values put back where the mapping reads them.

    A blob that is missing, removed or damaged leaves its marker, which the mapping flags.
    """
    moved = [key for key, value in attributes.items() if isinstance(value, dict) and BLOB_KEY in value]
    wanted = [key for key in moved if key.startswith(_READ_PREFIXES)]
    return {**attributes, **{key: _restore(attributes[key]) for key in wanted}} if wanted else attributes


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
        data = read_blob(str(marker[BLOB_KEY]).removeprefix(DIGEST_PREFIX))
        text = data.decode("utf-8")
        return text if str(marker.get("media_type", "")).startswith("text/") else json.loads(text)
    except (BlobErased, BlobMissing, DigestMismatch, ValueError):
        return marker
