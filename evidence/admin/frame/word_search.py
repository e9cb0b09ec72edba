"""How a list finds words: in a column of another record by finding those records first, and theirs among its own rows.

Joined to each row before it is compared, the other record is read again for every row: of twenty thousand versions that
took as long as all else of a search. What is found is what Django's own search of a list finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.admin.utils import lookup_spawns_duplicates
from django.db.models import Exists, ForeignKey, Model, Q, QuerySet
from django.utils.text import smart_split, unescape_string_literal

from evidence.admin.frame.visibility import rows_of

_LOOKUPS: Final = {"=": "iexact", "^": "istartswith"}  # by how a search field begins; any other: icontains


def find_words(rows: QuerySet[Any], fields: Sequence[str], typed: str) -> tuple[QuerySet[Any], bool]:
    """Return the rows that hold each word in one of the fields, and whether one may be there twice."""
    if not fields or not typed:
        return rows, False
    lookups = [_lookup(field) for field in fields]
    found = Q()
    for word in smart_split(typed):
        found &= _held_in_any(rows.model, lookups, _unquoted(word))
    return rows.filter(found), any(lookup_spawns_duplicates(rows.model._meta, each) for each in lookups)


def _lookup(field: str) -> str:
    return f"{field.lstrip('=^')}__{_LOOKUPS.get(field[0], 'icontains')}"


def _unquoted(word: str) -> str:
    is_quoted = word.startswith(('"', "'")) and word[0] == word[-1]
    return str(unescape_string_literal(word)) if is_quoted else word


def _held_in_any(model: type[Model], lookups: Sequence[str], word: str) -> Q:
    found = Q()
    for lookup in lookups:
        found |= _held(model, lookup, word, is_alone=len(lookups) == 1)
    return found


def _held(model: type[Model], lookup: str, word: str, *, is_alone: bool) -> Q:
    head, _, rest = lookup.partition("__")
    field: Any = {each.name: each for each in model._meta.fields}.get(head)
    if not isinstance(field, ForeignKey):
        return Q(**{lookup: word})
    others = rows_of(field.related_model).filter(**{rest: word}).order_by()
    held = Q(**{f"{head}__in": others.values(field.target_field.attname)})
    return held & Q(Exists(others)) if is_alone else held  # where none is, no row is read
