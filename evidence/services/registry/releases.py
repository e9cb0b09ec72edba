"""Releases, frozen with all they pin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.digests import digest_of, sha256_hex
from evidence.errors import ConflictingContent, InvalidInput, NotFound
from evidence.limits import check_count
from evidence.models import (
    INTERNAL_KINDS,
    RELEASE_KINDS,
    ArtefactVersion,
    Release,
    ReleasePin,
    SourceDocument,
    System,
)
from evidence.services import audit
from evidence.services.registry.versions import ensure_version
from evidence.worded import worded


@dataclass(frozen=True, slots=True)
class DocumentSpec:
    """A document of an index version."""

    document_id: str
    title: str
    language: str  # BCP 47
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the UTF-8 text."""
        return sha256_hex(self.text.encode("utf-8"))


@dataclass(frozen=True, slots=True)
class PinSpec:
    """One pin of a release. An index may leave its digest out: it is computed from its documents."""

    slot: str
    kind: str
    key: str
    label: str
    digest: str = ""
    name: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    documents: Sequence[DocumentSpec] = ()


@dataclass(frozen=True, slots=True)
class ReleaseManifest:
    """What is released together."""

    name: str
    pins: Sequence[PinSpec]


def index_digest(documents: Sequence[DocumentSpec]) -> str:
    """Return the digest of an index version: over its sorted (document id, document digest) pairs."""
    return digest_of(sorted([document.document_id, document.digest] for document in documents))


@transaction.atomic
def register_release(*, principal: Principal, system: System, manifest: ReleaseManifest) -> Release:
    """Put every pinned version on record with its documents, and freeze them as a release.

    Pinning a version vouches for nothing: `register_version` does, and until then no gate lets the release through. The
    same manifest again returns the first row.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_register_release` does.
        InvalidInput: no pins or too many, a slot or a document of an index twice, a pin of what no release is made of
            nor measured with, or one with neither digest nor documents.
        ConflictingContent: the release's name is taken by other pins, or an index digest does not fit its documents.
    """
    acts.check_can_register_release(principal, system)
    _check_pins(manifest.pins)
    versions = {pin.slot: _record_pin(system=system, pin=pin, actor=principal.actor) for pin in manifest.pins}
    digest = digest_of({slot: version.digest for slot, version in versions.items()})
    release, created = Release.objects.get_or_create(
        system=system, name=manifest.name, defaults={"digest": digest, "created_by": principal.actor}
    )
    if not created:
        if release.digest != digest:
            raise ConflictingContent(
                worded(
                    "Release %(manifest_name)s exists with other pins: releases are frozen, name a new one.",
                    manifest_name=repr(manifest.name),
                )
            )
        return release
    ReleasePin.objects.bulk_create(
        ReleasePin(release=release, slot=slot, version=version) for slot, version in versions.items()
    )
    audit.record(verb="release.frozen", actor=principal.actor, obj=release, system=system, digest=digest)
    return release


def find_release(system: System, name: str) -> Release:
    """Return a release by name.

    Raises:
        NotFound: the system has no release of that name.
    """
    release = Release.objects.filter(system=system, name=name).first()
    if release is None:
        raise NotFound(
            worded(
                "System %(system_key)s has no release %(name)s. Register it first.",
                system_key=repr(system.key),
                name=repr(name),
            )
        )
    return release


def _check_pins(pins: Sequence[PinSpec]) -> None:
    check_count(len(pins), "MAX_PINS", worded("The pins of a release"))
    for pin in pins:
        check_count(
            len(pin.documents), "MAX_DOCUMENTS", worded("The documents of pin %(pin)s", pin=repr(pin.slot))
        )
    slots = [pin.slot for pin in pins]
    if not slots or len(set(slots)) != len(slots):
        raise InvalidInput(worded("A release needs at least one pin, and each slot at most once."))
    for pin in pins:
        if pin.kind in INTERNAL_KINDS:
            raise InvalidInput(
                worded(
                    "Pin %(slot)s is of kind `%(kind)s`: leave it out. A release pins what the system "
                    "runs on; dictionaries, detectors and probes are named by probe specifications.",
                    slot=repr(pin.slot),
                    kind=pin.kind,
                )
            )
        if pin.kind not in RELEASE_KINDS:
            raise InvalidInput(
                worded(
                    "Pin %(slot)s is of kind `%(kind)s`: leave it out. Gates and requirements are "
                    "proposed and approved; a release is judged by those in force.",
                    slot=repr(pin.slot),
                    kind=pin.kind,
                )
            )


def _record_pin(*, system: System, pin: PinSpec, actor: str) -> ArtefactVersion:
    digest = pin.digest
    if twice := _first_repeated([document.document_id for document in pin.documents]):
        raise InvalidInput(
            worded(
                "Pin %(slot)s names document %(twice)s twice: give each document its own id.",
                slot=repr(pin.slot),
                twice=repr(twice),
            )
        )
    if pin.documents:
        computed = index_digest(pin.documents)
        if digest and digest != computed:
            raise ConflictingContent(
                worded(
                    "Pin %(slot)s says digest %(digest)s, its documents have %(computed)s.",
                    slot=repr(pin.slot),
                    digest=digest,
                    computed=computed,
                )
            )
        digest = computed
    if not digest:
        raise InvalidInput(
            worded(
                "Pin %(slot)s has neither a digest nor documents to compute one from.", slot=repr(pin.slot)
            )
        )
    version = ensure_version(
        system=system, kind=pin.kind, key=pin.key, label=pin.label, digest=digest, actor=actor,
        name=pin.name, metadata=pin.metadata,
    )  # fmt: skip
    if not version.documents.exists():
        SourceDocument.objects.bulk_create(
            SourceDocument(
                index_version=version,
                document_id=document.document_id,
                title=document.title,
                language=document.language,
                digest=document.digest,
                text=document.text,
            )
            for document in pin.documents
        )
    return version


def _first_repeated(names: Sequence[str]) -> str:
    """Return the first name that stands there twice, or nothing."""
    counts = Counter(names)
    return next((name for name in names if counts[name] > 1), "")
