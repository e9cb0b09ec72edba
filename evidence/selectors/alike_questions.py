"""Traces that were asked nearly the same, newest first, found by the index over their words and then compared.

Nearly the same are two questions of which at least `ALIKE` of 100 characters agree, without differences of case, width
and space. All of those cannot be compared with each other. So the words of a question are put into four groups, and
what holds any three of them is looked at: one word, or several that stand together, may be others. The index is asked
stretch by stretch from the newest, until enough was found, and not beyond the newest million traces.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from itertools import combinations
from typing import Any, Final

from django.db import connection
from rapidfuzz import fuzz

from evidence.word_rules import SEARCH_KEYS, STRETCH_BITS, TRACE_KEYS

ALIKE: Final = 90  # of 100 characters
MOST: Final = 200  # questions that are compared, the newest
_LONGEST: Final = 2_000  # characters of a question that are read
_MOST_WORDS: Final = 24  # the longest: a long word is in fewer texts
_GROUPS: Final = 4
_STRETCHES: Final = 64  # the newest
_OF_A_STRETCH: Final = 2_000  # traces that hold the words, of which the lengths are looked at

_WORDS: Final = """
    SELECT tracebinder_search_words(lower(normalize(%s, NFKC))), (SELECT max(id) FROM evidence_trace)
"""
_KEYS: Final = f"{TRACE_KEYS}(system_id, id, question, answer, exchanges)"
_HOLDS: Final = f"{_KEYS} @> {SEARCH_KEYS}(%s::text[], held.system, held.stretch)"
# The inner limit also keeps the planner from walking back row by row, which reads the words of each anew.
_FIND: Final = """
    SELECT found.id, found.question FROM unnest(%s::bigint[], %s::bigint[]) AS held (system, stretch)
    CROSS JOIN LATERAL (
        SELECT id, left(question, {longest}) AS question FROM (
            SELECT id, question FROM evidence_trace WHERE {holds} LIMIT {held}) AS holding
        WHERE length(question) BETWEEN %s AND %s ORDER BY id DESC LIMIT {most}) AS found
    LIMIT {most}
"""


def find_alike(question: str, systems: Collection[int]) -> dict[int, int]:
    """Return traces that were asked nearly the same last: by key, how many of 100 characters agree.

    Args:
        systems: whose traces may be met at all.
    """
    asked = _fold(question)
    words, newest = _read_words(question[:_LONGEST])
    candidates = _find(words, newest, systems, len(question)) if words and systems else []
    alike = {key: int(fuzz.ratio(asked, _fold(text), score_cutoff=ALIKE)) for key, text in candidates}
    return {key: share for key, share in alike.items() if share}


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text[:_LONGEST]).casefold().split())


def _read_words(question: str) -> tuple[list[str], int]:
    """Return the words by which a question is looked for, as the index reads them, and the newest trace's key."""
    with connection.cursor() as cursor:
        cursor.execute(_WORDS, [question])
        found, newest = cursor.fetchall()[0]
    words = list(dict.fromkeys(found or ()))
    longest = frozenset(sorted(words, key=len, reverse=True)[:_MOST_WORDS])
    return [word for word in words if word in longest], newest or 0


def _sought(words: Sequence[str]) -> list[list[str]]:
    """Return the sets of words of which one must be held: all groups but one, or all words where they are few."""
    if len(words) < _GROUPS - 1:
        return [list(words)]
    size = -(-len(words) // min(_GROUPS, len(words)))
    groups = [words[at : at + size] for at in range(0, len(words), size)]
    return [[word for group in some for word in group] for some in combinations(groups, len(groups) - 1)]


def _find(words: Sequence[str], newest: int, systems: Collection[int], length: int) -> list[tuple[int, str]]:
    last = newest >> STRETCH_BITS
    stretches = range(last, max(-1, last - _STRETCHES), -1)
    held = [(system, stretch) for stretch in stretches for system in sorted(systems)]
    sought = _sought(words)
    statement = _FIND.format(
        holds=" OR ".join([_HOLDS] * len(sought)), longest=_LONGEST, held=_OF_A_STRETCH, most=MOST
    )
    asked: list[Any] = [list(column) for column in zip(*held, strict=True)]
    between = [length * ALIKE // (200 - ALIKE), length * (200 - ALIKE) // ALIKE + 1]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*asked, *sought, *between])
        return list(cursor.fetchall())
