"""The links that a requirement file names: found by their keys, planned, made together, refused at their lines."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.db import transaction

from evidence.access import Principal
from evidence.any_of import any_of_texts
from evidence.models import Artefact, System
from evidence.nearest import hint_at, nearest_name
from evidence.worded import Coded, sentence_of, worded
from requirements import acts
from requirements.errors import LinkNotAllowed, RequirementFileInvalid
from requirements.selectors.cycles import find_cycle
from requirements.selectors.links import NamedLink
from requirements.services.links import Wanted, make_links
from requirements.yaml_import.contracts import FileProblem, LinkDraft

End = tuple[str, str]
"""Kind and key of a thing."""


@dataclass(frozen=True, slots=True)
class PlannedLinks:
    """What would become of the links that files name."""

    new: tuple[LinkDraft, ...]
    problems: tuple[FileProblem, ...]  # why an import would refuse them


def plan_links(
    *, system: System, drafts: Sequence[LinkDraft], stored: Sequence[NamedLink], coming: Collection[End]
) -> PlannedLinks:
    """Return which links `store_links` would make, and why it would refuse some: two queries at most.

    Args:
        stored: the links of the system.
        coming: what is on record once the files are imported.
    """
    if not drafts:
        return PlannedLinks((), ())
    there = {each.names: each for each in stored}
    new = tuple(draft for draft in drafts if draft.names not in there)
    return PlannedLinks(new, tuple(_problems(system, drafts, there.values(), coming)))


def _problems(
    system: System, drafts: Sequence[LinkDraft], stored: Collection[NamedLink], coming: Collection[End]
) -> Iterator[FileProblem]:
    found = _find(system, drafts).keys() | set(coming)
    if absent := [(draft, end) for draft in drafts for end in _ends_of(draft) if end not in found]:
        known = {*coming, *Artefact.objects.filter(system=system).values_list("kind", "key")}
        yield from (_missing(draft, end, known) for draft, end in absent)
    withdrawn = {each.names for each in stored if each.is_withdrawn}
    yield from (_withdrawn(draft) for draft in drafts if draft.names in withdrawn)
    holding = [(each.upstream, each.downstream) for each in stored if not each.is_withdrawn]
    if cycle := find_cycle([*holding, *map(_ends_of, drafts)]):
        keys = [key for _, key in cycle]
        yield _in_cycle(drafts, keys).problem(
            "cycle", worded("this closes a cycle: %(cycle)s", cycle=" > ".join(keys))
        )


@transaction.atomic
def store_links(
    *, principal: Principal, system: System, drafts: Sequence[LinkDraft], stored: Sequence[NamedLink] = ()
) -> int:
    """Make the links that a file names and that are not there yet. Returns how many are new.

    A fixed number of statements. What a file no longer names stays until somebody withdraws it, with a reason.

    Args:
        stored: links of the system, where they were read before: those that hold are there.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_link` does.
        RequirementFileInvalid: an end is not on record, a link closes a cycle with those stored, or was withdrawn.
    """
    acts.check_can_link(principal, system)
    if {draft.names for draft in drafts}.issubset(each.names for each in stored if not each.is_withdrawn):
        return 0
    artefacts = _find(system, drafts)
    if missing := _tell_missing(system, drafts, artefacts):
        raise RequirementFileInvalid(missing)
    wanted: dict[Wanted, LinkDraft] = {
        (draft.kind, artefacts[draft.upstream], artefacts[draft.downstream]): draft for draft in drafts
    }
    try:
        made = make_links(principal=principal, system=system, wanted=wanted.keys())
    except LinkNotAllowed as exc:
        raise RequirementFileInvalid(
            [_in_cycle(drafts, exc.cycle).problem("cycle", sentence_of(exc))]
        ) from exc
    if made.withdrawn:
        raise RequirementFileInvalid([_withdrawn(wanted[each]) for each in made.withdrawn])
    return len(made.new)


def find_missing_ends(
    system: System, drafts: Sequence[LinkDraft], *, besides: Collection[End] = ()
) -> list[FileProblem]:
    """Return what is wrong with links whose ends are not on record, each with the nearest that is.

    Args:
        besides: ends that will be on record once the links are made.
    """
    return _tell_missing(system, drafts, {*_find(system, drafts), *besides}) if drafts else []


def _tell_missing(system: System, drafts: Sequence[LinkDraft], there: Collection[End]) -> list[FileProblem]:
    absent = [(draft, end) for draft in drafts for end in _ends_of(draft) if end not in there]
    known = set(Artefact.objects.filter(system=system).values_list("kind", "key")) if absent else set()
    return [_missing(draft, end, known) for draft, end in absent]


def _find(system: System, drafts: Sequence[LinkDraft]) -> dict[tuple[str, str], int]:
    kinds = {kind for draft in drafts for kind, _ in (draft.upstream, draft.downstream)}
    keys = {key for draft in drafts for _, key in (draft.upstream, draft.downstream)}
    rows = Artefact.objects.filter(system=system, kind__in=kinds)
    found = rows.filter(any_of_texts("key", keys)).values_list("kind", "key", "pk")
    return {(kind, key): pk for kind, key, pk in found}


def _ends_of(draft: LinkDraft) -> tuple[End, End]:
    return draft.upstream, draft.downstream


def _missing(draft: LinkDraft, end: End, known: Collection[End]) -> FileProblem:
    kind, key = end
    nearest = nearest_name(key, [name for of, name in known if of == kind])
    return draft.problem(
        "unknown_end",
        worded(
            "no %(kind)s %(key)s is on record; %(hint)s",
            kind=Coded(kind),
            key=repr(key),
            hint=hint_at(nearest),
        ),
        nearest,
    )


def _withdrawn(draft: LinkDraft) -> FileProblem:
    said = worded(
        "this link was withdrawn: leave it out, or add it again by itself, which says that it holds",
    )
    return draft.problem("link_withdrawn", said)


def _in_cycle(drafts: Sequence[LinkDraft], cycle: Sequence[str]) -> LinkDraft:
    """Return the first link of the file that is a step of the cycle."""
    steps = set(pairwise(cycle))
    return next((each for each in drafts if (each.upstream[1], each.downstream[1]) in steps), drafts[0])
