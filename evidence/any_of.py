"""Whether a column holds one of many values: asked with all of them as one array.

Django's `in` writes a placeholder for each value, and making and parsing some thousand of them costs more than finding
the rows does.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.expressions import Combinable

from evidence.array_insert import as_array

_NONE: Final = Q(pk__in=[])  # nothing is asked of the database


class _AnyOf(Func):
    arg_joiner = " = ANY ("
    output_field = models.BooleanField()


def any_of_keys(column: str, keys: Collection[int]) -> Any:
    """Return the condition that a column holds one of these keys: its own attribute, `artefact_id`, not `artefact`."""
    return _any_of(F(column), keys, "bigint") if keys else _NONE


def any_of_ids(column: str, ids: Collection[UUID]) -> Any:
    """Return the condition that a column holds one of these ids."""
    return _any_of(F(column), ids, "uuid") if ids else _NONE


def any_of_texts(column: str | Combinable, texts: Collection[str]) -> Any:
    """Return the condition that a column, or what is made of it, is one of these texts."""
    told = F(column) if isinstance(column, str) else column
    return _any_of(told, texts, "text") if texts else _NONE


def _any_of(told: Combinable, values: Collection[Any], kind: str) -> _AnyOf:
    return _AnyOf(told, Value(as_array(list(values))), template=f"(%(expressions)s::{kind}[]))")
