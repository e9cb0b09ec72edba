"""A binder's lines from stored rows: what goes the short way has the bytes of what goes the long one."""

from __future__ import annotations

import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import DateTimeField, FloatField, Value
from hypothesis import given
from hypothesis import strategies as st

from evidence.binder.deflate import LEVEL, DeflateBeside
from evidence.digests import canonical_json
from evidence.selectors.binder.scope import plain
from evidence.selectors.binder.shapes import (
    Column,
    Shape,
    number_column,
    time_column,
    write_json,
    write_line,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def as_stored(value: object) -> str:
    """Return the text that PostgreSQL makes of a JSON value it keeps."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb::text", [json.dumps(value)])
        (text,) = cursor.fetchone() or ("",)
    return str(text)


@given(value=VALUES)
@pytest.mark.django_db
def test_a_column_of_json_is_written_as_its_value_would_be(value: Any) -> None:
    stored = as_stored(value)
    assert write_line({"is": write_json(stored)}) == canonical_json({"is": plain(json.loads(stored))})


@pytest.mark.parametrize("value", [1e-7, 1e21, 2**53, -(2**64), {"\uff5e": 1, "\U0001f600": 2}, [0.0], -0.0])
@pytest.mark.django_db
def test_what_two_writers_write_otherwise_is_written_as_rfc_8785_asks(value: Any) -> None:
    stored = as_stored(value)
    assert write_line({"is": write_json(stored)}) == canonical_json({"is": plain(json.loads(stored))})


def test_json_that_is_nested_deep_is_written() -> None:
    deep = '{"a": ' * 150 + "1" + "}" * 150
    assert write_line({"is": write_json(deep)}) == canonical_json({"is": json.loads(deep)})


@given(time=st.datetimes(datetime(1900, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
@pytest.mark.django_db
def test_a_time_is_written_as_times_are(time: datetime) -> None:
    assert line_of(Value(time, DateTimeField()), time_column("held")) == plain(time)


@given(number=st.floats(allow_nan=False) | st.none())
@pytest.mark.django_db
def test_a_number_is_written_as_numbers_are(number: float | None) -> None:
    written = line_of(Value(number, FloatField()), number_column("held"))
    assert written == json.loads(canonical_json(plain(number)))


def line_of(value: Value, column: Column) -> Any:
    """Return what a line says of a value that the database holds."""
    shape = Shape({"is": column})
    row = ContentType.objects.annotate(held=value).values_list(*shape.columns)[0]
    return json.loads(write_line(shape.document(row)))["is"]


@given(pieces=st.lists(st.binary(max_size=2_000), max_size=12))
def test_a_thread_packs_what_zlib_packs(pieces: list[bytes]) -> None:
    alone = zlib.compressobj(level=LEVEL, wbits=-zlib.MAX_WBITS)
    expected = b"".join([*map(alone.compress, pieces), alone.flush()])
    with ThreadPoolExecutor(1) as thread:
        beside = DeflateBeside(thread)
        assert b"".join([*map(beside.compress, pieces), beside.flush()]) == expected
