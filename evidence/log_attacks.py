"""What somebody who owns the database, or took the web server, can try against the log, and what finds it.

`docs/reference/log-attacks.md` is written from this table. A test carries each attack out and asks all that could find
it: what stands here is what happened (`tests/invariants/test_13_what_catches_what.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Finder(StrEnum):
    """What looks."""

    REFUSED = "the database refuses it"
    SIGNING = "the next signing"
    VERIFY = "`verify_log`"
    EXPORT = "an export of its scope"
    KEPT = "whoever kept a checkpoint"


_EVERYTHING_READ: Final = frozenset({Finder.VERIFY, Finder.EXPORT})
_LOG: Final = frozenset({Finder.VERIFY})
_LOG_AND_SIGNING: Final = frozenset({Finder.VERIFY, Finder.SIGNING})


@dataclass(frozen=True, slots=True)
class LogAttack:
    """One attack, what it does, and who finds it."""

    name: str
    what: str
    finders: frozenset[Finder]

    @property
    def needs_a_witness(self) -> bool:
        """Whether nothing that the server has tells of it."""
        return self.finders == {Finder.KEPT}


ATTACKS: Final = (
    LogAttack("change_a_row", "a row is changed", _EVERYTHING_READ),
    LogAttack("delete_a_row", "a row is deleted, with what hangs on it", _EVERYTHING_READ),
    LogAttack("put_a_row_in", "a row is put in with the triggers off", _EVERYTHING_READ),
    LogAttack("date_a_row_back", "a row is made one of an earlier transaction", _EVERYTHING_READ),
    LogAttack("put_in_one_of_before_all", "a row is put in as of a transaction before all", _EVERYTHING_READ),
    LogAttack("put_in_one_to_come", "a row is put in as of a transaction to come", _EVERYTHING_READ),
    LogAttack("insert_as_the_owner", "a row is inserted by the owner, triggers on", _EVERYTHING_READ),
    LogAttack("insert_as_the_web_server", "a row is inserted as the web server's role", _EVERYTHING_READ),
    LogAttack("overwrite_a_span", "what a span said is changed, and its digest is left", _EVERYTHING_READ),
    LogAttack("feign_an_erasure", "payload is overwritten as if by an erasure", _EVERYTHING_READ),
    LogAttack(
        "date_a_row_before_christ", "a time of a row is moved to the same day before Christ", _EVERYTHING_READ
    ),
    LogAttack(
        "put_in_one_that_runs", "a row is put in as of a transaction that is kept open", _EVERYTHING_READ
    ),
    LogAttack("adopt_all_anew", "a row is changed, and all rows are adopted as older ones", _EVERYTHING_READ),
    LogAttack(
        "replace_the_clock",
        "a row is changed, and the clock's function says that its transaction has not ended",
        _LOG,
    ),
    LogAttack(
        "shadow_functions",
        "a row is changed, and another schema with functions of PostgreSQL's names is put before its own",
        _EVERYTHING_READ,
    ),
    LogAttack(
        "move_a_leaf",
        "an entry is counted in another system's stream, and all are numbered anew",
        _EVERYTHING_READ,
    ),
    LogAttack("give_a_membership", "somebody is made a member of a system", _LOG),
    LogAttack("widen_a_token", "a token is made valid for longer", _LOG),
    LogAttack("change_an_entry", "an entry that was signed is changed", _EVERYTHING_READ),
    LogAttack("delete_details", "an event's details are deleted without an erasure", _LOG),
    LogAttack("change_a_leaf", "a leaf of the tile that is being filled is changed", _LOG_AND_SIGNING),
    LogAttack("change_a_note", "a signed checkpoint is changed", _LOG_AND_SIGNING),
    LogAttack(
        "remove_a_transaction",
        "the last transactions are removed with all they wrote; their leaves are left",
        _EVERYTHING_READ,
    ),
    LogAttack(
        "cut_the_tail",
        "the last transactions are removed with all they wrote and with their leaves; the heads are left",
        _LOG_AND_SIGNING,
    ),
    LogAttack(
        "forge_a_checkpoint", "the web server's role inserts a checkpoint", frozenset({Finder.REFUSED})
    ),
    LogAttack(
        "write_it_anew",
        "the last transactions are removed with all they wrote, the published head is removed, and the log is written "
        "anew and signed with the stolen key",
        frozenset({Finder.KEPT}),
    ),
)


def render_log_attacks() -> str:
    """Return the page of what finds which attack."""
    lines = [
        "# What finds which attack on the log",
        "",
        "Each attack is carried out by a test, which asks all of these whether they find it; what stands here is what",
        "happened. This page is written from the code (`evidence/log_attacks.py`). How it works: [the log](log.md).",
        "",
        f"| attack | {' | '.join(Finder)} |",
        f"|---|{'---|' * len(Finder)}",
        *(
            f"| {attack.what} | {' | '.join('yes' if one in attack.finders else '' for one in Finder)} |"
            for attack in ATTACKS
        ),
        "",
        "Only a witness finds the last kind: somebody who kept a checkpoint, cosigned it or time-stamped it, on",
        "another machine. Rows are those of every append-only table: other tests do the first four to each of them.",
    ]
    return "\n".join(lines) + "\n"
