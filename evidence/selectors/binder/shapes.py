"""How stored rows become lines of a binder, with as few Python objects between as there can be.

A JSON column is read as text, and becomes a piece of its line without a tree of objects that is walked twice; a time is
read as a number. What comes out is what `canonical_json` makes of `plain` values: a property test holds that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import orjson
from django.db.models import BigIntegerField, Func, TextField
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from evidence.digests import canonical_json, write_at_once
from evidence.selectors.binder.scope import moment, plain

# Characters: a text up to here may come again, as the resource of a request's spans does.
_REPEATED: Final = 2_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class Column:
    """A column, as it is read, and what makes of it what a line holds."""

    read: str | Combinable
    write: Callable[[Any], object]


class Shape:
    """Which column each member of a document is: by its name, where it needs no care, or a `Column`.

    Texts, truths and whole numbers below 2^53 need none.
    """

    def __init__(self, members: Mapping[str, str | Column]) -> None:
        self._names = tuple(members)
        self._written = [(name, one.write) for name, one in members.items() if isinstance(one, Column)]
        self.columns = [one if isinstance(one, str) else one.read for one in members.values()]

    def document(self, values: Sequence[object]) -> Document:
        """Return the document of a row's columns, for `write_line` or as a part of one."""
        made = dict(zip(self._names, values, strict=True))
        for name, write in self._written:
            made[name] = write(made[name])
        return made


def write_line(document: Mapping[str, object]) -> bytes:
    """Return a document as its line. All that needs care is in pieces that are written already; keys are ASCII."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def json_column(name: str) -> Column:
    """Return how a column of JSON is read and written."""
    return Column(Cast(name, TextField()), write_json)


def text_column(name: str) -> Column:
    """Return how whole numbers that may be 2^53 or more are read and written: as the text of their digits."""
    return Column(name, str)


def id_column(name: str) -> Column:
    """Return how a UUID is read and written."""
    return Column(name, attrgetter("hex"))


def number_column(name: str) -> Column:
    """Return how numbers that need not be whole are read and written."""
    return Column(name, _write_number)


def decimal_column(name: str) -> Column:
    """Return how a decimal number is read and written: as its text, without zeros that say nothing."""
    return Column(name, _write_decimal)


def time_column(name: str) -> Column:
    """Return how times are read, which is most of what it costs to read a row with them, and written."""
    return Column(_Microseconds(name), _write_time)


def write_json(text: str | None) -> orjson.Fragment | None:
    """Return a JSON column, read as the text that PostgreSQL makes of it, as the piece of a line."""
    if text is None:
        return None
    return _write_again(text) if len(text) <= _REPEATED else _write(text)


class _Microseconds(Func):
    template = "(EXTRACT(EPOCH FROM %(expressions)s) * 1000000)::bigint"
    output_field = BigIntegerField()

    def get_db_converters(self, connection: object) -> list[Any]:
        del connection
        return []  # it comes as an int


def _write(text: str) -> orjson.Fragment:
    written = write_at_once(orjson.loads(text))
    return orjson.Fragment(canonical_json(plain(json.loads(text))) if written is None else written)


_write_again = lru_cache(maxsize=1_000)(_write)


@lru_cache(maxsize=1_000)
def _write_number(value: float | None) -> orjson.Fragment:
    return orjson.Fragment(canonical_json(plain(value)))


def _write_decimal(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"


@lru_cache(maxsize=1_000)  # the spans of a request came in at one time
def _write_time(microseconds: int) -> str:
    return moment(_EPOCH + timedelta(microseconds=microseconds))
