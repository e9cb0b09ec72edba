"""`ro-crate-metadata.json`: the payload described as an RO-Crate 1.2 (https://w3id.org/ro/crate/1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evidence.binder.contents import Listing
from evidence.binder.statement import BinderFacts, iso_utc
from evidence.digests import canonical_json

CRATE_PATH: Final = "ro-crate-metadata.json"
_SPECIFICATION: Final = "https://w3id.org/ro/crate/1.2"


def crate_metadata(facts: BinderFacts, listings: Sequence[Listing]) -> bytes:
    """Return the JSON-LD that names each file with its type, digest, size and schema."""
    graph: list[dict[str, object]] = [
        {
            "@id": CRATE_PATH,
            "@type": "CreativeWork",
            "conformsTo": {"@id": _SPECIFICATION},
            "about": {"@id": "./"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"Evidence binder: {facts.system}",
            "description": facts.purpose,
            "identifier": facts.binder_id.urn,
            "datePublished": iso_utc(facts.as_of),
            "license": "All rights reserved by the organisation that exported it",
            "author": {"@id": "#producer"},
            "mainEntity": {"@id": "index.html"},
            "hasPart": [{"@id": listing.path} for listing in listings],
        },
        {
            "@id": "#producer",
            "@type": "SoftwareApplication",
            "name": facts.producer_id,
            "softwareVersion": facts.producer_version,
        },
    ]
    graph.extend(_file_entity(facts, listing) for listing in listings)
    return canonical_json({"@context": f"{_SPECIFICATION}/context", "@graph": graph})


def _file_entity(facts: BinderFacts, listing: Listing) -> dict[str, object]:
    entity: dict[str, object] = {
        "@id": listing.path,
        "@type": "File",
        "name": listing.title,
        "encodingFormat": listing.media_type,
        "contentSize": str(listing.size),
        "sha256": listing.digest,
        "author": {"@id": "#producer"},
        "dateCreated": iso_utc(facts.as_of),
    }
    if listing.schema:
        entity["conformsTo"] = {"@id": f"schemas/{listing.schema}.json"}
    return entity
