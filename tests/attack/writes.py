"""What may not be written: each door of each act by those the rule does not allow, from another site, and with more.

The doors are those of `tests/invariants/act_doors.py`, sent with `tests/attack/wire.py`; whether something was written
is read in the tables, whatever the door answered. Each door is then taken by somebody who may, and must write: an
attack on a door that opens for nobody would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from django.db import connection

from tests.attack.tenants import changed_since, state_of_the_store
from tests.attack.wire import Answer, Send, WiredClient, bearer, session_of
from tests.factories import World
from tests.invariants.act_doors import ACTS, Act, Door
from tests.invariants.walk import our_models
from tests.invariants.who import Who, everybody

# Names of columns that the server fills in, with values that would be found again wherever they were taken.
FORGED_TEXT: Final = "mallory-7f3a91"
FORGED_NUMBER: Final = 666_777_888
FORGED: Final[Mapping[str, object]] = {
    "id": FORGED_NUMBER, "pk": FORGED_NUMBER, "xact_id": FORGED_NUMBER, "system_id": FORGED_NUMBER,
    "actor": FORGED_TEXT, "by": FORGED_TEXT, "posted_by": FORGED_TEXT, "decided_by": FORGED_TEXT,
    "approved_by": FORGED_TEXT, "registered_by": FORGED_TEXT, "created_by": FORGED_TEXT, "reviewer": FORGED_TEXT,
    "owner": FORGED_TEXT, "sealed_at": "2001-02-03T04:05:06Z", "received_at": "2001-02-03T04:05:06Z",
    "recorded_at": "2001-02-03T04:05:06Z", "decided_at": "2001-02-03T04:05:06Z", "at": "2001-02-03T04:05:06Z",
    "digest_of_row": FORGED_TEXT, "payload_salt": "00000000-0000-4000-8000-000066677788", "state": FORGED_TEXT,
    "verdict": FORGED_TEXT, "is_superuser": True, "roles": [FORGED_TEXT], "scopes": [FORGED_TEXT],
}  # fmt: skip
_MARKS: Final = (FORGED_TEXT, str(FORGED_NUMBER), "2001-02-03", "000066677788")

# Somewhere to try an act that leaves nothing behind for the next.
Room = Callable[[], AbstractContextManager[World]]


@dataclass
class Written:
    """What became of attacks on doors that write."""

    doors: int = 0
    by_whom_it_may_not: int = 0
    without_the_csrf_token: int = 0
    with_forged_columns: int = 0
    opened: int = 0  # doors that wrote for somebody who may
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class WiredWho(Who):
    """Somebody whose requests go over the wire."""

    client: Any = None

    @cached_property
    def api(self) -> Any:
        """As the API meets them."""
        return self.client

    @cached_property
    def browser(self) -> Any:
        """As the admin meets them."""
        return self.client


def wired(who: Who, send: Send, **options: Any) -> WiredWho:
    """Return somebody with a client that sends over the wire."""
    headers = bearer(who.token_text) if who.token is not None else session_of(who.person)
    return WiredWho(who.name, who.user, who.token, who.token_text, WiredClient(send, headers, **options))


def doors_of(act: Act) -> Iterator[tuple[str, Door]]:
    """Yield the doors of an act that are on the network."""
    yield from ((name, door) for name, door in (("api", act.api), ("admin", act.admin)) if door is not None)


def attack_doors(send: Send, room: Room, *, in_short: bool = False) -> Written:
    """Attack each door of each act.

    Args:
        room: opens a fresh world for an act, and clears it up.
        in_short: without those who may not, whom `test_16_one_rule_one_room.py` sends already, and with a few columns
            for each door, others for the next.
    """
    found, doors = Written(), [(act, name, door) for act in ACTS for name, door in doors_of(act)]
    for number, (act, name, door) in enumerate(doors):
        with room() as world:
            found.doors += 1
            columns = list(FORGED)[number % 8 :: 8] if in_short else list(FORGED)
            _attack(found, send, world, act, name, door, columns, tries=not in_short)
    return found


def _attack(
    found: Written,
    send: Send,
    world: World,
    act: Act,
    name: str,
    door: Door,
    columns: list[str],
    *,
    tries: bool,
) -> None:
    made = act.prepare(world)
    people = [who for who in everybody(world, act.scopes, act.owner) if who.user is not None]
    fitting = [who for who in people if name == "api" or who.token is None]
    may = [who for who in fitting if who.name in act.allowed]
    label = f"{act.label} by {name}"
    for who in (who for who in fitting if tries and who not in may):
        found.by_whom_it_may_not += 1
        _must_not_write(found, f"{label}: {who.name}", wired(who, send), world, door, made)
    for who in (who for who in may if who.token is None):
        found.without_the_csrf_token += 1
        thief = wired(who, send, drops=frozenset({"X-CSRFToken"}))
        _must_not_write(found, f"{label}: {who.name}, from another site", thief, world, door, made)
    if may:
        _forge(found, label, may[0], send, world, door, made, columns)


def _must_not_write(found: Written, label: str, who: WiredWho, world: World, door: Door, made: Any) -> None:
    before = state_of_the_store()
    door(world, who, made)
    found.faults += [f"{label}: {answer.status}" for answer in failed(who)]
    if changed := changed_since(before):
        found.faults.append(f"{label} wrote to {', '.join(changed)}")


def _forge(
    found: Written,
    label: str,
    who: Who,
    send: Send,
    world: World,
    door: Door,
    made: Any,
    columns: Iterable[str],
) -> None:
    """Send what is allowed with forged columns in it until it is carried out, at the latest as it should be.

    A body of the API is refused by the first name that is none of its own, so each is sent alone; a form leaves out
    what it does not know, so they are sent together.
    """
    one_by_one: list[dict[str, object]] = [{column: FORGED[column]} for column in columns]
    is_form = label.endswith("admin")
    tried = [dict(FORGED)] if is_form else one_by_one
    for extra in (*tried, {}):
        found.with_forged_columns += len(extra)
        forger, before = wired(who, send, extra=extra), state_of_the_store()
        door(world, forger, made)
        found.faults += [f"{label} with {', '.join(extra)}: {answer.status}" for answer in failed(forger)]
        if changed_since(before):
            found.opened += 1
            if kept := rows_that_say(*_MARKS):
                found.faults.append(f"{label}: {', '.join(extra)} was kept by {', '.join(kept)}")
            return
    told = [(answer.status, answer.content[:200]) for answer in forger.client.answers]
    if forger.client.only_read or (not is_form and told[-1][0] < 300):
        found.opened += 1  # there was nothing to write
    else:
        found.faults.append(f"{label} does not open for {who.name}, so nothing was shown: {told}")


def failed(who: WiredWho) -> list[Answer]:
    """Return the answers that no request may get."""
    return [answer for answer in who.client.answers if answer.status >= 500]


def rows_that_say(*marks: str) -> list[str]:
    """Return the models with a row in which one of these texts stands."""
    found = []
    with connection.cursor() as cursor:
        for model in our_models():
            cursor.execute(
                f"SELECT EXISTS (SELECT FROM {model._meta.db_table} AS one WHERE one::text LIKE ANY(%s))",
                [[f"%{mark}%" for mark in marks]],
            )
            if cursor.fetchone()[0]:
                found.append(model._meta.label)
    return found
