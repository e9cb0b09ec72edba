"""Traces by the words of their questions and answers, newest first, a page at a time.

A common word is in half of all traces, so neither are all of them looked up nor are they walked one by one. The index
holds each word once for each system and stretch of rows (`evidence.word_rules`). A search goes through the stretches
from the newest, a few and then more at once, until its page is full. What else the traces must be narrows the stretches
first, where the planner expects few of them or they are of a period.

What stands nowhere has to be looked for everywhere. So a page has a time, after which the search says how far it came,
and goes on from there when it is asked to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.functions import StrIndex

from evidence.errors import Fault, InvalidInput
from evidence.models import Trace
from evidence.models.trace import Stretch, TraceKeys
from evidence.search_terms import Term
from evidence.selectors.planned import planned_rows
from evidence.selectors.search_limit import limited
from evidence.time_budget import TimeBudget
from evidence.word_rules import SEARCH_KEYS, SEARCH_TEXT, STRETCH_BITS, TRACE_KEYS
from evidence.worded import worded

_FEW: Final = 2_000  # rows that the planner expects, which are better listed than met
_MOST_LISTED: Final = 10_000  # where it was wrong, they are met after all
_READ: Final = (
    200  # of those listed whose words are read from the rows: a common word is in many that are not listed
)
_FIRST_GROUP: Final = 1  # stretches that are searched at once
_LAST_GROUP: Final = 64
_FIRST_SLICE: Final = 200  # rows that are looked at at once
_LAST_SLICE: Final = 1_000  # of which reading the texts takes a third of a page's time
_LEAST: Final = 200  # rows that each page looks at, however slow the machine is; a step counts as ten more
_OF_A_STEP: Final = 10
_MANY: Final = 2_000  # rows that hold the words in a group of stretches: the next group is one stretch alone
_GROWTH: Final = 4

_WORDS: Final = (
    "SELECT tracebinder_search_words(lower(normalize(said, NFKC))), lower(normalize(said, NFKC))"
    " FROM unnest(%s::text[]) WITH ORDINALITY AS term (said, place) ORDER BY place"
)
_HOLDING: Final = f"""
    SELECT found.id FROM unnest(%s::bigint[], %s::bigint[]) AS held (system, stretch) CROSS JOIN LATERAL (
        SELECT id FROM evidence_trace WHERE {TRACE_KEYS}(system_id, id, question, answer, exchanges)
            @> {SEARCH_KEYS}(%s::text[], held.system, held.stretch)
    ) AS found
"""  # noqa: S608  # our own names
# In the order of the index, or the planner would rather look through the table for any one row.
_STRETCHES: Final = f"""
    SELECT system, stretch FROM (
        SELECT min(id) >> {STRETCH_BITS} AS oldest, max(id) >> {STRETCH_BITS} AS newest FROM evidence_trace) AS ends
    CROSS JOIN LATERAL generate_series(oldest, newest) AS stretch CROSS JOIN unnest(%(systems)s::bigint[]) AS system
    CROSS JOIN LATERAL (
        SELECT FROM evidence_trace WHERE system_id = system AND (id >> {STRETCH_BITS}) = stretch
            AND started_at >= coalesce(%(since)s::timestamptz, '-infinity')
            AND started_at < coalesce(%(until)s::timestamptz, 'infinity') ORDER BY started_at LIMIT 1) AS one
"""  # noqa: S608  # our own numbers


class _Plain(Func):
    """What the texts of a trace say, folded, in one line: each run of spaces as one, each end of a line as a space."""

    template = rf"regexp_replace({SEARCH_TEXT}(%(expressions)s), '\s\s+|[\t\n\r]', ' ', 'g')"
    output_field = TextField()


@dataclass(frozen=True, slots=True)
class Period:
    """When the traces began, by their sender's clock; None: without an end on that side."""

    since: datetime | None = None
    until: datetime | None = None  # before it

    @property
    def is_bounded(self) -> bool:
        """Whether it leaves anything out."""
        return self.since is not None or self.until is not None


