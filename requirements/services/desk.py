"""The author's desk: one requirement, looked at without storing it, and saved or proposed as it was read.

Whoever saves names the version and the state that they wrote it against, so that of two authors neither writes over the
other. What a file owns is changed in that file: the next import would turn it back (decision 0064).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from evidence.access import Principal
from evidence.errors import Fault, InvalidInput
from evidence.locks import Lock, hold
from evidence.models import System
from evidence.worded import worded
from requirements import acts
from requirements.drafts import RequirementDraft
from requirements.errors import DraftOutdated, KeyOfAnotherFile
from requirements.lint import LintWarning, lint_requirement, lint_statement, not_covered
from requirements.models import (
    Change,
    Requirement,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)
from requirements.selectors.desk import owner_of
from requirements.selectors.known_names import drafts_of, known_names
from requirements.selectors.requirements import show_standing
from requirements.selectors.standing import NewestVersion, standing_of
from requirements.services.file_links import find_missing_ends, store_links
from requirements.services.requirements import save_requirement
from requirements.services.transitions import NOTHING_READ, WhatWasRead, tell_step, transition_requirement
from requirements.yaml_import import FileProblem, Reading


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to say of a requirement that nobody stored."""

    faults: tuple[FileProblem, ...]  # what keeps it from being saved
    warnings: tuple[FileProblem, ...]  # what is no fault and may not be meant
    lint: tuple[LintWarning, ...]  # with faults elsewhere, of its words alone
    not_covered: tuple[str, ...]  # languages that the linter has no rules for


def check_draft(*, principal: Principal, system: System, reading: Reading) -> Found:
    """Say what is wrong and what is doubtful about a requirement. Nothing is stored.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_import_requirements` does.
    """
    acts.check_can_import_requirements(principal, system)
    faults = reading.faults
    if reading.draft is not None:
        faults = (*faults, *find_missing_ends(system, reading.links, besides=_own_ends(reading.draft)))
        lint = lint_requirement(reading.draft, known_names(system), drafts_of(system))
    else:
        lint = [one for language, text in reading.statement.items() for one in lint_statement(text, language)]
    return Found(faults, reading.warnings, tuple(lint), tuple(not_covered(reading.statement)))


@transaction.atomic
def save_draft(
    *,
    principal: Principal,
    system: System,
    reading: Reading,
    read: WhatWasRead = NOTHING_READ,
    change: str = "",
) -> tuple[RequirementVersion, bool]:
    """Store a requirement as a new version in draft, with the links that it names.

    What says the same as the newest version is that version: sent again, it changes nothing.

    Args:
        read: digest and state of the newest version as its author read it; nothing of a requirement that is new.
        change: what the author says the change is, as `save_requirement` takes it.

    Returns:
        The newest version, and whether it is new.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_import_requirements` does.
        RequirementFileInvalid: it has faults, or names a link that cannot be; nothing was stored.
        KeyOfAnotherFile: a file owns it; says which, and the line.
        DraftOutdated: it was written against another version or state than stands; with the one that does.
        InvalidInput, NotEditorial: as `save_requirement` does.
    """
    acts.check_can_import_requirements(principal, system)
    draft = reading.sound()
    hold(Lock.REQUIREMENT_KEY, system.pk)
    requirement = Requirement.objects.filter(system=system, key=draft.key).first()
    if requirement is not None:
        hold(Lock.REQUIREMENT, requirement.pk)  # so that nobody proposes meanwhile what is written anew
        _check_is_no_files(requirement)
    standing = standing_of([requirement.pk])[draft.key] if requirement else None
    if standing is None or not standing.says(draft.digest):
        check_stands(standing, read)
    version, is_new = save_requirement(principal=principal, system=system, draft=draft, change=change)
    store_links(principal=principal, system=system, drafts=reading.links)
    return version, is_new


@transaction.atomic
def propose_draft(
    *,
    principal: Principal,
    system: System,
    reading: Reading,
    read: WhatWasRead = NOTHING_READ,
    change: str = "",
) -> tuple[RequirementTransition, bool]:
    """Save a requirement and ask for its approval, both or neither.

    Returns:
        The step to review, and whether its version is new.

    Raises:
        As `save_draft` and `transition_requirement` do.
    """
    version, is_new = save_draft(
        principal=principal, system=system, reading=reading, read=read, change=change
    )
    state = RequirementState.DRAFT.value if is_new else read.from_state
    step = transition_requirement(
        principal=principal,
        version=version,
        to_state=RequirementState.IN_REVIEW,
        read=WhatWasRead(version.artefact_version.digest, state),
        change=change or Change.SUBSTANTIVE,
    )
    return step, is_new


def check_stands(standing: NewestVersion | None, read: WhatWasRead) -> None:
    """See that what somebody wrote against is what stands.

    Raises:
        DraftOutdated: it is another version, or another state; with the one that stands, and who brought it there.
        InvalidInput: something was read of a requirement that is not there.
    """
    if standing is None:
        if read.digest:
            told = worded("there is no requirement of this key yet: leave digest and from_state out")
            raise InvalidInput(faults=[Fault("body", "digest", "no_such_version", told)])
        return
    version = standing.version
    if (read.digest, read.from_state) == (version.artefact_version.digest, standing.state.value):
        return
    last = version.transitions.order_by("-at", "-pk")[0]
    told = (
        worded("You wrote it as new, and it is there")
        if not read.digest
        else worded("It is not as you read it")
    )
    shown = show_standing(version)
    raise DraftOutdated(
        worded(
            "%(told)s: the newest version is %(version)s, and %(last)s. Nothing was stored: read "
            "what stands, and save yours after it if it is still meant.",
            told=told,
            version=version,
            last=tell_step(last),
        ),
        shown,
        shown,
    )


def _check_is_no_files(requirement: Requirement) -> None:
    owner = owner_of(requirement)
    if owner is not None:
        told = worded(
            "%(requirement)s belongs to %(owner)s: change it there and import the file, or "
            "take it out of the file, import that, and edit it here",
            requirement=requirement.key,
            owner=owner,
        )
        line = owner.line or 1
        raise KeyOfAnotherFile(
            [FileProblem(owner.file, line, 1, requirement.key, "key_of_another_file", told)]
        )


def _own_ends(draft: RequirementDraft) -> list[tuple[str, str]]:
    criteria = (("criterion", f"{draft.key}/{criterion.key}") for criterion in draft.criteria)
    return [("requirement", draft.key), *criteria]
