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
    BLOBS = "`verify_blobs`"
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
    LogAttack("make_a_superuser", "an account is made a superuser", _LOG),
    LogAttack("give_a_role", "an account is given a role", _LOG),
    LogAttack("replace_a_password", "an account is given another password", _LOG),
    LogAttack("add_an_account", "an account is added", _LOG),
    LogAttack("widen_a_group", "a role is given another permission", _LOG),
    LogAttack("replace_a_tokens_secret", "a token opens for another text", _LOG),
    LogAttack("have_a_token_judge", "a token that was issued becomes one that its owner made", _LOG),
    LogAttack(
        "put_in_a_past_transaction",
        "a whole transaction, with the event that explains it and the one that binds it, is put in under a number that "
        "wrote nothing, before a moment that was read",
        _LOG,
    ),
    LogAttack(
        "date_a_past_transaction_back", "the same, and its events say that they are more than a day old", _LOG
    ),
    LogAttack("switch_a_trigger_off", "a trigger is switched off", _LOG),
    LogAttack("replace_a_function", "a function of a rule is replaced", _LOG),
    LogAttack("give_a_right", "the web server's role is given another right", _LOG),
    LogAttack("drop_a_constraint", "a constraint is dropped", _LOG),
    LogAttack("change_a_default", "a column is given another default", _LOG),
    LogAttack("rewrite_inserts", "a rule of PostgreSQL's rewrites what is inserted", _LOG),
    LogAttack("read_another_table_with_it", "another table's rows are read as those of a table", _LOG),
    LogAttack("show_a_part_of_the_rows", "row security shows a part of a table's rows", _LOG),
    LogAttack("add_a_trigger", "a trigger of somebody's own is added", _LOG),
    LogAttack("change_a_blob", "a blob is given other bytes, as many", frozenset({Finder.BLOBS})),
    LogAttack("remove_a_blob", "a blob is removed", frozenset({Finder.BLOBS, Finder.VERIFY})),
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


_NOT_SEEN: Final = (
    "## What is not seen",
    "",
    "- **Rules that were changed and put back.** A comparison tells how they stand. What was written meanwhile is",
    "  found as above; that they were changed, only PostgreSQL's own log of statements says (`log_statement =",
    "  'ddl'`), kept where the owner does not write.",
    "- **A superuser of PostgreSQL who replaces it**, or what it answers. Check a restored copy on a machine of",
    "  your own.",
    "- **What the web server may do, done as the web server**, with the events that it would have written.",
    "- **A transaction put in as of an earlier number of the same day**, where no moment was read since. Every",
    "  decision and every export makes a moment.",
    "- **Sessions.** Whoever reads `django_session` can use somebody's key as a cookie until the session ends;",
    "  none can be made without `SECRET_KEY`. What is done in it is on record as theirs, and signing acts ask for",
    "  their password and code.",
    "- **Recovery codes and the last code of an app.** A used one can be put back, by somebody who saw it used. A",
    "  factor that is replaced, added or taken away is found.",
    "- **How often somebody failed to sign in.** It is counted in the broker and not in the database; each",
    "  failure is on record.",
    "- **The names of people.** They are the directory's, may change, and may be erased; what is on record is",
    "  pseudonyms.",
    "- **Indexes that only make reading faster.**",
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
        "another machine. Rows are those of every append-only table: other tests do the first four to each.",
        "What is done to one rule here, `tests/evidence/test_log_rules.py` does to all, and more as a superuser.",
        "",
        *_NOT_SEEN,
    ]
    return "\n".join(lines) + "\n"
