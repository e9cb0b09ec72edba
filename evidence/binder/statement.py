"""The in-toto Statement v1 that a binder's signature covers: of what, by whom, and what it does not claim."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from evidence.digests import canonical_json

FORMAT_VERSION: Final = "1.0"
PRODUCER_VERSION: Final = 12  # of binder/N: grows when the same evidence would give other bytes
STATEMENT_V1: Final = "https://in-toto.io/Statement/v1"
BINDER_PREDICATE: Final = "https://tracebinder.example/attestation/evidence-binder/v1"
CONTAINER_PREDICATE: Final = "https://tracebinder.example/attestation/binder-container/v1"
BINDER_NAMESPACE: Final = uuid.UUID("26adbb88-7cf1-5963-82e4-fbde94019fb9")
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"
NON_CLAIMS: Final = (
    "no opinion on legal compliance",
    "integrity is not truth: what is packed here is what was recorded, whether or not it was right",
    "a citation verdict says that a quotation is in a source, not that the claim follows from it",
    "interpretability findings support or counter other evidence; they satisfy nothing on their own",
)


@dataclass(frozen=True, slots=True)
class PreviousBinder:
    """The binder of the same scope, as of an earlier time, that was exported before this one's `asOf`."""

    binder_id: uuid.UUID
    as_of: datetime
    digest: str  # SHA-256 of its ZIP


@dataclass(frozen=True, slots=True)
class BinderFacts:
    """What a binder says about itself besides its files.

    Attributes:
        binder_id: derived from the scope, so that the same scope has the same name everywhere.
        period_from: start of the period whose traces are packed, inclusive.
        period_to: its end, exclusive.
        as_of: nothing recorded after this instant is in the binder.
        log: origin, vkey, treeSize and rootHash of the log's last checkpoint, or None without a log.
        producer_version: version of the code that packed it.
        redacted: whether bytes were withheld; they are then listed in `redactions.json`.
    """

    binder_id: uuid.UUID
    system: str
    purpose: str
    period_from: datetime
    period_to: datetime
    as_of: datetime
    producer_id: str
    producer_version: str
    log: Mapping[str, object] | None = None
    previous: PreviousBinder | None = None
    redacted: bool = False
    retention_until: datetime | None = None
    legal_hold: bool = False

    @property
    def name(self) -> str:
        """Name of the bag's folder, and how that of the ZIP begins."""
        return f"binder-{self.binder_id}"


@dataclass(frozen=True, slots=True)
class BinderPopulation:
    """How many members a list had, and the SHA-256 of the list, so that none can be left out unseen."""

    name: str
    count: int
    digest: str
    path: str


def binder_uuid(scope_digest: str) -> uuid.UUID:
    """Return the id of the binder with this scope: name-based (RFC 9562 version 5), so no clock is in it."""
    return uuid.uuid5(BINDER_NAMESPACE, scope_digest)


def iso_utc(moment: datetime) -> str:
    """Return an aware time as `2026-11-22T09:00:00Z`, with microseconds only where there are any.

    Raises:
        ValueError: the time has no zone.
    """
    if moment.utcoffset() is None:
        raise ValueError("a time in a binder needs its zone")
    text = moment.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def binder_statement(
    *,
    facts: BinderFacts,
    tag_manifest_digest: str,
    populations: Sequence[BinderPopulation],
    requirements: Mapping[str, int],
) -> bytes:
    """Return the canonical bytes of the statement over one bag."""
    predicate: dict[str, object] = {
        "formatVersion": FORMAT_VERSION,
        "binderId": facts.binder_id.urn,
        "system": facts.system,
        "purpose": facts.purpose,
        "period": {"from": iso_utc(facts.period_from), "to": iso_utc(facts.period_to)},
        "asOf": iso_utc(facts.as_of),
        "producer": {"id": facts.producer_id, "version": facts.producer_version},
        "requirements": {"total": sum(requirements.values()), **requirements},
        "populations": [
            {"name": p.name, "count": p.count, "digest": p.digest, "sampled": p.count, "path": p.path}
            for p in populations
        ],
        "redacted": facts.redacted,
        "variantOf": None,
        "log": dict(facts.log) if facts.log is not None else None,
        "previousBinder": _named(facts.previous),
        "retention": {
            "until": iso_utc(facts.retention_until) if facts.retention_until else None,
            "legalHold": facts.legal_hold,
        },
        "nonClaims": list(NON_CLAIMS),
    }
    return _statement(
        subject=TAG_MANIFEST, digest=tag_manifest_digest, kind=BINDER_PREDICATE, predicate=predicate
    )


def _named(previous: PreviousBinder | None) -> dict[str, object] | None:
    if previous is None:
        return None
    return {
        "binderId": previous.binder_id.urn,
        "asOf": iso_utc(previous.as_of),
        "zipSha256": previous.digest,
    }


def container_statement(*, facts: BinderFacts, zip_digest: str) -> bytes:
    """Return the canonical bytes of the statement over the ZIP itself: the sidecar's payload."""
    predicate = {"formatVersion": FORMAT_VERSION, "binderId": facts.binder_id.urn}
    return _statement(
        subject=f"{facts.name}.zip", digest=zip_digest, kind=CONTAINER_PREDICATE, predicate=predicate
    )


def _statement(*, subject: str, digest: str, kind: str, predicate: Mapping[str, object]) -> bytes:
    return canonical_json(
        {
            "_type": STATEMENT_V1,
            "subject": [{"name": subject, "digest": {"sha256": digest}}],
            "predicateType": kind,
            "predicate": dict(predicate),
        }
    )