@dataclass(frozen=True, slots=True)
class Place:
    """From where a page goes on: older than a row, or newer than one. Neither: from the newest."""

    before: int | None = None
    after: int | None = None

    @property
    def order(self) -> str:
        """The order in which rows are met."""
        return "-pk" if self.after is None else "pk"

    def holds(self, pk: int) -> bool:
        """Whether a row lies where the page may."""
        return (self.before is None or pk < self.before) and (self.after is None or pk > self.after)

    def end_of(self, stretch: int) -> int:
        """Return the key up to which all was met once a stretch was, seen from here: the next ones lie beyond it."""
        return stretch << STRETCH_BITS if self.after is None else ((stretch + 1) << STRETCH_BITS) - 1

    def reaches(self, stretch: int) -> bool:
        """Whether a stretch has rows there."""
        return (self.before is None or stretch << STRETCH_BITS < self.before) and (
            self.after is None or ((stretch + 1) << STRETCH_BITS) - 1 > self.after
        )


@dataclass(frozen=True, slots=True)
class FoundPage:
    """The keys of a page's traces, in the order in which they were met, and how far the search came."""

    keys: list[int]
    stopped_at: int | None = None  # a page goes on beyond it; None: all that had to be was looked at

    @property
    def looked_back_to(self) -> datetime | None:
        """When the last trace that was looked at had been sealed, where the search stopped before its end."""
        if self.stopped_at is None:
            return None
        beyond = Trace.objects.filter(pk__gte=self.stopped_at).order_by("pk")
        return beyond.values_list("sealed_at", flat=True).first()


class WordSearch:
    """A search for words, of which pages can be asked."""

    def __init__(self, terms: Sequence[Term], *, systems: Collection[int], period: Period) -> None:
        """Read what must be found.

        Args:
            systems: whose traces may be met at all.

        Raises:
            InvalidInput: there is no word in it to look for.
        """
        self._systems, self._period = systems, period
        self._words, self._literals = _read_words(terms)
        if not self._words:
            message = worded(
                "Each of these is in nearly every text, or one character of a language without "
                "spaces: add a word of at least two.",
            )
            raise InvalidInput(faults=[Fault("query", "words", "no_word", message)])

    def find(self, rows: QuerySet[Trace], size: int, place: Place, *, is_narrowed: bool = True) -> FoundPage:
        """Return the first traces of `rows` from a place on that hold all words, at most `size`.

        Where the time of a page is over before, those found by then, and how far that is: at least a slice further.

        Args:
            is_narrowed: whether they are fewer than all of the systems', so that listing them may be the shorter way.

        Raises:
            SearchTooWide: one step took so long that the database ended it.
        """
        with limited(settings.SEARCH_TIMEOUT):
            budget = TimeBudget.of(settings.SEARCH_BUDGET / 1000)
            narrowed = self._with_literals(rows).order_by(place.order).values_list("pk", flat=True)
            found: list[int] = []
            looked_at = 0
            for keys, until in self._candidates(_list_few(rows) if is_narrowed else None, place):
                looked_at += len(keys) + _OF_A_STEP
                found += narrowed.filter(pk__in=keys)[: size - len(found)] if keys else []
                if len(found) >= size:
                    break
                if looked_at >= _LEAST and budget.is_spent():
                    return FoundPage(found, until)
        return FoundPage(found)

    def _candidates(self, listed: frozenset[int] | None, place: Place) -> Iterator[tuple[list[int], int]]:
        """Yield keys of traces that hold the words, in order, a few and then more at once.

        With each goes the key up to which, once these are looked at, all were.

        Args:
            listed: of all rows that may be met, where they are few.
        """
        if listed is not None:
            near = sorted(filter(place.holds, listed), reverse=place.after is None)
            if first := near[:_READ]:
                yield self._holding_among(first), first[-1]
            listed = frozenset(near[_READ:])
        waiting, size = self._stretches(place, listed), _FIRST_GROUP
        while waiting:
            group, waiting = waiting[:size], waiting[size:]
            held = self._holding([pair for stretch in group for pair in stretch])
            growth = _GROWTH if held else _GROWTH**2  # what none holds is rare
            size = _FIRST_GROUP if len(held) > _MANY else min(size * growth, _LAST_GROUP)
            keys = [key for key in held if place.holds(key) and (listed is None or key in listed)]
            keys.sort(reverse=place.after is None)
            yield from _slices(keys, place.end_of(group[-1][0][1]))

    def _stretches(self, place: Place, listed: Collection[int] | None) -> list[list[tuple[int, int]]]:
        """Return the pairs of system and stretch to search, those of a stretch together, in the order of the place."""
        wanted = None if listed is None else {key >> STRETCH_BITS for key in listed}
        of_stretch = defaultdict(list)
        for system, stretch in find_stretches(self._systems, self._period):
            if place.reaches(stretch) and (wanted is None or stretch in wanted):
                of_stretch[stretch].append((system, stretch))
        return [of_stretch[stretch] for stretch in sorted(of_stretch, reverse=place.after is None)]

    def _holding(self, stretches: Sequence[tuple[int, int]]) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(_HOLDING, [*map(list, zip(*stretches, strict=True)), self._words])
            return [key for (key,) in cursor.fetchall()]

    def _holding_among(self, keys: Sequence[int]) -> list[int]:
        """Return the keys of those of these traces that hold the words, which are read anew: dear, and no index."""
        asked = Func(
            Value(self._words, ArrayField(TextField())), F("system"), Stretch("id"), function=SEARCH_KEYS
        )
        held = Trace.objects.filter(pk__in=keys).alias(keys=TraceKeys()).filter(keys__contains=asked)
        return list(held.order_by().values_list("pk", flat=True))

    def _with_literals(self, rows: QuerySet[Trace]) -> QuerySet[Trace]:
        for literal in self._literals:
            place = StrIndex(_Plain(F("question"), F("answer"), F("exchanges")), Value(literal))
            rows = rows.alias(literal_at=place).filter(literal_at__gt=0)
        return rows


