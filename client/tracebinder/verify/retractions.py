"""Each eval run that was taken back was so by two people: step 6.

A retraction from before it took a second person names nobody who confirmed it, and the report counts those. Requests
that nobody has confirmed are told beside the run, which counts until somebody does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracebinder.verify.bag import Bag
from tracebinder.verify.container import Container
from tracebinder.verify.errors import BinderFailed
from tracebinder.verify.people import persons_in
from tracebinder.verify.strict_json import JsonObject, objects_at, parse_object, text_at

EVALS: Final = "data/evals/"
_REQUESTS: Final = "retractionRequests"


@dataclass(slots=True)
class RunsChecked:
    """How many eval runs there are, and how many of them somebody takes back or took back alone."""

    runs: int = 0
    unconfirmed: int = 0  # retracted, and nobody is said to have confirmed it
    asked: int = 0  # a retraction is asked for, and nobody has confirmed it

    def __str__(self) -> str:
        alone = f", {self.unconfirmed} retracted with nobody who confirmed it" if self.unconfirmed else ""
        asked = f", {self.asked} whose retraction waits for a second person" if self.asked else ""
        return f"{self.runs} eval runs{alone}{asked}"


def check_retractions(container: Container, bag: Bag, *, must_say: bool) -> RunsChecked:
    """Check that whoever confirmed a retraction is not whoever asked for it.

    Args:
        must_say: runs of this version of the format say it; those of an older one do not.

    Raises:
        BinderFailed: one person asked for a retraction and confirmed it, or a run that is retracted still waits for it.
        BinderMalformed: a document cannot be read.
    """
    checked, persons = RunsChecked(), persons_in(container, bag)
    for path in sorted(bag.digests):
        if not path.startswith(EVALS) or not path.endswith(".json"):
            continue
        run = parse_object(container.read(path), member=path)
        checked.runs += 1
        if _REQUESTS not in run and not must_say:
            continue
        retractions, waiting = (objects_at(run, name, member=path) for name in ("retractions", _REQUESTS))
        if retractions and waiting:
            raise BinderFailed("is retracted, and yet its retraction is waited for", member=path)
        alone = [one for one in retractions if not _is_confirmed(one, persons, member=path)]
        checked.unconfirmed += bool(alone)
        checked.asked += bool(waiting)
    return checked


def _is_confirmed(retraction: JsonObject, persons: dict[str, str], *, member: str) -> bool:
    asked, confirmed = (text_at(retraction, name, member=member) for name in ("by", "confirmedBy"))
    if confirmed and persons.get(asked, asked) == persons.get(confirmed, confirmed):
        raise BinderFailed(f"{confirmed} confirmed a retraction that they had asked for", member=member)
    return bool(confirmed)
