"""A check of the log in parts: so many leaves, or the transactions of so many rows, each checked by itself.

A part reads nothing of the others, so that parts can be shared among processes and done at different times. Their
bounds follow from what is on record: a check that begins again divides the same log in the same way.
"""

# ruff: noqa: S608  # SQL composed of constants of this project; nobody's input is in it

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

from django.db import connection
from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet

from evidence.binding_rules import BOUND_VERB
from evidence.log import tree
from evidence.models import AuditEvent, Leaf
from evidence.services.log.ended import Ended, Faults, read_ended
from evidence.services.log.rows import RowReport, check_transactions
from evidence.services.log.sequencing import GLOBAL_STREAM

# Python knows no others: infinity, or years before Christ, would end the check.
_IN_OUR_YEARS: Final = Q(
    event__occurred_at__range=(datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
)
ENTRIES_A_PART: Final = 20_000
ROWS_A_PART: Final = 50_000  # about; a transaction is never divided
MAX_FAULTS: Final = 100  # named of a part; further ones are only counted
_READ_CHUNK: Final = 2_000  # rows held in memory
# Where the rows of transactions, added up, pass a multiple of a part's. What an event claims counts for no more than a
# part, and for one row where it cannot be read.
_BOUNDS: Final = f"""
SELECT max(xact_id) + 1 FROM (
    SELECT xact_id, sum(
        CASE WHEN object_id ~ '^[0-9]+:[0-9]{{1,5}}:' THEN split_part(object_id, ':', 2)::int ELSE 1 END
    ) OVER (ORDER BY xact_id, id) / %s AS part
    FROM evidence_auditevent WHERE verb = '{BOUND_VERB}' AND xact_id >= %s AND xact_id < %s
) AS numbered GROUP BY part ORDER BY part
"""


@dataclass(frozen=True, slots=True)
class Part:
    """What is checked at once: leaves by their places, or rows by their transactions."""

    kind: Literal["entries", "rows"]
    begin: int
    end: int  # exclusive
    running: tuple[int, ...] = ()  # transactions of it that had not ended, and are left out

    @property
    def key(self) -> str:
        """What names it, in this check and in one that begins again."""
        return f"{self.kind}:{self.begin}:{self.end}"


@dataclass(slots=True)
class Found:
    """What a check of one part found."""

    entries: int = 0
    rows: RowReport = field(default_factory=RowReport)
    others: dict[str, str] = field(
        default_factory=dict
    )  # leaf -> hexadecimal hash of its entry, where that is another
    n_faults: int = 0
    faults: list[str] = field(default_factory=list)  # the first `MAX_FAULTS`
    is_recalled: bool = False  # an interrupted check had done it

    def add(self, fault: str) -> None:
        """Note one fault."""
        self.n_faults += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)

    def to_json(self) -> dict[str, Any]:
        """Return it as a file of progress keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Found:
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is something else, or what no check finds: whoever may write the file
                has nothing to set against the faults of other parts.
        """
        found = cls(**{**kept, "rows": RowReport(**kept["rows"]), "is_recalled": True})
        counts = (found.entries, found.n_faults, *asdict(found.rows).values())
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError("counts are whole numbers")
        if found.n_faults < max(len(found.faults), len(found.others)):
            raise ValueError("each entry with another hash is a fault, and each fault is counted")
        return found


def plan_parts(since: int, first: int) -> list[Part]:
    """Return the parts of the log there is now, in its order.

    Args:
        since: leaves from this place on.
        first: transactions from this number on.
    """
    return [*_parts_of_entries(since), *_parts_of_rows(read_ended(first))]


def first_transaction_after(faults: Faults, size: int) -> int:
    """Return the first transaction whose rows are bound by no entry below a size; later ones may be, too.

    It follows from the last transaction that an entry below binds, so that entry is checked: with a number forged
    there, rows of later transactions would be left out.
    """
    events = AuditEvent.objects.filter(verb=BOUND_VERB)
    below = events.filter(leaf__seq__lt=size, xact_id__isnull=False)
    last = below.order_by("-xact_id").values_list("xact_id", "object_id", "leaf__seq").first()
    later = events.filter(Q(leaf__seq__gte=size) | Q(leaf__isnull=True))
    above = later.aggregate(first=Min("xact_id"))["first"]
    after = 0
    if last is not None:
        number, bound, seq = last
        after = (number or 0) + 1
        for fault in check_part(Part("entries", seq, seq + 1)).faults:
            faults.add(fault)
        if bound.partition(":")[0] != str(number):
            faults.add(f"The event of leaf {seq} is of transaction {number} and binds the rows of {bound}.")
    return after if above is None else min(after, above)