def find_stretches(systems: Collection[int], period: Period) -> list[tuple[int, int]]:
    """Return system and stretch of all rows of these systems that are of a period. An index probe for each."""
    asked = {"systems": list(systems), "since": period.since, "until": period.until}
    with connection.cursor() as cursor:
        cursor.execute(_STRETCHES, asked)
        return [(system, stretch) for system, stretch in cursor.fetchall()]


def within(rows: QuerySet[Trace], systems: Collection[int], period: Period) -> QuerySet[Trace]:
    """Narrow to the rows among which those of a period lie.

    Lists walk from the newest row, and would meet all that are newer than the period.
    """
    stretches = [stretch for _, stretch in find_stretches(systems, period)]
    if not stretches:
        return rows.none()
    return rows.filter(pk__gte=min(stretches) << STRETCH_BITS, pk__lt=(max(stretches) + 1) << STRETCH_BITS)


def _read_words(terms: Sequence[Term]) -> tuple[list[str], list[str]]:
    """Return the words under which terms are indexed, and the texts that must be there as they are written."""
    with connection.cursor() as cursor:
        cursor.execute(_WORDS, [[term.text for term in terms]])
        read = cursor.fetchall()
    words = sorted({word for found, _ in read for word in found})
    literals = [folded for (_, folded), term in zip(read, terms, strict=True) if term.is_literal]
    return words, literals


def _list_few(rows: QuerySet[Trace]) -> frozenset[int] | None:
    """Return the keys of rows that other filters leave, where they are few; None where they are not."""
    if planned_rows(rows) > _FEW:
        return None
    keys = list(rows.order_by().values_list("pk", flat=True)[: _MOST_LISTED + 1])
    return frozenset(keys) if len(keys) <= _MOST_LISTED else None


def _slices(keys: Sequence[int], end: int) -> Iterator[tuple[list[int], int]]:
    """Yield keys in slices, each with its last one; with the last slice, which may be empty, the end of all."""
    begin, size = 0, _FIRST_SLICE
    while begin + size < len(keys):
        yield list(keys[begin : begin + size]), keys[begin + size - 1]
        begin, size = begin + size, min(size * _GROWTH, _LAST_SLICE)
    yield list(keys[begin:]), end
