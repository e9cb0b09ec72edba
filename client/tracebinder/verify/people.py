"""Whoever acted in a binder is in its `people.json`: step 6.

Pseudonyms and tokens are looked for. `user:<name>` is from before there were pseudonyms; whom it meant may have been
erased.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tracebinder.verify.audit_slice import ENTRIES
from tracebinder.verify.bag import Bag
from tracebinder.verify.container import Container
from tracebinder.verify.encoding import decode_base64
from tracebinder.verify.errors import BinderFailed
from tracebinder.verify.lines import objects_in
from tracebinder.verify.strict_json import JsonObject, objects_at, parse_object, text_at

PEOPLE: Final = "data/people.json"
_ACTOR: Final = re.compile(r"(person|token):.*", re.DOTALL)

# Where actors stand: in which files, under which members, and in the members of which lists.
_MEMBERS: Final = {
    "data/evidence/": ("owner",),
    "data/evals/": ("postedBy",),
    "data/gates/": ("decidedBy", "requestedBy", "approvedBy", "gateApprovedBy"),
    "data/requirements/": ("proposedBy", "approvedBy"),
    "data/reviews/": ("reviewer", "adjudicator", "byToken"),
    "data/versions/": ("registeredBy",),
    "data/versions/release.json": ("createdBy",),
}
_LISTS: Final = {
    "data/evidence/defeaters.jsonl": (("answers", "answeredBy"),),
    "data/evals/": (
        ("retractions", "by"),
        ("retractions", "confirmedBy"),
        ("retractionRequests", "by"),
        ("labelSets", "by"),
    ),
    "data/gates/": (("gateProposals", "by"),),
    "data/redactions.json": (("redactions", "approvedBy"),),
    "data/requirements/": (("waivers", "requestedBy"), ("waivers", "approvedBy")),
    "data/versions/release.json": (("deployments", "deployedBy"),),
}


def check_people(container: Container, bag: Bag, *, must_name: bool) -> int:
    """Check that each actor is named, and each token's person; return how many people are.

    Args:
        must_name: the file belongs to this version of the format.

    Raises:
        BinderFailed: somebody acted who is not named, or the file is left out.
        BinderMalformed: a document cannot be read.
    """
    if PEOPLE not in bag.digests:
        if must_name:
            raise BinderFailed("the file that says who the actors are is left out", member=PEOPLE)
        return 0
    people, tokens = _directory(container)
    for token in tokens:
        if text_at(token, "actsFor", member=PEOPLE) not in people:
            raise BinderFailed(f"{token['actor']} acts for somebody who is not named", member=PEOPLE)
    known = people | {text_at(token, "actor", member=PEOPLE) for token in tokens}
    for path, actor in _actors(container, bag):
        if actor not in known:
            raise BinderFailed(f"{actor} acted and is not in people.json", member=path)
    return len(people)


def persons_in(container: Container, bag: Bag) -> dict[str, str]:
    """Return the person behind each actor of `people.json`, by each of their names; nothing where there is no file.

    Raises:
        BinderFailed, BinderMalformed: the file names somebody twice, or cannot be read.
    """
    if PEOPLE not in bag.digests:
        return {}
    document = parse_object(container.read(PEOPLE), member=PEOPLE)
    persons: dict[str, str] = {}
    for one in objects_at(document, "people", member=PEOPLE):
        actor, formerly = text_at(one, "actor", member=PEOPLE), one.get("formerly")
        persons |= {actor: actor} | ({formerly: actor} if isinstance(formerly, str) else {})
    for token in objects_at(document, "tokens", member=PEOPLE):
        persons[text_at(token, "actor", member=PEOPLE)] = text_at(token, "actsFor", member=PEOPLE)
    return persons


def _directory(container: Container) -> tuple[set[str], list[JsonObject]]:
    document = parse_object(container.read(PEOPLE), member=PEOPLE)
    named = [text_at(one, "actor", member=PEOPLE) for one in objects_at(document, "people", member=PEOPLE)]
    if len(set(named)) != len(named):
        raise BinderFailed("names somebody twice", member=PEOPLE)
    return set(named), objects_at(document, "tokens", member=PEOPLE)


def _actors(container: Container, bag: Bag) -> Iterator[tuple[str, str]]:
    """Yield each actor that should be named, with the file it stands in."""
    for path in sorted(bag.digests):
        for found in _actors_in(container, path):
            if isinstance(found, str) and _ACTOR.fullmatch(found):
                yield path, found


def _actors_in(container: Container, path: str) -> Iterator[object]:
    if path == ENTRIES:
        for row in objects_in(container, path):
            if "entry" in row:
                entry = decode_base64(text_at(row, "entry", member=path), member=path)
                yield parse_object(entry, member=path).get("actor")
        return
    members = [name for place, names in _MEMBERS.items() if path.startswith(place) for name in names]
    lists = [pair for place, pairs in _LISTS.items() if path.startswith(place) for pair in pairs]
    if not members and not lists:
        return
    for document in _documents(container, path):
        yield from (document.get(name) for name in members)
        for name, member in lists:
            several = document.get(name)
            for one in several if isinstance(several, list) else ():
                yield one.get(member) if isinstance(one, dict) else None


def _documents(container: Container, path: str) -> Iterator[JsonObject]:
    if path.endswith(".jsonl"):
        return objects_in(container, path)
    return iter([parse_object(container.read(path), member=path)] if path.endswith(".json") else [])
