"""From what a span calls a version to the version in the registry.

The digest wins over label and name. What the registry does not know becomes a version without a registration:
never dropped, flagged on the trace, and found in the "to register" list (versions without a `Registration`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from evidence.digests import digest_of
from evidence.models import ArtefactVersion, DigestBasis, System
from evidence.semconv.draft import Flag, VersionRef
from evidence.services import registry

UNSTATED_LABEL: Final = "unstated"
ACTOR: Final = "system:assembler"

SystemRef = tuple[int, VersionRef]
"""A system's primary key, and a reference made by one of its traces."""


@dataclass(frozen=True, slots=True)
class ResolvedVersion:
    """The version a reference leads to, and what a reader of the trace should know about it."""

    version: ArtefactVersion
    registered: bool
    flags: tuple[Flag, ...]


def resolve_versions(
    refs: Iterable[SystemRef], *, systems: Mapping[int, System]
) -> dict[SystemRef, ResolvedVersion]:
    """Return the version of each reference; two queries, and more only where a version is new.

    Call it inside the transaction of what uses the versions.
    """
    wanted = sorted(set(refs))
    known = _load_known(wanted)
    resolved: dict[SystemRef, ResolvedVersion] = {}
    for system_id, ref in wanted:
        candidates = known.get((system_id, ref.kind), [])
        found = _by_digest(ref, candidates) if ref.digest else _by_label(ref, candidates)
        if found is None:
            found = ResolvedVersion(_create(systems[system_id], ref), registered=False, flags=())
        resolved[system_id, ref] = _with_registration_flag(ref, found)
    return resolved


def _load_known(refs: Sequence[SystemRef]) -> dict[tuple[int, str], list[ArtefactVersion]]:
    """Return the versions that any reference may mean, by system and kind, oldest first."""
    if not refs:
        return {}
    versions = ArtefactVersion.objects.filter(artefact__system__in={system_id for system_id, _ in refs})
    versions = versions.select_related("artefact", "registration").order_by("pk")
    digests = {ref.digest for _, ref in refs if ref.digest} | {
        _label_digest(ref) for _, ref in refs if not ref.digest
    }
    labels = {ref.label for _, ref in refs if not ref.digest}
    keys = {key for _, ref in refs if not ref.digest for key in (ref.key, ref.label)}
    by_digest = versions.filter(digest__in=digests)
    by_label = versions.filter(artefact__key__in=keys, label__in=labels)
    known: dict[tuple[int, str], list[ArtefactVersion]] = {}
    for version in {version.pk: version for version in [*by_digest, *by_label]}.values():
        known.setdefault((version.artefact.system_id, version.artefact.kind), []).append(version)
    return known


def _by_digest(ref: VersionRef, candidates: Sequence[ArtefactVersion]) -> ResolvedVersion | None:
    same = [version for version in candidates if version.digest == ref.digest]
    if not same:
        return None
    version = next((one for one in same if one.artefact.key == ref.key), same[0])
    flags = []
    if ref.key and version.artefact.key != ref.key:
        flags.append(
            _flag("version_name_differs", ref, f"its digest is registered as {version.artefact.key!r}")
        )
    if ref.label and version.label != ref.label:
        flags.append(_flag("version_label_differs", ref, f"its digest is registered as {version.label!r}"))
    return ResolvedVersion(version, _is_registered(version), tuple(flags))


def _by_label(ref: VersionRef, candidates: Sequence[ArtefactVersion]) -> ResolvedVersion | None:
    """Return the one version of this label whose content is known, else the stand-in made for the label before."""
    named = [version for version in candidates if version.artefact.key == ref.key]
    # Registered under the name of its snapshot, as one that answered by that name was kept before.
    named = named or [version for version in candidates if version.artefact.key == ref.label]
    content = [one for one in named if one.label == ref.label and one.digest_basis == DigestBasis.CONTENT]
    if ref.label and len(content) == 1:
        return ResolvedVersion(content[0], _is_registered(content[0]), ())
    ambiguous = (
        (_flag("version_ambiguous", ref, f"{len(content)} versions have this label"),)
        if ref.label and content
        else ()
    )
    stand_in = next((one for one in named if one.digest == _label_digest(ref)), None)
    return ResolvedVersion(stand_in, _is_registered(stand_in), ambiguous) if stand_in else None


def _create(system: System, ref: VersionRef) -> ArtefactVersion:
    return registry.ensure_version(
        system=system,
        kind=ref.kind,
        key=ref.key or f"unnamed-{(ref.digest or _label_digest(ref))[:12]}",
        label=ref.label or UNSTATED_LABEL,
        digest=ref.digest or _label_digest(ref),
        basis=DigestBasis.CONTENT if ref.digest else DigestBasis.LABEL,
        actor=ACTOR,
    )


def _label_digest(ref: VersionRef) -> str:
    """Return the identity of a version of which only a label was seen."""
    return digest_of({"kind": ref.kind, "key": ref.key, "label": ref.label or UNSTATED_LABEL})


def _is_registered(version: ArtefactVersion) -> bool:
    return hasattr(version, "registration")


def _with_registration_flag(ref: VersionRef, found: ResolvedVersion) -> ResolvedVersion:
    if found.registered:
        return found
    return replace(
        found, flags=(*found.flags, _flag("version_unregistered", ref, "nobody has registered it"))
    )


def _flag(code: str, ref: VersionRef, what: str) -> Flag:
    name = " ".join(part for part in (ref.kind, ref.key, ref.label, ref.digest[:12]) if part)
    return Flag(code, f"{name}: {what}")
