"""Many versions at once: a fixed number of statements, however many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Max

from evidence.any_of import any_of_keys, any_of_texts
from evidence.errors import InvalidInput
from evidence.models import Artefact, ArtefactKind, ArtefactVersion, DigestBasis, System
from evidence.services import audit
from evidence.worded import worded


@dataclass(frozen=True, slots=True)
class VersionSpec:
    """The content of one version of an artefact."""

    key: str
    digest: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def ensure_versions(
    *, system: System, kind: str, specs: Sequence[VersionSpec], actor: str
) -> list[ArtefactVersion]:
    """Return the version of each content, made and numbered first where it is new; otherwise as `ensure_version`.

    Hold a lock under which nobody else makes versions of these artefacts: a lock for each would be more than PostgreSQL
    keeps. Who does not is refused by the unique numbers, and stores nothing.

    Args:
        specs: no two with the same key.

    Raises:
        InvalidInput: nobody knows this kind of artefact.
    """
    if kind not in ArtefactKind.values:
        raise InvalidInput(
            worded(
                "%(kind)s is no kind of artefact: use one of %(kinds)s.",
                kind=repr(kind),
                kinds=", ".join(ArtefactKind.values),
            )
        )
    artefacts = _ensure_artefacts(system, kind, [spec.key for spec in specs])
    keys, digests = [each.pk for each in artefacts.values()], [spec.digest for spec in specs]
    there = {
        (version.artefact_id, version.digest): version
        for version in ArtefactVersion.objects.filter(
            any_of_keys("artefact_id", keys), any_of_texts("digest", digests)
        )
    }
    missing = [spec for spec in specs if (artefacts[spec.key].pk, spec.digest) not in there]
    made = _number(missing, artefacts, actor)
    ArtefactVersion.objects.insert_as_arrays(made)
    audit.record_many(
        verb="artefact_version.created",
        actor=actor,
        changes=[audit.Change(version, system, version.digest) for version in made],
    )
    there |= {(version.artefact_id, version.digest): version for version in made}
    found = []
    for spec in specs:
        artefact = artefacts[spec.key]
        version = there[artefact.pk, spec.digest]
        version.artefact = artefact
        found.append(version)
    return found


def _ensure_artefacts(system: System, kind: str, keys: Sequence[str]) -> dict[str, Artefact]:
    """Return the artefact of each key, made where it is new."""
    there = Artefact.objects.filter(any_of_texts("key", keys), system=system, kind=kind)
    found = {each.key: each for each in there}
    made = [
        Artefact.unsaved(system_id=system.pk, kind=kind, key=key, name=key)
        for key in dict.fromkeys(keys)
        if key not in found
    ]
    Artefact.objects.insert_as_arrays(made)
    for artefact in [*found.values(), *made]:
        artefact.system = system
    return found | {artefact.key: artefact for artefact in made}


def _number(
    specs: Sequence[VersionSpec], artefacts: Mapping[str, Artefact], actor: str
) -> list[ArtefactVersion]:
    """Return unsaved versions with the next number of each artefact."""
    ids = [artefacts[spec.key].pk for spec in specs]
    counted = (
        ArtefactVersion.objects.filter(any_of_keys("artefact_id", ids)).order_by().values_list("artefact")
    )
    last = dict(counted.annotate(last=Max("number")))
    numbers = [last.get(artefact, 0) + 1 for artefact in ids]
    return [
        ArtefactVersion.unsaved(
            artefact_id=artefact,
            number=number,
            label=str(number),
            digest=spec.digest,
            digest_basis=DigestBasis.CONTENT,
            metadata=dict(spec.metadata),
            created_by=actor,
        )
        for spec, artefact, number in zip(specs, ids, numbers, strict=True)
    ]
