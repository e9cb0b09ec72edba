"""Storing drafts as new versions: a fixed number of statements, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evidence import clock
from evidence.digests import digest_of
from evidence.models import ArtefactKind, ArtefactVersion, System
from evidence.services import audit, registry
from evidence.services.registry import VersionSpec
from requirements.drafts import RequirementDraft
from requirements.fingerprints import fingerprint
from requirements.lint import LintWarning, lint_requirements
from requirements.models import (
    AcceptanceCriterion,
    Requirement,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)
from requirements.selectors.known_names import drafts_of, known_names
from requirements.selectors.standing import NewestVersion


@dataclass(frozen=True, slots=True)
class NewDraft:
    """A draft that is to become a version, and what it replaces."""

    draft: RequirementDraft
    content_digest: str  # the draft's; taken once, because it is dear
    standing: NewestVersion | None  # None: nobody knows the requirement yet
    change: str = ""  # what the author says the change is; empty: nothing yet


def store_drafts(*, system: System, actor: str, drafts: Sequence[NewDraft]) -> list[RequirementVersion]:
    """Insert a version in draft for each, with its criteria and its event. Hold `Lock.REQUIREMENT_KEY` of the system.

    Each version's digest covers that of the one it replaces: going back to an earlier wording is a version of its own.
    """
    if not drafts:
        return []
    identities = registry.ensure_versions(
        system=system, kind=ArtefactKind.REQUIREMENT, specs=[_identity(new) for new in drafts], actor=actor
    )
    lint = lint_requirements([new.draft for new in drafts], known_names(system), drafts_of(system))
    requirements = _ensure_requirements(system, drafts, identities)
    versions = [
        _version(new.draft, requirement, identity, lint[new.draft.key], actor)
        for new, requirement, identity in zip(drafts, requirements, identities, strict=True)
    ]
    RequirementVersion.objects.insert_as_arrays(versions)
    for version, requirement, identity in zip(versions, requirements, identities, strict=True):
        version.requirement, version.artefact_version = requirement, identity
    _store_criteria(system, drafts, versions, actor)
    now = clock.now()
    RequirementTransition.objects.insert_as_arrays(
        [
            RequirementTransition.unsaved(
                version_id=version.pk,
                to_state=RequirementState.DRAFT.value,
                by=actor,
                reason="",
                at=now,
                change=new.change,
                fingerprint="",
            )
            for new, version in zip(drafts, versions, strict=True)
        ]
    )
    audit.record_many(
        verb="requirement_version.drafted",
        actor=actor,
        changes=[audit.Change(version, system, version.artefact_version.digest) for version in versions],
    )
    return versions


def _identity(new: NewDraft) -> VersionSpec:
    replaced = new.standing.version.artefact_version.digest if new.standing else None
    return VersionSpec(
        key=new.draft.key,
        digest=digest_of({"content": new.content_digest, "replaces": replaced}),
        metadata={"content_digest": new.content_digest, "replaces": replaced},
    )


def _ensure_requirements(
    system: System, drafts: Sequence[NewDraft], identities: Sequence[ArtefactVersion]
) -> list[Requirement]:
    """Return the stable half of each, inserted where it is new."""
    found: list[Requirement] = []
    made: list[Requirement] = []
    for new, identity in zip(drafts, identities, strict=True):
        if new.standing is not None:
            found.append(new.standing.requirement)
        else:
            made.append(
                Requirement.unsaved(system_id=system.pk, artefact_id=identity.artefact_id, key=new.draft.key)
            )
            found.append(made[-1])
    Requirement.objects.insert_as_arrays(made)
    for requirement in found:
        requirement.system = system
    return found


def _version(
    draft: RequirementDraft,
    requirement: Requirement,
    identity: ArtefactVersion,
    lint: Sequence[LintWarning],
    actor: str,
) -> RequirementVersion:
    return RequirementVersion.unsaved(
        requirement_id=requirement.pk,
        artefact_version_id=identity.pk,
        number=identity.number,
        external_id=draft.external_id,
        statement=dict(draft.statement),
        rationale=draft.rationale,
        risk_tier=str(draft.risk_tier),
        layer=str(draft.layer),
        owner=draft.owner,
        review_every_days=draft.review_every_days,
        lint=[warning.as_dict() for warning in lint],
        fingerprint=fingerprint(draft),
        proposed_by=actor,
    )


def _store_criteria(
    system: System, drafts: Sequence[NewDraft], versions: Sequence[RequirementVersion], actor: str
) -> None:
    """Insert the criteria. One that says what an earlier version's said keeps its identity."""
    pairs = [
        (version, criterion)
        for new, version in zip(drafts, versions, strict=True)
        for criterion in new.draft.criteria
    ]
    identities = registry.ensure_versions(
        system=system,
        kind=ArtefactKind.CRITERION,
        specs=[
            VersionSpec(f"{version.requirement.key}/{criterion.key}", criterion.digest)
            for version, criterion in pairs
        ],
        actor=actor,
    )
    AcceptanceCriterion.objects.insert_as_arrays(
        [
            AcceptanceCriterion.unsaved(
                version_id=version.pk,
                artefact_version_id=identity.pk,
                key=draft.key,
                check_name=draft.check,
                parameters=dict(draft.parameters),
                comparator=str(draft.comparator),
                threshold=draft.threshold,
                unit=draft.unit,
                min_n=draft.min_n,
                max_age_days=draft.max_age_days,
                bound_confidence=draft.bound_confidence,
                slices=[dict(where) for where in draft.slices],
            )
            for (version, draft), identity in zip(pairs, identities, strict=True)
        ]
    )
