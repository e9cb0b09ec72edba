"""Applying a plan: whole, or not at all, with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from evidence.access import Principal
from evidence.locks import Lock, hold
from evidence.models import System
from evidence.services import audit
from evidence.services.blobs import store_blob
from evidence.worded import worded
from requirements import acts
from requirements.errors import ImportPlanMoved, KeyOfAnotherFile
from requirements.models import RequirementVersion, SourceFile, SourceFileEntry, SourceFileImport
from requirements.selectors.links import named_links
from requirements.services.baselines import freeze_baseline
from requirements.services.drafting import NewDraft, store_drafts
from requirements.services.file_links import store_links
from requirements.services.importing.consequences import DroppedLink, consequences_of, dropped_links
from requirements.services.importing.contracts import NO_MOVES, ImportPlan, Moves, SourceText, Step
from requirements.services.importing.planning import draw_plan
from requirements.services.importing.telling import told_plan

_MEDIA_TYPE = "application/yaml"


@dataclass(frozen=True, slots=True)
class ImportedRequirement:
    """What one requirement of a file became."""

    version: RequirementVersion
    created: bool  # False: the file says what the newest version says already
    line: int  # of the file, from 1
    file: str
    step: Step


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What some files became, in their order."""

    requirements: tuple[ImportedRequirement, ...]
    plan: ImportPlan
    links_dropped: tuple[DroppedLink, ...]  # that stay until somebody withdraws them

    @property
    def baseline(self) -> str | None:
        """The name of the baseline that the first file that names one freezes."""
        return next((file.baseline for file in self.plan.files if file.baseline), None)

    @property
    def n_created(self) -> int:
        """How many versions are new."""
        return sum(item.created for item in self.requirements)


def import_requirements(
    *, principal: Principal, system: System, source: bytes, file_name: str
) -> ImportResult:
    """Store one requirement file; as `import_files`."""
    return import_files(principal=principal, system=system, sources=[SourceText(file_name, source)])


@transaction.atomic
def import_files(
    *,
    principal: Principal,
    system: System,
    sources: Sequence[SourceText],
    moves: Moves = NO_MOVES,
    plan_digest: str | None = None,
) -> ImportResult:
    """Store requirement files whole: each changed requirement becomes a new version in draft.

    The same files again change nothing and answer the same. A requirement belongs to the file that brought it; what
    a file no longer holds is on record as dropped, and stays until somebody retires it.

    Args:
        moves: what may leave the file that owns it.
        plan_digest: of the plan that was read; None: whatever the plan is now.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_import_requirements` does.
        RequirementFileInvalid, InvalidInput: as `plan_import` and `store_links` do; nothing was stored.
        KeyOfAnotherFile: a requirement is another file's, or its key or external id clashes with another's.
        ImportPlanMoved: the plan is another by now.
        ConflictingBaseline: a file's baseline is frozen with other members.
    """
    acts.check_can_import_requirements(principal, system)
    hold(Lock.REQUIREMENT_KEY, system.pk)
    plan = draw_plan(system, sources, moves)
    if plan_digest is not None and plan.digest != plan_digest:
        raise ImportPlanMoved(
            worded(
                "What this import would do is no longer what was planned: read the plan as it is now, and apply that."
            ),
            told_plan(plan, consequences_of(principal, system, plan)),
        )
    if plan.conflicts:
        raise KeyOfAnotherFile([conflict.problem for conflict in plan.conflicts])
    new = [step for step in plan.steps if step.is_new_version]
    made = store_drafts(
        system=system,
        actor=principal.actor,
        drafts=[
            NewDraft(step.draft, step.content_digest, step.standing) for step in new if step.draft is not None
        ],
    )
    versions = {step.key: step.standing.version for step in plan.steps if step.standing is not None}
    versions |= {version.requirement.key: version for version in made}
    if plan.changes_anything:
        _record_files(principal, system, sources, plan, versions)
    links = [link for file in plan.files for link in file.links]
    stored = named_links(system)
    store_links(principal=principal, system=system, drafts=links, stored=stored)
    _freeze_baselines(principal, system, plan, versions)
    created = {step.key for step in new}
    imported = tuple(
        ImportedRequirement(versions[step.key], step.key in created, step.line, step.file, step)
        for step in plan.steps
        if step.line is not None
    )
    return ImportResult(imported, plan, dropped_links(plan, stored))


def _freeze_baselines(
    principal: Principal, system: System, plan: ImportPlan, versions: Mapping[str, RequirementVersion]
) -> None:
    for file in plan.files:
        if file.baseline is not None:
            freeze_baseline(
                principal=principal,
                system=system,
                name=file.baseline,
                versions=[versions[key] for key in file.keys],
            )


def _record_files(
    principal: Principal,
    system: System,
    sources: Sequence[SourceText],
    plan: ImportPlan,
    versions: Mapping[str, RequirementVersion],
) -> None:
    """Insert what each file that says something new became; the bytes of all are kept together."""
    recorded = [step for step in plan.steps if step.is_recorded]
    speaking = {step.file for step in recorded} | {f.name for f in plan.files if not f.is_as_imported}
    told = [(f, s) for f, s in zip(plan.files, sources, strict=True) if f.name in speaking]
    files = _ensure_files(system, [file.name for file, _ in told])
    blob = store_blob(b"".join(each.source for _, each in told), _MEDIA_TYPE)
    rows, offset, digest = {}, 0, plan.digest
    for file, each in told:
        rows[file.name] = SourceFileImport.unsaved(
            source_file_id=files[file.name].pk,
            blob_id=blob.digest,
            digest=file.digest,
            offset=offset,
            size=len(each.source),
            plan_digest=digest,
            imported_by=principal.actor,
        )
        offset += len(each.source)
    SourceFileImport.objects.insert_as_arrays(list(rows.values()))
    SourceFileEntry.objects.insert_as_arrays(
        [
            SourceFileEntry.unsaved(
                file_import_id=rows[step.file].pk,
                requirement_id=versions[step.key].requirement_id,
                version_id=versions[step.key].pk,
                change=step.act.value,
                line=step.line,
            )
            for step in recorded
        ]
    )
    audit.record_many(
        verb="requirement_file.imported",
        actor=principal.actor,
        changes=[audit.Change(row, system, row.digest) for row in rows.values()],
    )


def _ensure_files(system: System, names: Sequence[str]) -> dict[str, SourceFile]:
    found = {each.name: each for each in SourceFile.objects.filter(system=system, name__in=names)}
    made = [SourceFile.unsaved(system_id=system.pk, name=name) for name in names if name not in found]
    SourceFile.objects.insert_as_arrays(made)
    return found | {each.name: each for each in made}