def check_part(part: Part) -> Found:
    """Check one part, and go on after a fault."""
    found = Found()
    if part.kind == "entries":
        _check_entries(found, part)
    else:
        found.rows = check_transactions(found, Ended(part.begin, part.end, part.running))
    return found


def _parts_of_entries(since: int) -> Iterator[Part]:
    last = Leaf.objects.aggregate(last=Max("seq"))["last"]
    begin = since
    while last is not None and begin <= last:
        end = begin - begin % ENTRIES_A_PART + ENTRIES_A_PART
        yield Part("entries", begin, min(end, last + 1))
        begin = end


def _parts_of_rows(ended: Ended) -> Iterator[Part]:
    with connection.cursor() as cursor:
        cursor.execute(_BOUNDS, [ROWS_A_PART, ended.since, ended.before])
        bounds = [bound for (bound,) in cursor.fetchall()]
    # The last one also takes transactions behind those that bind something.
    begin = ended.since
    for end in (*bounds[:-1], ended.before):
        yield Part("rows", begin, end, tuple(n for n in ended.running if begin <= n < end))
        begin = end


def _check_entries(found: Found, part: Part) -> None:
    """Compare each leaf with its entry, and each entry with its event."""
    leaves = Leaf.objects.filter(seq__gte=part.begin, seq__lt=part.end)
    for fault in name_eventless(leaves):
        found.add(fault)
    columns = ("seq", "leaf_hash", "event__entry", "event__event_uuid")
    for seq, leaf_hash, entry, event in leaves.exclude(_IN_OUR_YEARS).values_list(*columns).iterator():
        _check_hash(found, seq, bytes(leaf_hash), bytes(entry), event)
        found.add(
            f"Event {event}: its entry has another occurred_at than its row, which is in none of our years."
        )
    leaves = leaves.filter(_IN_OUR_YEARS)
    for leaf in leaves.select_related("event", "event__system").order_by("seq").iterator(_READ_CHUNK):
        entry = bytes(leaf.event.entry)
        _check_hash(found, leaf.seq, bytes(leaf.leaf_hash), entry, leaf.event.event_uuid)
        if leaf.stream != (stream := leaf.event.system.key if leaf.event.system else GLOBAL_STREAM):
            found.add(f"Leaf {leaf.seq} is counted in {leaf.stream}; its event is of {stream}.")
        _check_event(found, leaf.event, entry)


def _check_hash(found: Found, seq: int, leaf_hash: bytes, entry: bytes, event: UUID) -> None:
    found.entries += 1
    hashed = tree.leaf_hash(entry)
    if hashed != leaf_hash:
        found.others[str(seq)] = hashed.hex()
        found.add(f"Leaf {seq}: its hash is not that of the entry of event {event}.")


def name_eventless(leaves: QuerySet[Leaf]) -> Iterator[str]:
    """Yield a sentence for each leaf whose event is gone: whoever owns the tables can take that out behind it."""
    there = AuditEvent.objects.filter(pk=OuterRef("event_id"))
    for seq in leaves.filter(~Exists(there)).order_by("seq").values_list("seq", flat=True).iterator():
        yield f"The event of leaf {seq} of the log is not there any more."


def _check_event(found: Found, event: AuditEvent, entry: bytes) -> None:
    """Compare an event's columns, which people query, with its entry, which is in the tree."""
    columns = {
        "event": str(event.event_uuid),
        "system": event.system.key if event.system else None,
        "actor": event.actor,
        "verb": event.verb,
        "object": {"type": event.object_type, "id": event.object_id, "digest": event.object_digest},
        "payload_commitment": event.payload_commitment,
        "occurred_at": event.occurred_at,
    }
    try:
        told: Any = json.loads(entry)
        told["occurred_at"] = datetime.fromisoformat(told["occurred_at"])
    except (ValueError, KeyError, TypeError):
        found.add(f"Event {event.event_uuid}: its entry cannot be read.")
        return
    if differing := sorted(name for name, value in columns.items() if told.get(name) != value):
        found.add(f"Event {event.event_uuid}: its entry has another {', '.join(differing)} than its row.")
