"""What may not be written: each door of each act by those the rule does not allow, from another site, and with more.

The doors are those of `tests/invariants/act_doors.py`, sent with `tests/attack/wire.py`; whether something was written
is read in the tables, whatever the door answered. Each door is then taken by somebody who may, and must write: an
attack on a door that opens for nobody would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from django.db import connection

from tests.attack.tenants import StoreWatch, unwatched
from tests.attack.wire import Send, WiredClient, bearer, session_of
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
_AWAY: Final = 503  # a worker that a copy does not have
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


def doors_of(act: Act) -> Iterator[tuple[str, Door]]:
    """Yield the doors of an act that are on the network."""
    yield from ((name, door) for name, door in (("api", act.api), ("admin", act.admin)) if door is not None)


def attack_doors(send: Send, room: Room, *, in_short: bool = False, every: int = 1) -> Written:
    """Attack each door of each act.

    Args:
        room: opens a fresh world for an act, and clears it up.
        in_short: without those who may not, whom `test_16_one_rule_one_room.py` sends already, and with a few columns
            for each door, others for the next.
        every: of so many doors one is attacked.
    """
    found, doors = Written(), [(act, name, door) for act in ACTS for name, door in doors_of(act)]
    empty = StoreWatch.begin()
    for number, (act, name, door) in enumerate(doors[::every]):
        columns = list(FORGED)[number % 8 :: 8] if in_short else list(FORGED)
        watch = empty.again()
        with room() as world:
            found.doors += 1
            _AtOneDoor(found, send, watch, world, act, name, door, act.prepare(world)).attack(
                columns, in_short=in_short
            )
    return found


@dataclass(frozen=True)
class _AtOneDoor:
    """The attack on one door of one act."""

    found: Written
    send: Send
    watch: StoreWatch
    world: World
    act: Act
    name: str
    door: Door
    made: Any
    sessions: dict[str, Mapping[str, str]] = field(default_factory=dict)  # by who is in front of the browser

    def attack(self, columns: list[str], *, in_short: bool) -> None:
        """Send whoever may not, then another site, then whoever may with columns of ours in the body."""
        people = everybody(self.world, self.act.scopes, self.act.owner)
        fitting = [who for who in people if who.user and (self.name == "api" or who.token is None)]
        may = [who for who in fitting if who.name in self.act.allowed]
        for who in (who for who in fitting if who not in may and not in_short):
            self.found.by_whom_it_may_not += 1
            self._must_not_write(who.name, self._wired(who))
        for who in (who for who in may if who.token is None):
            self.found.without_the_csrf_token += 1
            thief = self._wired(who, drops=frozenset({"X-CSRFToken"}))
            self._must_not_write(f"{who.name}, from another site", thief)
        if may:
            self._forge(may[0], columns)

    def _wired(self, who: Who, **options: Any) -> WiredWho:
        """Return somebody with a client that sends over the wire: of a person, in one session."""
        if who.token is not None:
            headers: Mapping[str, str] = bearer(who.token_text)
        elif who.name in self.sessions:
            headers = self.sessions[who.name]
        else:
            headers = self.sessions[who.name] = session_of(who.person)
        return WiredWho(
            who.name, who.user, who.token, who.token_text, WiredClient(self.send, headers, **options)
        )

    def _must_not_write(self, by: str, who: WiredWho) -> None:
        if changed := self._changed_by(by, who):
            self._fault(by, f"wrote to {', '.join(changed)}")

    def _forge(self, who: Who, columns: list[str]) -> None:
        """Send what is allowed with forged columns in it until it is carried out, at the latest as it should be.

        A body of the API is refused by the first name that is none of its own, so each is sent alone; a form leaves
        out what it does not know, so they are sent together.
        """
        alone: list[dict[str, object]] = [{column: FORGED[column]} for column in columns]
        for extra in (*([dict(FORGED)] if self.name == "admin" else alone), {}):
            self.found.with_forged_columns += len(extra)
            forger = self._wired(who, extra=extra)
            if changed := self._changed_by(f"{who.name} with {', '.join(extra)}", forger):
                self.found.opened += 1
                if kept := rows_that_say(changed, *_MARKS):
                    self._fault(", ".join(extra), f"was kept by {', '.join(kept)}")
                return
        answer = forger.client.answers[-1]
        if forger.client.only_read or answer.status == _AWAY or (self.name == "api" and answer.status < 300):
            self.found.opened += 1  # there was nothing to write, or nobody to sign it
        else:
            self._fault(
                who.name, f"is not let in, so nothing was shown: {answer.status} {answer.content[:200]!r}"
            )

    def _changed_by(self, by: str, who: WiredWho) -> list[str]:
        """Return the models to which somebody wrote by the door; that it failed is a fault."""
        self.watch.changed()
        self.door(self.world, who, self.made)
        for answer in who.client.answers:
            if answer.status >= 500 and answer.status != _AWAY:
                self._fault(by, f"{answer.status}: {answer.content[:200]!r}")
        return self.watch.changed()

    def _fault(self, by: str, what: str) -> None:
        self.found.faults.append(f"{self.act.label} by {self.name}: {by}: {what}")


def rows_that_say(labels: Collection[str], *marks: str) -> list[str]:
    """Return which of these models, and of those that no look is at, have a row in which one of these texts stands."""
    models = [model for model in our_models() if model._meta.label in labels or model in unwatched()]
    parts = [
        f"SELECT '{model._meta.label}' WHERE EXISTS"
        f" (SELECT FROM {model._meta.db_table} AS one WHERE one::text LIKE ANY(%(marks)s))"
        for model in models
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), {"marks": [f"%{mark}%" for mark in marks]})
        return [label for (label,) in cursor.fetchall()]
