"""What a plan leads to: which links become suspect, are new, or are named no longer, and what is assessed anew.

It reads, and stores nothing; the number of statements does not depend on how many requirements or links there are. It
is as of now and no part of the plan's digest: a link that somebody clears meanwhile does not make it another plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evidence.access import Principal
from evidence.models import ArtefactKind, System
from requirements.acts import can_read_coverage
from requirements.covered import Judged
from requirements.drafts import CriterionDraft, RequirementDraft
from requirements.fingerprints import fingerprint
from requirements.selectors.coverage import judged_on
from requirements.selectors.ends import End, Wording, current_ends, ends_with_wordings, ends_without
from requirements.selectors.fingerprints import counted_attributes
from requirements.selectors.impact import live_release
from requirements.selectors.links import (
    LinkStanding,
    NamedLink,
    ends_of,
    judge_links,
    named_links,
    stored_links,
)
from requirements.selectors.standing import NewestVersion
from requirements.selectors.wording import drafts_by_version
from requirements.services.file_links import plan_links
from requirements.services.importing.contracts import Act, ImportPlan
from requirements.yaml_import.contracts import FileProblem, LinkDraft


class After(StrEnum):
    """With which step a link becomes suspect. The import alone drafts, and a draft moves nothing."""

    APPROVAL = "approval"  # of what the plan would draft, unless a second person confirms it as editorial
    RETIREMENT = "retirement"  # of what the plan asks to retire


@dataclass(frozen=True, slots=True)
class SuspectLink:
    """A link that is clean now, and would not be."""

    standing: LinkStanding  # as it would be
    after: After


@dataclass(frozen=True, slots=True)
class DroppedLink:
    """A link that an import of a file made, and its file names no longer. It stays until somebody withdraws it."""

    link: NamedLink
    file: str


@dataclass(frozen=True, slots=True)
class CriterionAnew:
    """A criterion of a version that would be drafted: no assessment of before is of it."""

    name: str  # "R/c"
    check: str
    suite: str  # that it reads; empty: none
    change: str  # "added", "changed" or "same": beside the newest version's
    verdict: str  # of the approved version's on what is live; empty: never assessed, nothing live, or not the reader's


@dataclass(frozen=True, slots=True)
class _Changed:
    """A requirement that is on record, and of which the plan would draft another version."""

    draft: RequirementDraft
    standing: NewestVersion


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a plan leads to."""

    suspect: tuple[SuspectLink, ...]
    added: tuple[LinkDraft, ...]
    dropped: tuple[DroppedLink, ...]
    criteria: tuple[CriterionAnew, ...]
    problems: tuple[FileProblem, ...]  # of links: why the import would be refused


def consequences_of(principal: Principal, system: System, plan: ImportPlan) -> Consequences:
    """Return what a plan leads to, as this principal may know it."""
    named = named_links(system)
    changed = [
        _Changed(step.draft, step.standing)
        for step in plan.steps
        if step.is_new_version and step.draft is not None and step.standing is not None
    ]
    planned = plan_links(
        system=system,
        drafts=[link for file in plan.files for link in file.links],
        stored=named,
        coming=set(_coming(plan)),
    )
    return Consequences(
        suspect=tuple(_suspect(system, plan, changed)),
        added=planned.new,
        dropped=dropped_links(plan, named),
        criteria=tuple(_anew(principal, system, changed)),
        problems=planned.problems,
    )


def dropped_links(plan: ImportPlan, stored: Sequence[NamedLink]) -> tuple[DroppedLink, ...]:
    """Return the links that imports made at requirements of these files, and that the files name no longer."""
    owners = {step.key: step.file for step in plan.steps if not step.held_elsewhere}
    named = {link.names for file in plan.files for link in file.links}
    return tuple(
        DroppedLink(each, owners[each.requirement])
        for each in stored
        if each.is_of_a_file
        and not each.is_withdrawn
        and each.requirement in owners
        and each.names not in named
    )


def _coming(plan: ImportPlan) -> Iterator[tuple[str, str]]:
    """Yield kind and key of what the files hold: on record once they are imported."""
    for step in plan.steps:
        if step.draft is not None:
            yield ArtefactKind.REQUIREMENT.value, step.key
            for criterion in step.draft.criteria:
                yield ArtefactKind.CRITERION.value, f"{step.key}/{criterion.key}"


def _suspect(system: System, plan: ImportPlan, changed: Sequence[_Changed]) -> Iterator[SuspectLink]:
    """Yield the links that become suspect, each with the first step by which it does."""
    gone = {step.key for step in plan.of_act(Act.DROPPED) if not step.was_retired}
    stored = stored_links(system) if changed or gone else []
    if not stored:
        return
    ends = current_ends(system, ends_of(stored))
    seen = {each.link_id for each in judge_links(stored, ends) if each.is_suspect}
    approved = ends_with_wordings(ends, {each.draft.key: _wording(each) for each in changed})
    stages: Mapping[After, Mapping[int, End]] = {
        After.APPROVAL: approved,
        After.RETIREMENT: ends_without(approved, gone),
    }
    for after, then in stages.items():
        for standing in judge_links(stored, then):
            if standing.is_suspect and standing.link_id not in seen:
                seen.add(standing.link_id)
                yield SuspectLink(standing, after)


def _wording(changed: _Changed) -> Wording:
    counted = frozenset(counted_attributes().split(","))
    return Wording(
        number=changed.standing.version.number + 1,
        fingerprint=fingerprint(changed.draft, counted),
        criteria={each.key: each.digest for each in changed.draft.criteria},
    )


def _anew(principal: Principal, system: System, changed: Sequence[_Changed]) -> Iterator[CriterionAnew]:
    if not changed:
        return
    before = drafts_by_version([each.standing.version for each in changed])
    judged = _judged(principal, system, [each.draft.key for each in changed])
    for one in changed:
        earlier = {each.key: each.digest for each in before[one.standing.version.pk].criteria}
        for each in one.draft.criteria:
            name = f"{one.draft.key}/{each.key}"
            verdict = judged[name].verdict if name in judged else ""
            yield CriterionAnew(name, each.check, _suite_of(each), _change(each, earlier), verdict)


def _judged(principal: Principal, system: System, keys: Sequence[str]) -> dict[str, Judged]:
    """Return how the approved criteria of requirements were judged on what is live, as far as the reader may know."""
    live = live_release(system)
    if live is None or not can_read_coverage(principal, live):
        return {}
    judged = judged_on(live, keys)
    if not any(each.counts_reviews for each in judged.values()):
        return judged
    may_know = can_read_coverage(principal, live, counts_reviews=True)
    return {name: each for name, each in judged.items() if may_know or not each.counts_reviews}


def _change(criterion: CriterionDraft, earlier: Mapping[str, str]) -> str:
    if criterion.key not in earlier:
        return "added"
    return "same" if earlier[criterion.key] == criterion.digest else "changed"


def _suite_of(criterion: CriterionDraft) -> str:
    suite = criterion.parameters.get("suite")
    return str(suite.get("key", "")) if isinstance(suite, Mapping) else ""
