"""Whether a column holds one of many values: asked with all of them as one array.

Django's `in` writes a placeholder for each value, and making and parsing some thousand of them costs more than finding
the rows does.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import models
from django.db.models import F, Func, Value
from django.db.models.expressions import Combinable

from evidence.array_insert import as_array


class _AnyOf(Func):
    arg_joiner = " = ANY ("
    output_field = models.BooleanField()


def any_of_keys(column: str, keys: Collection[int]) -> Any:
    """Return the condition that a column holds one of these keys: its own attribute, `artefact_id`, not `artefact`."""
    return _AnyOf(F(column), Value(as_array(list(keys))), template="(%(expressions)s::bigint[]))")


def any_of_texts(column: str | Combinable, texts: Collection[str]) -> Any:
    """Return the condition that a column, or what is made of it, is one of these texts."""
    told = F(column) if isinstance(column, str) else column
    return _AnyOf(told, Value(as_array(list(texts))), template="(%(expressions)s::text[]))")
