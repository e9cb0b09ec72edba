"""Requirements and their versions, imported from files or saved one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from evidence import clock
from evidence.access import Principal
from evidence.digests import digest_of, sha256_hex
from evidence.locks import Lock, hold, hold_each
from evidence.models import ArtefactKind, ArtefactVersion, System
from evidence.services import audit, registry
from requirements import acts
from requirements.drafts import CriterionDraft, RequirementDraft
from requirements.fingerprints import fingerprint
from requirements.lint import LintWarning, lint_requirement, lint_requirements
from requirements.models import (
    AcceptanceCriterion,
    Change,
    Requirement,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)
from requirements.selectors.known_names import drafts_of, known_names
from requirements.selectors.requirements import still_stands
from requirements.selectors.wording import draft_of
from requirements.services.baselines import freeze_baseline
from requirements.services.editorial import check_editorial
from requirements.yaml_import import parse_requirement_file


@dataclass(frozen=True, slots=True)
class ImportedRequirement:
    """What one requirement of a file became."""

    version: RequirementVersion
    created: bool  # False: the file says what the newest version says already
    line: int  # of the file, from 1


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What a file became, in its order."""

    requirements: tuple[ImportedRequirement, ...]
    baseline: str | None  # name of the baseline the file freezes, where it names one

    @property
    def n_created(self) -> int:
        """How many versions are new."""
        return sum(item.created for item in self.requirements)


@transaction.atomic
def import_requirements(
    *, principal: Principal, system: System, source: bytes, file_name: str
) -> ImportResult:
    """Store a requirement file whole: each changed requirement becomes a new version in draft.

    The same file again changes nothing and answers the same.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_import_requirements` does.
        RequirementFileInvalid: every fault of the file, each with its line; nothing was stored.
        ConflictingBaseline: the file's baseline is frozen with other members.
    """
    acts.check_can_import_requirements(principal, system)
    parsed = parse_requirement_file(source, file_name)
    hold_each(Lock.REQUIREMENT_KEY, [(system.pk, draft.key) for draft in parsed.requirements])
    lint = lint_requirements(parsed.requirements, known_names(system), drafts_of(system))
    imported = []
    for draft in parsed.requirements:
        version, created = save_requirement(
            principal=principal,
            system=system,
            draft=draft,
            source_digest=sha256_hex(source),
            lint=lint[draft.key],
        )
        imported.append(ImportedRequirement(version, created, parsed.lines[draft.key]))
    if parsed.baseline is not None:
        versions = [item.version for item in imported]
        freeze_baseline(principal=principal, system=system, name=parsed.baseline, versions=versions)
    return ImportResult(tuple(imported), parsed.baseline)


@transaction.atomic
def save_requirement(
    *,
    principal: Principal,
    system: System,
    draft: RequirementDraft,
    source_digest: str = "",
    lint: Sequence[LintWarning] | None = None,
    change: str = "",
) -> tuple[RequirementVersion, bool]:
    """Store a requirement as a new version in draft, unless its newest version says the same and was not retired.

    Going back to an earlier wording is a change too, and gets a number of its own: each version's digest
    covers the digest of the one it replaces.

    Args:
        source_digest: of the file it came from, for the audit event.
        lint: what the linter says of it; None: it is asked.
        change: what the author says the change is, `editorial` or `substantive`; empty: nothing yet. It can be said
            when the version is proposed, too.

    Returns:
        The newest version, and whether it is new.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_import_requirements` does.
        NotEditorial: it is said to be editorial, and is not.
    """
    acts.check_can_import_requirements(principal, system)
    actor = principal.actor
    hold(Lock.REQUIREMENT_KEY, system.pk, draft.key)
    requirement = Requirement.objects.filter(system=system, key=draft.key).first()
    newest = requirement.versions.order_by("-number").first() if requirement else None
    if newest is not None and _says(newest, draft) and still_stands(newest):
        return newest, False
    if change == Change.EDITORIAL:
        check_editorial(draft_of(newest) if newest else None, draft)
    replaced = newest.artefact_version.digest if newest else None
    identity = registry.ensure_version(
        system=system,
        kind=ArtefactKind.REQUIREMENT,
        key=draft.key,
        label="",
        digest=digest_of({"content": draft.digest, "replaces": replaced}),
        actor=actor,
        metadata={"content_digest": draft.digest, "replaces": replaced},
    )
    if requirement is None:
        requirement = Requirement.objects.create(system=system, artefact=identity.artefact, key=draft.key)
    if lint is None:
        lint = lint_requirement(draft, known_names(system), drafts_of(system))
    version = _create_version(requirement, identity, draft, lint, actor, change)
    audit.record(
        verb="requirement_version.drafted",
        actor=actor,
        obj=version,
        system=system,
        digest=identity.digest,
        payload={"file": source_digest} if source_digest else None,
    )
    return version, True


def _says(version: RequirementVersion, draft: RequirementDraft) -> bool:
    return bool(version.artefact_version.metadata["content_digest"] == draft.digest)


def _create_version(
    requirement: Requirement,
    identity: ArtefactVersion,
    draft: RequirementDraft,
    lint: Sequence[LintWarning],
    actor: str,
    change: str,
) -> RequirementVersion:
    """Insert the version with its criteria, in draft."""
    version = RequirementVersion.objects.create(
        requirement=requirement,
        artefact_version=identity,
        number=identity.number,
        statement=dict(draft.statement),
        rationale=draft.rationale,
        risk_tier=draft.risk_tier,
        layer=draft.layer,
        owner=draft.owner,
        review_every_days=draft.review_every_days,
        lint=[warning.as_dict() for warning in lint],
        fingerprint=fingerprint(draft),
        proposed_by=actor,
    )
    for criterion in draft.criteria:
        _create_criterion(version, criterion, actor)
    RequirementTransition.objects.create(
        version=version, to_state=RequirementState.DRAFT, by=actor, reason="", at=clock.now(), change=change
    )
    return version


def _create_criterion(version: RequirementVersion, draft: CriterionDraft, actor: str) -> AcceptanceCriterion:
    requirement = version.requirement
    identity = registry.ensure_version(
        system=requirement.system,
        kind=ArtefactKind.CRITERION,
        key=f"{requirement.key}/{draft.key}",
        label="",
        digest=draft.digest,
        actor=actor,
    )
    return AcceptanceCriterion.objects.create(
        version=version,
        artefact_version=identity,
        key=draft.key,
        check_name=draft.check,
        parameters=dict(draft.parameters),
        comparator=draft.comparator,
        threshold=draft.threshold,
        unit=draft.unit,
        min_n=draft.min_n,
        max_age_days=draft.max_age_days,
        bound_confidence=draft.bound_confidence,
        slices=[dict(where) for where in draft.slices],
    )
