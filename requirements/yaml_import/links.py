"""The links of a requirement file: what a requirement, or a criterion of it, derives from, refines, is verified by …

A child names its parent: `derives: [KEY]`. Anything else is named with its kind: `verifies: [{suite: KEY}]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Final

from evidence.limits import excess
from evidence.models import ArtefactKind
from evidence.nearest import hint_at, nearest_name
from evidence.worded import Coded, worded
from requirements.models import LINK_ENDS, LinkKind
from requirements.selectors.cycles import find_cycle
from requirements.yaml_import.contracts import LinkDraft
from requirements.yaml_import.faults import Faults, shown
from requirements.yaml_import.reader import Path

REQUIREMENT_LINKS: Final = tuple(kind.value for kind in LinkKind)
CRITERION_LINKS: Final = tuple(
    kind.value for kind, ends in LINK_ENDS.items() if ArtefactKind.CRITERION in ends
)


def read_links_of(item: object, index: int, faults: Faults) -> Iterator[LinkDraft]:
    """Read the links of a requirement of a file and of its criteria, and report those that cannot be."""
    if not isinstance(item, Mapping) or not isinstance(item.get("key"), str):
        return
    key, path = str(item["key"]), ("requirements", index)
    for name in REQUIREMENT_LINKS:
        if name in item:
            yield from _of_field(item, name, ArtefactKind.REQUIREMENT, key, path, faults)
    criteria = item.get("criteria")
    for place, each in enumerate(criteria if isinstance(criteria, list) else ()):
        if isinstance(each, Mapping) and isinstance(each.get("key"), str):
            here = (*path, "criteria", place)
            for name in CRITERION_LINKS:
                if name in each:
                    own = f"{key}/{each['key']}"
                    yield from _of_field(each, name, ArtefactKind.CRITERION, own, here, faults)


def _of_field(
    item: Mapping[str, object], name: str, kind: ArtefactKind, key: str, path: Path, faults: Faults
) -> Iterator[LinkDraft]:
    """Read the links of one kind that one requirement or criterion names."""
    listed, here = item[name], (*path, name)
    if not isinstance(listed, list):
        faults.add(
            here,
            "not_a_list",
            worded("must be a list: %(name)s: [%(example)s]", name=name, example=_example(name)),
        )
        return
    if too_many := excess(len(listed), "MAX_LINKS"):
        faults.add(here, "too_many", too_many)
        return
    seen: set[tuple[str, str]] = set()
    for place, told in enumerate(listed):
        end = _read_end(told, name, kind, (*here, place), faults)
        if end is None:
            continue
        if end in seen:
            faults.add(
                (*here, place), "duplicate_link", worded("%(end)s is named above already", end=repr(end[1]))
            )
            continue
        seen.add(end)
        line, column = faults.places.find((*here, place))
        own = (kind.value, key)
        up, down = (own, end) if _leads_down(name, kind, end[0]) else (end, own)
        yield LinkDraft(name, up, down, faults.file_name, line, column, shown((*here, place)))


def _read_end(
    told: object, name: str, own: ArtefactKind, path: Path, faults: Faults
) -> tuple[str, str] | None:
    """Return kind and key of the other end; None where it is none, which is reported."""
    if isinstance(told, str):
        told = {ArtefactKind.REQUIREMENT.value: told}
    if not isinstance(told, Mapping) or len(told) != 1:
        faults.add(
            path,
            "not_an_end",
            worded(
                "must be a key of a requirement, or a kind with a key: %(example)s", example=_example(name)
            ),
        )
        return None
    ((kind, key),) = told.items()
    allowed = other_ends(name, own)
    if kind not in allowed:
        nearest = nearest_name(str(kind), allowed)
        known = ", ".join(allowed)
        faults.add(
            path,
            "unknown_end",
            worded(
                "%(name)s of a %(own)s leads to no %(kind)s, only to %(known)s; %(hint)s",
                name=repr(name),
                own=Coded(own.value),
                kind=repr(kind),
                known=known,
                hint=hint_at(nearest),
            ),
            nearest,
        )
        return None
    if not isinstance(key, str) or not key.strip():
        faults.add(
            path,
            "bad_key",
            worded("must be the key of a %(kind)s, not %(key)s", kind=Coded(kind), key=repr(key)),
        )
        return None
    return kind, key


@cache  # of few kinds, and asked of each link
def other_ends(name: str, own: ArtefactKind) -> tuple[str, ...]:
    """Return the kinds of things that a link of this kind may lead to or from, beside one of its own kind."""
    ends = LINK_ENDS[LinkKind(name)]
    below = ends.get(own, frozenset())
    above = [up for up, down in ends.items() if own in down]
    return tuple(sorted({kind.value for kind in (*below, *above)}))


def _leads_down(name: str, own: ArtefactKind, other: str) -> bool:
    """Whether the thing that is named answers to the one that names it; a requirement names its parent."""
    return other != own and other in LINK_ENDS[LinkKind(name)].get(own, frozenset())


def report_cycle(links: Sequence[LinkDraft], faults: Faults) -> None:
    """Report a cycle among the links of a file, at the first that is a step of it."""
    cycle = find_cycle([(link.upstream, link.downstream) for link in links])
    if not cycle:
        return
    steps = set(pairwise(cycle))
    link = next(each for each in links if (each.upstream, each.downstream) in steps)
    shown = " > ".join(key for _, key in cycle)
    faults.problems.append(link.problem("cycle", worded("this closes a cycle: %(cycle)s", cycle=shown)))


def _example(name: str) -> str:
    return (
        "KEY"
        if name in {LinkKind.DERIVES, LinkKind.REFINES}
        else "{suite: KEY}"
        if name == LinkKind.VERIFIES
        else "{prompt: KEY}"
    )
