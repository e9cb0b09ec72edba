"""Each doubt that counter evidence opened stands where its answers say, and others than who raised it answered: step 6.

What countered before doubts were opened may have opened none, and the report counts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tracebinder.verify.bag import Bag
from tracebinder.verify.container import Container
from tracebinder.verify.errors import BinderFailed
from tracebinder.verify.lines import objects_in
from tracebinder.verify.people import persons_in
from tracebinder.verify.strict_json import JsonObject, objects_at, text_at, time_at

COUNTER: Final = "data/evidence/counter.jsonl"
DEFEATERS: Final = "data/evidence/defeaters.jsonl"
_OPEN, _EXPIRED, _ACCEPTED, _REOPENED = "open", "expired", "accepted", "reopened"
_KINDS: Final = ("rebutted", "mitigated", _ACCEPTED, _REOPENED)


@dataclass(slots=True)
class DefeatersChecked:
    """How many doubts there are, how many stand, and how many items that counter opened none."""

    doubts: int = 0
    standing: int = 0
    unopened: int = 0

    def __str__(self) -> str:
        stand = f", {self.standing} of them stand" if self.standing else ""
        unopened = f", {self.unopened} counter items opened none" if self.unopened else ""
        return f"; {self.doubts} doubts{stand}{unopened}" if self.doubts or self.unopened else ""


def check_defeaters(container: Container, bag: Bag, as_of: datetime, *, must_tell: bool) -> DefeatersChecked:
    """Check each doubt against the item that opened it and against its answers.

    Args:
        as_of: what had been answered by then is in the binder, and what was accepted until then stands again.
        must_tell: binders of this version of the format have the file; those of an older one do not.

    Raises:
        BinderFailed: the file is left out, or a doubt is of no item, of one twice, elsewhere than its answers say, or
            answered by who raised it.
        BinderMalformed: a document cannot be read.
    """
    checked = DefeatersChecked()
    if DEFEATERS not in bag.digests:
        if must_tell:
            raise BinderFailed("is left out, and belongs to every binder of this version", member=DEFEATERS)
        return checked
    owners = _owners(container, bag)
    persons = persons_in(container, bag)
    for doubt in objects_in(container, DEFEATERS):
        item = text_at(doubt, "evidence", member=DEFEATERS)
        if item not in owners:
            raise _failed(doubt, "is of no item that counters, or of one that opened another")
        owner = owners.pop(item)
        state = _state_of(doubt, as_of)
        if text_at(doubt, "state", member=DEFEATERS) != state:
            raise _failed(doubt, f"is {state}, by its answers")
        _check_independent(doubt, persons.get(owner, owner), persons)
        is_standing = state in {_OPEN, _EXPIRED}
        if is_standing and checked.standing < checked.doubts:
            raise _failed(doubt, "stands, and comes after one that does not")
        checked.doubts += 1
        checked.standing += is_standing
    checked.unopened = len(owners)
    return checked


def _owners(container: Container, bag: Bag) -> dict[str, str]:
    """Return who put forward each item that counters, by its id."""
    if COUNTER not in bag.digests:
        return {}
    return {
        text_at(item, "id", member=COUNTER): text_at(item, "owner", member=COUNTER)
        for item in objects_in(container, COUNTER)
    }


def _state_of(doubt: JsonObject, as_of: datetime) -> str:
    """Return where a doubt stands by its answers, each of which takes the place of the one before."""
    state, before = _OPEN, None
    for answer in objects_at(doubt, "answers", member=DEFEATERS):
        if answer.get("replaces") != before:
            raise _failed(doubt, "is answered twice by answers of which neither replaces the other")
        before = text_at(answer, "id", member=DEFEATERS)
        state = _state_by(doubt, answer, as_of)
    return state


def _state_by(doubt: JsonObject, answer: JsonObject, as_of: datetime) -> str:
    kind = text_at(answer, "kind", member=DEFEATERS)
    ends = None if answer.get("expiresAt") is None else time_at(answer, "expiresAt", member=DEFEATERS)
    if kind not in _KINDS or (ends is not None and kind != _ACCEPTED):
        raise _failed(doubt, f"is answered by {kind!r}, or by what is not accepted and has an end")
    if not text_at(answer, "words", member=DEFEATERS).strip():
        raise _failed(doubt, "is answered without a word")
    if kind == _REOPENED:
        return _OPEN
    return _EXPIRED if ends is not None and ends <= as_of else kind


def _check_independent(doubt: JsonObject, owner: str, persons: dict[str, str]) -> None:
    for answer in objects_at(doubt, "answers", member=DEFEATERS):
        actor = text_at(answer, "answeredBy", member=DEFEATERS)
        if persons.get(actor, actor) == owner:
            raise _failed(doubt, f"is answered by {actor}, who raised it")


def _failed(doubt: JsonObject, why: str) -> BinderFailed:
    return BinderFailed(f"doubt {text_at(doubt, 'id', member=DEFEATERS)} {why}", member=DEFEATERS)
