"""Traces that belong together, by the id of a conversation or a session that their sender gave them, in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet, TextChoices

from evidence.errors import AmbiguousConversation, ConversationTooLong
from evidence.models import Trace
from evidence.worded import Coded, worded

LONGEST: Final = 1_000  # traces of one conversation that are put in order


class Together(TextChoices):
    """What traces have in common."""

    CONVERSATION = "conversation"
    SESSION = "session"


_COLUMNS: Final = {Together.CONVERSATION: "conversation_ids", Together.SESSION: "session_ids"}


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where a trace stands among those of its conversation or session."""

    kind: Together
    given_id: str
    place: int  # from 1
    count: int
    previous: Trace | None
    next: Trace | None


def find_together(rows: QuerySet[Trace], kind: Together, given_id: str) -> QuerySet[Trace]:
    """Return the traces among `rows` of a conversation or session of one system, those that began first coming first.

    Raises:
        AmbiguousConversation: they are of several systems, which name what is theirs without each other.
        ConversationTooLong: there are more than can be put in order; an id may be the same for all of a batch job's.
    """
    found = _of_one(rows, kind, given_id).order_by()
    heads = list(found.values_list("pk", "system__key")[: LONGEST + 1])
    if len(heads) > LONGEST:
        raise ConversationTooLong(
            worded(
                "More than %(most)s traces carry this id of a %(kind)s: narrow the list of traces by "
                "it instead.",
                most=f"{LONGEST:,}",
                kind=Coded(kind),
            )
        )
    systems = sorted({key for _, key in heads})
    if len(systems) > 1:
        raise AmbiguousConversation(
            worded(
                "Systems %(systems)s each have this %(kind)s: add `system=` and one of them.",
                systems=", ".join(systems),
                kind=Coded(kind),
            )
        )
    return rows.filter(pk__in=[pk for pk, _ in heads]).order_by("started_at", "pk")


def find_neighbours(rows: QuerySet[Trace], trace: Trace) -> list[Neighbours]:
    """Return where a trace stands in the conversation, and in the session, that its outermost span names.

    An earlier revision stands where the current one does. Left out is what is too long to be put in order.

    Args:
        rows: current traces that whoever asks may see.
    """
    found = []
    for kind, column in _COLUMNS.items():
        for given_id in _ids_in(getattr(trace, column))[:1]:
            own = _of_one(rows.filter(system=trace.system_id), kind, given_id).order_by()
            heads = list(own.select_related(None).only("trace_id", "started_at")[: LONGEST + 1])
            heads.sort(key=lambda one: (one.started_at, one.pk))
            places = [place for place, one in enumerate(heads) if one.trace_id == trace.trace_id]
            if places and len(heads) <= LONGEST:
                found.append(_neighbours(kind, given_id, heads, places[0]))
    return found


def _neighbours(kind: Together, given_id: str, heads: Sequence[Trace], place: int) -> Neighbours:
    return Neighbours(
        kind=kind,
        given_id=given_id,
        place=place + 1,
        count=len(heads),
        previous=heads[place - 1] if place else None,
        next=heads[place + 1] if place + 1 < len(heads) else None,
    )


def _of_one(rows: QuerySet[Trace], kind: Together, given_id: str) -> QuerySet[Trace]:
    return rows.filter(**{f"{_COLUMNS[kind]}__contains": [given_id]})


def _ids_in(told: Any) -> list[str]:
    """Return the ids of a column; none where it was erased or sealed before traces told them."""
    return [one for one in told or () if isinstance(one, str)]
