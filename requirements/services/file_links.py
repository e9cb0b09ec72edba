"""The links that a requirement file names: found by their keys, made together, refused at their lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from django.db import transaction

from evidence.access import Principal
from evidence.models import Artefact, System
from evidence.nearest import hint_at, nearest_name
from requirements.errors import LinkNotAllowed, RequirementFileInvalid
from requirements.services.links import Wanted, make_links
from requirements.yaml_import.contracts import FileProblem, LinkDraft

End = tuple[str, str]
"""Kind and key of a thing."""


@transaction.atomic
def store_links(*, principal: Principal, system: System, drafts: Sequence[LinkDraft]) -> int:
    """Make the links that a file names and that are not there yet. Returns how many are new.

    A fixed number of statements. What a file no longer names stays until somebody withdraws it, with a reason.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_link` does.
        RequirementFileInvalid: an end is not on record, a link closes a cycle with those stored, or was withdrawn.
    """
    if not drafts:
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
        raise RequirementFileInvalid([_in_cycle(drafts, exc.cycle).problem("cycle", str(exc))]) from exc
    if made.withdrawn:
        said = "this link was withdrawn: leave it out, or add it again by itself, which says that it holds"
        raise RequirementFileInvalid(
            [wanted[each].problem("link_withdrawn", said) for each in made.withdrawn]
        )
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
    found = rows.filter(key__in=keys).values_list("kind", "key", "pk")
    return {(kind, key): pk for kind, key, pk in found}


def _ends_of(draft: LinkDraft) -> tuple[End, End]:
    return draft.upstream, draft.downstream


def _missing(draft: LinkDraft, end: End, known: Collection[End]) -> FileProblem:
    kind, key = end
    nearest = nearest_name(key, [name for of, name in known if of == kind])
    return draft.problem("unknown_end", f"no {kind} {key!r} is on record; {hint_at(nearest)}", nearest)


def _in_cycle(drafts: Sequence[LinkDraft], cycle: Sequence[str]) -> LinkDraft:
    """Return the first link of the file that is a step of the cycle."""
    steps = set(pairwise(cycle))
    return next((each for each in drafts if (each.upstream[1], each.downstream[1]) in steps), drafts[0])
