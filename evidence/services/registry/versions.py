"""Artefact versions: numbered when their content is first seen, and vouched for by a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max

from evidence import acts
from evidence.access import Principal
from evidence.errors import InvalidInput, NotFound
from evidence.locks import Lock, hold
from evidence.models import Artefact, ArtefactKind, ArtefactVersion, Blob, DigestBasis, Registration, System
from evidence.services import audit
from evidence.worded import worded


@transaction.atomic
def ensure_version(
    *,
    system: System,
    kind: str,
    key: str,
    label: str,
    digest: str,
    actor: str,
    basis: DigestBasis = DigestBasis.CONTENT,
    name: str = "",
    metadata: Mapping[str, Any] | None = None,
    blob: Blob | None = None,
) -> ArtefactVersion:
    """Return the version of this content, made and numbered first where it is new. It is not vouched for by this.

    Two callers with the same new content get the same row: the artefact is locked while a number is given.
    """
    if kind not in ArtefactKind.values:
        raise InvalidInput(
            worded(
                "%(kind)s is no kind of artefact: use one of %(kinds)s.",
                kind=repr(kind),
                kinds=", ".join(ArtefactKind.values),
            )
        )
    artefact, _ = Artefact.objects.get_or_create(
        system=system, kind=kind, key=key, defaults={"name": name or key}
    )
    found = artefact.versions.filter(digest=digest).first()
    if found is not None:
        return found
    hold(Lock.ARTEFACT, artefact.pk)
    found = artefact.versions.filter(digest=digest).first()
    if found is not None:
        return found
    last = artefact.versions.aggregate(last=Max("number"))["last"] or 0
    version = ArtefactVersion.objects.create(
        artefact=artefact,
        number=last + 1,
        label=label or str(last + 1),
        digest=digest,
        digest_basis=basis,
        metadata=dict(metadata or {}),
        blob=blob,
        created_by=actor,
    )
    audit.record(verb="artefact_version.created", actor=actor, obj=version, system=system, digest=digest)
    return version


def find_version(system: System, *, kind: str, key: str, digest: str) -> ArtefactVersion:
    """Return the version of this content.

    Raises:
        NotFound: the system has none on record.
    """
    versions = ArtefactVersion.objects.select_related("artefact__system", "registration")
    found = versions.filter(
        artefact__system=system, artefact__kind=kind, artefact__key=key, digest=digest
    ).first()
    if found is None:
        raise NotFound(
            worded(
                "System %(system_key)s has no %(kind)s %(key)s with digest %(digest)s on record: it "
                "comes there with the release that pins it, or with the first trace or eval run that "
                "names it.",
                system_key=repr(system.key),
                kind=kind,
                key=repr(key),
                digest=digest,
            )
        )
    return found


@transaction.atomic
def register_version(*, principal: Principal, version: ArtefactVersion, reason: str = "") -> Registration:
    """Vouch for a version on record, by an act of its own; vouching again changes nothing.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_register_version` does.
    """
    acts.check_can_register_version(principal, version)
    return record_registration(
        version=version, actor=principal.actor, basis=Registration.Basis.ACT, reason=reason
    )


@transaction.atomic
def record_registration(
    *, version: ArtefactVersion, actor: str, basis: Registration.Basis, reason: str = ""
) -> Registration:
    """Store that a version is vouched for, and by what; whether the actor may was decided where they acted."""
    registration, created = Registration.objects.get_or_create(
        version=version, defaults={"registered_by": actor, "reason": reason, "basis": basis}
    )
    if created:
        system = version.artefact.system
        audit.record(
            verb="artefact_version.registered", actor=actor, obj=version, system=system, digest=version.digest,
            payload={"basis": basis.value, "reason": reason},
        )  # fmt: skip
    return registration
