"""Payload that people and models wrote: it is what its row is bound by, or an erasure on record took it."""

# ruff: noqa: S608  # SQL composed of constants of this project; nobody's input is in it

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from django.db import connection, models
from django.db.models import Max
from django.db.models.functions import Cast

from evidence.erasable import ERASABLE, Erasable
from evidence.erased import ERASED_KEY, ERASED_TEXT
from evidence.models import Erasure, Span
from evidence.models.base import ErasableModel
from evidence.otlp.span_digest import (
    DIGESTED_COLUMNS,
    JSON_COLUMNS,
    SPAN_DIGEST_FORMAT,
    digest_texts,
)
from evidence.services.log.ended import Faults, Transactions

NEVER: Final = -1  # the transaction of an erasure that there was not
_READ_CHUNK: Final = 2_000  # rows held in memory


def check_payloads(faults: Faults, which: Transactions, tables: Collection[type[models.Model]]) -> None:
    """Compare each span with its digest, and see that what went of any row went by an erasure.

    Args:
        tables: those that have rows of these transactions.
    """
    if Span in tables:
        _check_spans(faults, which)
    for one in ERASABLE:
        if one.model in tables and issubclass(one.model, ErasableModel):
            for key in _unfounded(one, which):
                faults.add(
                    f"{one.model._meta.label} {key}: its payload was replaced, and no erasure says so."
                )


def _check_spans(faults: Faults, which: Transactions) -> None:
    erased = read_erased()
    spans = which.of(Span.objects.filter(digest_format=SPAN_DIGEST_FORMAT))
    columns = spans.values_list("digest", "system_id", "xact_id", *map(_as_read, DIGESTED_COLUMNS))
    for digest, system_id, transaction, *told in columns.iterator(_READ_CHUNK):
        if digest_texts(told) == digest:
            continue
        span = {
            column: _read(_SPAN, column, value) for column, value in zip(DIGESTED_COLUMNS, told, strict=True)
        }
        last = erased.get((system_id, span["trace_id"]), NEVER)
        if last < (transaction or 0) or not _is_erased(span, _SPAN.columns):
            faults.add(
                f"Span {span['span_id']} of trace {span['trace_id'].hex} is not what its digest says: "
                f"transaction {transaction}."
            )


def _as_read(column: str) -> str | Cast:
    """Return how a column of a span is asked for: JSON as its text, most of which is the same in many spans."""
    return Cast(column, models.TextField()) if column in JSON_COLUMNS else column


def read_erased() -> dict[tuple[int, uuid.UUID], int]:
    """Return each trace that was erased, by system and id, with the transaction of its last erasure.

    An erasure takes what was there: it accounts for nothing that was written later.
    """
    last = Erasure.objects.values("system_id", "trace_id").annotate(last=Max("transaction_id"))
    return {(one["system_id"], one["trace_id"]): one["last"] for one in last.iterator(_READ_CHUNK)}


_SPAN: Final = next(one for one in ERASABLE if one.model is Span)


def _unfounded(one: Erasable, which: Transactions) -> Iterator[Any]:
    """Yield the keys of rows that keep a commitment, as after an erasure, and were not erased by one."""
    table = one.model._meta.db_table
    columns = ", ".join(f'one."{column}"' for column in one.columns)
    found = (
        "EXISTS (SELECT FROM evidence_erasure AS tombstone WHERE tombstone.transaction_id >= coalesce(one.xact_id, 0) "
        f"AND ((tombstone.system_id, tombstone.trace_id) IN ({one.trace_of.replace('$1', 'one')}) "
        f"OR tombstone.copies -> '{table}' @> to_jsonb(one.id)))"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT one.id, one.payload_salt IS NULL AND {found}, {columns} FROM {table} AS one "
            f"WHERE one.payload_commitment IS NOT NULL AND {which.condition}",
            which.arguments,
        )
        for key, is_founded, *texts in cursor.fetchall():
            payload = (_read(one, column, text) for column, text in zip(one.columns, texts, strict=True))
            if not is_founded or not all(map(_is_erased_form, payload)):
                yield key


def _read(one: Erasable, column: str, text: Any) -> Any:
    """Return the value of a column that was asked for in SQL, which gives JSON as a text."""
    is_json = isinstance(one.model._meta.get_field(column), models.JSONField)
    return json.loads(text) if is_json and text is not None else text


def _is_erased(row: Mapping[str, Any], columns: Iterable[str]) -> bool:
    return all(_is_erased_form(row[column]) for column in columns)


def _is_erased_form(value: object) -> bool:
    """Whether a column holds nothing but what an erasure leaves (`evidence.disposal_rules`)."""
    if isinstance(value, list):
        return all(
            isinstance(item, dict) and item.keys() == {"code", "detail"} and item["detail"] == ERASED_TEXT
            for item in value
        )
    return value in (None, "", {}, ERASED_TEXT, {ERASED_KEY: True})
