"""Traces that were asked nearly the same, newest first, found by the index over their words and then compared.

Nearly the same are two questions of which at least `ALIKE` of 100 characters agree, without differences of case, width
and space. All of those cannot be compared with each other. So the words of a question are put into four groups, and
what holds any three of them is looked at: one word, or several that stand together, may be others. The index is asked
stretch by stretch from the newest, until enough was found.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet
from rapidfuzz import fuzz

from evidence.models import Trace
from evidence.selectors.trace_words import Period, find_stretches, limited
from evidence.word_rules import SEARCH_KEYS, TRACE_KEYS

ALIKE: Final = 90  # of 100 characters
MOST: Final = 200  # questions that are compared, the newest
_LONGEST: Final = 2_000  # characters of a question that are read
_MOST_WORDS: Final = 24  # the longest: a long word is in fewer texts
_GROUPS: Final = 4
_STRETCHES: Final = 64  # of each system, the newest: about a million traces
_SECONDS: Final = 1  # after which the database gives up

_WORDS: Final = "SELECT tracebinder_search_words(lower(normalize(%s, NFKC)))"
_KEYS: Final = f"{TRACE_KEYS}(system_id, id, question, answer, exchanges)"
_HOLDS: Final = f"{_KEYS} @> {SEARCH_KEYS}(%s::text[], held.system, held.stretch)"
# The inner fence keeps the planner from walking back row by row, which reads the words of each anew.
_FIND: Final = """
    SELECT found.id, found.question FROM unnest(%s::bigint[], %s::bigint[]) AS held (system, stretch)
    CROSS JOIN LATERAL (
        SELECT id, left(question, {longest}) AS question FROM (
            SELECT id, question FROM evidence_trace WHERE {holds} OFFSET 0) AS holding
        WHERE length(question) BETWEEN %s AND %s ORDER BY id DESC LIMIT {most}) AS found
    LIMIT {most}
"""


@dataclass(frozen=True, slots=True)
class AlikeQuestion:
    """A trace, and how many of 100 characters of its question agree."""

    pk: int
    alike: int


def find_alike(question: str, rows: QuerySet[Trace], systems: Collection[int]) -> list[AlikeQuestion]:
    """Return the traces among `rows` that were asked nearly the same last, newest first.

    Args:
        systems: whose traces may be met at all.

    Raises:
        SearchTooWide: the database gave up.
    """
    asked = _fold(question)
    with limited(_SECONDS):
        words = _read_words(question[:_LONGEST])
        candidates = _find(words, systems, len(question)) if words else []
    alike = {key: int(fuzz.ratio(asked, _fold(text), score_cutoff=ALIKE)) for key, text in candidates}
    near = [key for key, share in alike.items() if share]
    kept = rows.filter(pk__in=near).order_by("-pk").values_list("pk", flat=True)
    return [AlikeQuestion(key, alike[key]) for key in kept]


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text[:_LONGEST]).casefold().split())


def _read_words(question: str) -> list[str]:
    """Return the words by which a question is looked for, in the order in which the index reads them."""
    with connection.cursor() as cursor:
        cursor.execute(_WORDS, [question])
        row = cursor.fetchone()
    words = list(dict.fromkeys(row[0])) if row else []
    longest = frozenset(sorted(words, key=len, reverse=True)[:_MOST_WORDS])
    return [word for word in words if word in longest]


def _sought(words: Sequence[str]) -> list[list[str]]:
    """Return the sets of words of which one must be held: all groups but one, or all words where they are few."""
    if len(words) < _GROUPS - 1:
        return [list(words)]
    n_groups = min(_GROUPS, len(words))
    size = -(-len(words) // n_groups)
    groups = [words[at : at + size] for at in range(0, len(words), size)]
    kept = combinations(groups, len(groups) - 1)
    return [[word for group in some for word in group] for some in kept]


def _find(words: Sequence[str], systems: Collection[int], length: int) -> list[tuple[int, str]]:
    stretches = sorted(find_stretches(systems, Period()), key=lambda pair: -pair[1])
    newest = stretches[: _STRETCHES * max(1, len(systems))]
    if not newest:
        return []
    sought = _sought(words)
    holds = " OR ".join([_HOLDS] * len(sought))
    wanted: list[Any] = [list(column) for column in zip(*newest, strict=True)]
    between = [length * ALIKE // (200 - ALIKE), length * (200 - ALIKE) // ALIKE + 1]
    with connection.cursor() as cursor:
        cursor.execute(_FIND.format(holds=holds, longest=_LONGEST, most=MOST), [*wanted, *sought, *between])
        return list(cursor.fetchall())
