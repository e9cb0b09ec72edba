"""Advisory locks: one name for each thing that only one transaction at a time may do.

They end with the transaction, however it ends. PostgreSQL's row locks would need the UPDATE right, which the runtime
role does not have on what is append-only. Why so: docs/decisions/0011-locks.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from evidence.prepared import prepared_cursor

_LARGEST: Final = 2**31 - 1  # PostgreSQL takes two signed 32-bit numbers


class Lock(StrEnum):
    """What is locked. Two locks of one name and key exclude each other; a clash of hashes only makes one wait."""

    ARTEFACT = "evidence.artefact"  # numbering of an artefact's versions
    ASSEMBLY = "evidence.assembly"  # a pending trace, while a worker has it in hand
    ASSESSMENT = "requirements.assessment"  # a criterion for a release
    BINDER_KEY = "evidence.binderkey"  # the binder key: while it is replaced, or what it signed is stored
    BINDER_REQUEST = "evidence.binderrequest"  # what a release is to be packed into
    BLOB = "evidence.blob"  # bytes by digest: while rows come to point there, or they are taken away
    CLOCK = "evidence.clock"  # the keeping of a moment
    DEFEATER = "evidence.defeater"  # what is answered to a doubt
    DEPLOYMENT = "evidence.deployment"  # what is live in an environment of a system
    DICTIONARY = "interpret.dictionary"  # the dictionaries of a system
    DISPOSAL = "evidence.disposal"  # whatever takes content away, and holds; the functions of the database take it too
    EVAL_RUN = "evidence.evalrun"  # a run key of a system
    GATE = "evidence.gate"  # a gate version for a release
    GATE_KEY = "evidence.gatekey"  # the versions of a gate, which may not exist yet
    GOLD = "evidence.gold"  # the gold answers of a system, and to whom one is given
    HELD_BY = "evidence.heldby"  # what a reviewer holds of the queue
    LINKS = "requirements.links"  # the links of a system: while some are made, cleared or withdrawn
    PROBE_HISTORY = (
        "interpret.probehistory"  # counting of runs on a model; a function in the database takes it
    )
    PROBE_QUEUE = "interpret.probequeue"  # asking for runs in a system: a plan asks for several
    READING = "evidence.reading"  # the versions of how a system says that its traces are read
    REASONS = "evidence.reasons"  # the lists of reasons of a system's reviewers
    REQUIREMENT = "requirements.requirement"  # numbering and transitions of a requirement's versions
    REQUIREMENT_KEY = (
        "requirements.requirementkey"  # what is drafted in a system: keys, owning files, numbers
    )
    REVIEW_TASK = "evidence.reviewtask"  # what is said about one task
    SAMPLING = "evidence.sampling"  # the sampling plans of a system, and what becomes of them
    SEQUENCER = "evidence.sequencer"  # the one that numbers leaves
    SERVICE = (
        "evidence.service"  # whose spans of a name are: a system of that key, or services that are declared
    )
    SIGN_IN_BINDING = "evidence.signinbinding"  # which subject of the provider is whom
    SIGNER = "evidence.signer"  # the one that signs checkpoints
    SPAN_PARTITION = "evidence.span_partition"  # the making of a month; its function in the database takes it
    TOKENS_OF = "evidence.tokensof"  # the tokens of a person
    WAIVER = "evidence.waiver"  # what is asked and granted of a criterion for a release


def hold(lock: Lock, *key: int | str) -> None:
    """Wait for a lock and hold it until the transaction ends; without a key, the one lock of that name."""
    _ask("pg_advisory_xact_lock", lock, key)


def hold_each(lock: Lock, keys: Iterable[tuple[int | str, ...]]) -> None:
    """Hold several locks of one name, in the order of their keys: whoever needs some of the same waits, and no two wait
    for each other.
    """
    for key in sorted(set(keys), key=lambda parts: [str(part) for part in parts]):
        hold(lock, *key)


def try_hold(lock: Lock, *key: int | str) -> bool:
    """Hold a lock until the transaction ends, unless another transaction does. Returns whether it is held."""
    return bool(_ask("pg_try_advisory_xact_lock", lock, key))


def numbers_of(lock: Lock, column: str) -> str:
    """Return the SQL of a lock's two numbers for an integer column: what `hold(lock, value)` would take.

    For a statement that locks the rows it finds. A `%` in it is doubled, as psycopg wants it.
    """
    return f"hashtext('{lock}'), ({column} %% {_LARGEST})::int"


def _ask(function: str, lock: Lock, key: tuple[int | str, ...]) -> object:
    values: list[int | str]
    match key:
        case ():
            sql, values = "hashtext(%s)", [lock.value]
        case (int(number),):
            sql, values = "hashtext(%s), %s", [lock.value, number % _LARGEST]
        case _:
            sql, values = "hashtext(%s), hashtext(%s)", [lock.value, "/".join(map(str, key))]
    with prepared_cursor() as cursor:
        cursor.execute(f"SELECT {function}({sql})", values)
        (answer,) = cursor.fetchone() or (None,)
    return answer
