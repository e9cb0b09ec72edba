"""The column that shows a trace id in the admin: 32 hexadecimal characters, as it is written everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import Model, UUIDField
from django.utils.translation import gettext_lazy as _

COLUMN: Final = "trace_id"
IN_HEX: Final = f"{COLUMN}_in_hex"


def has_trace_id(model: type[Model]) -> bool:
    """Whether a noun names a trace by its id."""
    return any(field.name == COLUMN and isinstance(field, UUIDField) for field in model._meta.fields)


def hex_column() -> Callable[[Any], str]:
    """Return the column that shows a trace id as it is written everywhere."""

    @admin.display(description=_("Trace id"), ordering=COLUMN, empty_value="–")
    def show(row: Any) -> str:
        return row.trace_id.hex if row.trace_id else ""

    return show


def in_hex(model: type[Model], columns: Sequence[Any]) -> list[Any]:
    """Return columns of a noun with its trace id as it is written everywhere."""
    return [IN_HEX if column == COLUMN and has_trace_id(model) else column for column in columns]
