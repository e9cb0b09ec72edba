"""Every append-only row against the log: recomputed from its columns, both ways, by transaction.

A transaction's rows are bound by one event with the root over their leaves (`evidence.binding_rules`). Here the leaves
are made again from what stands in the tables, by statements that call nothing but PostgreSQL's own functions, and the
tree over them by the code of the log. Rows that no event binds, events whose rows are gone or changed, rows that the
owner of the tables wrote, and rows that no act explains are faults, each with its name.
"""

# ruff: noqa: S608  # SQL composed of constants of this project; nobody's input is in it

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby, islice, product
from operator import itemgetter
from typing import Any, Final

from django.db import connection
from django.db.models import CharField, Exists, F, OuterRef, QuerySet
from django.db.models.functions import Cast

from evidence.binding_rules import BOUND_VERB
from evidence.log import tree
from evidence.models import AuditEvent, DisposedRows, Span
from evidence.models.base import AppendOnlyModel
from evidence.row_schemas import RowSchema, bound_models, schemas_by_table
from evidence.services.log.adoption import (
    ADOPTED_VERB,
    COMPLETED_VERB,
    Adoption,
    check_adopted,
    find_forged_adoptions,
    find_older,
    read_adoption,
)
from evidence.services.log.ended import Faults, Listed, Transactions, check_all_numbers, read_ended
from evidence.services.log.payloads import check_payloads

_READ_CHUNK: Final = 2_000  # rows held in memory
_COUNT: Final = re.compile(r"[0-9]{1,18}")
_ROOT: Final = re.compile(r"[0-9a-f]{64}")
_BUT_BINDINGS: Final = f" AND one.verb <> '{BOUND_VERB}'"  # which bind, and are bound by the tree
_NAMED: Final = 5  # rows of a transaction in a sentence; further ones are counted
_LISTED: Final = 200  # transactions, each of which may have sealed as many traces
_MAX_CHOICES: Final = 500  # of schemas, tried for a transaction that none fits: each costs a tree


@dataclass(slots=True)
class _Binding:
    """What the log says of a transaction's rows."""

    event: str
    n: int
    root: bytes
    role: str


@dataclass(slots=True)
class RowReport:
    """What a check of the rows found."""

    rows: int = 0
    transactions: int = 0
    adopted: int = 0  # rows from before rows were bound

    def take(self, other: RowReport) -> None:
        """Count what another check found, too."""
        self.rows += other.rows
        self.transactions += other.transactions
        self.adopted += other.adopted


@dataclass(slots=True)
class _Found:
    """The leaves of the rows there are, 32 bytes each, by transaction and table."""

    leaves: dict[int, dict[str, bytearray]] = field(default_factory=dict)

    def add(self, transaction: int, table: str, leaves: bytes) -> None:
        """Take the leaves of rows."""
        self.leaves.setdefault(transaction, {}).setdefault(table, bytearray()).extend(leaves)


def check_rows(faults: Faults) -> RowReport:
    """Compare every row with the event that binds or adopted it; `faults` is told of each that differs."""
    check_all_numbers(faults, list(bound_models()))
    report, since = check_older_rows(faults)
    report.take(check_transactions(faults, read_ended(since)))
    return report


def check_listed(
    faults: Faults, numbers: Collection[int], rows: Iterable[tuple[QuerySet[Any], Collection[int | None]]]
) -> None:
    """Compare some transactions, and whatever of some rows is older, with what binds or adopted it.

    Args:
        rows: of one table each, with the transactions that they name, None for none; those that are older than the
            binding of rows are checked with their bucket of keys.
    """
    adoption = _read_honest_adoption(faults)
    is_adopted = adoption is not None and adoption.is_completed
    since = adoption.before if adoption is not None and is_adopted else 0
    older = set().union(
        *(
            find_older(of_table, since)
            for of_table, named in rows
            if any(one is None or one < since for one in named)
        )
    )
    if adoption is not None and is_adopted:
        check_adopted(faults, adoption, older)
    elif older:
        _check_none_is_older(faults)
    bound = sorted(number for number in numbers if number >= since)
    for start in range(0, len(bound), _LISTED):
        check_transactions(faults, Listed(tuple(bound[start : start + _LISTED])))


def check_older_rows(faults: Faults) -> tuple[RowReport, int]:
    """Compare what is older than the binding of rows with what adopted it; also return from where on rows are bound."""
    adoption = _read_honest_adoption(faults)
    if adoption is not None and adoption.is_completed:
        return RowReport(adopted=check_adopted(faults, adoption)), adoption.before
    _check_none_is_older(faults)
    return RowReport(), 0


def _read_honest_adoption(faults: Faults) -> Adoption | None:
    """Return how far rows were adopted; None where an event of it is forged, so that nothing counts as older."""
    forged = list(find_forged_adoptions())
    for fault in forged:
        faults.add(fault)
    return None if forged else read_adoption()


def check_transactions(faults: Faults, which: Transactions) -> RowReport:
    """Compare the rows of some transactions with the events that bind them, all of what these wrote."""
    report, found, models = RowReport(), _Found(), _holding(which.condition, which.arguments)
    for model in models:
        schema = schemas_by_table()[model._meta.db_table][0]
        for transaction, leaves in _read_leaves(schema, which):
            report.rows += len(leaves) // tree.HASH_SIZE
            found.add(transaction, schema.table, leaves)
    for transaction, leaves in which.of(DisposedRows.objects.all(), "bound_in").values_list(
        "bound_in", "leaves"
    ):
        found.add(transaction, Span._meta.db_table, bytes(leaves))
    bindings = _read_bindings(faults, which)
    report.transactions = len(bindings)
    earlier = _EarlierSchemas()
    for transaction in sorted(found.leaves.keys() | bindings.keys()):
        of_transaction = found.leaves.get(transaction, {})
        _compare(faults, transaction, of_transaction, bindings.get(transaction), earlier)
    _check_writers(faults, bindings)
    _check_explained(faults, models, which)
    check_payloads(faults, which, models)
    return report


def _holding(condition: str, arguments: list[Any]) -> list[type[AppendOnlyModel]]:
    """Return the tables that hold a row of which an SQL condition on `one` is true, asked for all at once."""
    models = list(bound_models())
    each = (
        f"SELECT {place} AS place WHERE EXISTS (SELECT FROM {model._meta.db_table} AS one WHERE {condition})"
        for place, model in enumerate(models)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT place FROM ({' UNION ALL '.join(each)}) AS held", arguments * len(models))
        return [models[place] for place in sorted(place for (place,) in cursor.fetchall())]


def _check_none_is_older(faults: Faults) -> None:
    for model in _holding("one.xact_id IS NULL", []):
        n = model._default_manager.filter(xact_id__isnull=True).count()
        faults.add(
            f"{n:,} rows of {model._meta.label} are from before rows were bound: `manage.py migrate` adopts them."
        )


def _read_leaves(schema: RowSchema, which: Transactions) -> Iterator[tuple[int, bytes]]:
    """Yield transactions with the leaves of the rows of a table, many at once: one may come again."""
    is_log = schema.table == AuditEvent._meta.db_table
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT one.xact_id, {schema.leaf_sql('one')} FROM {schema.table} AS one WHERE {which.condition}"
            f"{_BUT_BINDINGS if is_log else ''}",
            which.arguments,
        )
        for rows in iter(lambda: cursor.fetchmany(_READ_CHUNK), []):
            for transaction, group in groupby(rows, key=itemgetter(0)):
                yield transaction, b"".join(leaf for _, leaf in group)


def _read_bindings(faults: Faults, which: Transactions) -> dict[int, _Binding]:
    """Return what the log says of each transaction. A second event of one, or one that says another, is a fault."""
    bindings: dict[int, _Binding] = {}
    events = which.of(AuditEvent.objects.filter(verb=BOUND_VERB)).order_by("pk")
    for event_uuid, transaction, bound, root in events.values_list(
        "event_uuid", "xact_id", "object_id", "object_digest"
    ).iterator(_READ_CHUNK):
        number, _, rest = bound.partition(":")
        n, _, role = rest.partition(":")
        if number != str(transaction) or not _COUNT.fullmatch(n) or not _ROOT.fullmatch(root):
            faults.add(
                f"Event {event_uuid} is of transaction {transaction} and binds {n!r} rows of {number!r} with the root "
                f"{root!r}."
            )
            continue
        if transaction in bindings:
            faults.add(
                f"Events {bindings[transaction].event} and {event_uuid} bind the same transaction's rows."
            )
            continue
        bindings[transaction] = _Binding(str(event_uuid), int(n), bytes.fromhex(root), role)
    return bindings


def _compare(
    faults: Faults,
    transaction: int,
    leaves: Mapping[str, bytearray],
    binding: _Binding | None,
    earlier: _EarlierSchemas,
) -> None:
    """Say what differs between the rows a transaction left and the rows the log says it wrote."""
    n = sum(map(len, leaves.values())) // tree.HASH_SIZE
    if binding is None:
        faults.add(f"No event binds {_name_rows(transaction, leaves)}: transaction {transaction}.")
    elif n == 0:
        faults.add(
            f"Event {binding.event} binds {binding.n} rows of transaction {transaction}: none is left."
        )
    elif n != binding.n:
        faults.add(
            f"Event {binding.event} binds {binding.n} rows of transaction {transaction}; there are {n}: "
            f"{_name_rows(transaction, leaves)}."
        )
    elif not (_has_root(leaves.values(), binding.root) or earlier.fit(transaction, leaves, binding.root)):
        faults.add(
            f"Event {binding.event}: a row of transaction {transaction} is not as it was bound, among "
            f"{_name_rows(transaction, leaves)}."
        )


class _EarlierSchemas:
    """The schemas that rows may be older than today's, tried for each transaction as they fitted the one before.

    A release changes several tables, so a transaction of before is older in all of them; only beside an upgrade may
    some of its tables be and others not.
    """

    def __init__(self) -> None:
        self._schemas = {table: known for table, known in schemas_by_table().items() if len(known) > 1}
        self._fitted = {
            table: len(known) - 1 for table, known in self._schemas.items()
        }  # by place: the oldest

    def fit(self, transaction: int, leaves: Mapping[str, bytearray], root: bytes) -> bool:
        """Whether the rows of a transaction have a root under schemas of before."""
        tables = [table for table in leaves if table in self._schemas]
        under: dict[tuple[str, int], bytes] = {}  # today's are what was found
        for places in islice(self._choices(tables), _MAX_CHOICES):
            chosen = dict(zip(tables, places, strict=True))
            for table, place in chosen.items():
                if (table, place) not in under:
                    under[table, place] = self._read(transaction, table, place)
            found = (under[name, chosen[name]] if name in chosen else held for name, held in leaves.items())
            if _has_root(found, root):
                self._fitted.update(chosen)
                return True
        return False

    def _choices(self, tables: Sequence[str]) -> Iterator[tuple[int, ...]]:
        """Yield a schema for each table, by its place: as fitted last, then all tables as old, then any mixture."""
        yield tuple(self._fitted[table] for table in tables)
        oldest = [len(self._schemas[table]) - 1 for table in tables]
        for age in range(1, max(oldest, default=0) + 1):
            yield tuple(min(age, place) for place in oldest)
        yield from product(*(range(place + 1) for place in oldest))

    def _read(self, transaction: int, table: str, place: int) -> bytes:
        exactly = Listed((transaction,))
        return b"".join(leaf for _, leaf in _read_leaves(self._schemas[table][place], exactly))


def _has_root(leaves: Iterable[bytes | bytearray], root: bytes) -> bool:
    return tree.root_of_set(b"".join(leaves)) == root


def _name_rows(transaction: int, leaves: Mapping[str, bytearray]) -> str:
    """Return the rows of a transaction by table and key: the first few, and how many there are."""
    named: list[str] = []
    for model in bound_models():
        if model._meta.db_table in leaves and len(named) < _NAMED:
            rows: QuerySet[Any] = model._default_manager.filter(xact_id=transaction)
            if model is AuditEvent:
                rows = AuditEvent.objects.filter(xact_id=transaction).exclude(verb=BOUND_VERB)
            keys = rows.order_by("pk").values_list("pk", flat=True)[: _NAMED - len(named)]
            named += [f"{model._meta.label} {key}" for key in keys]
    n = sum(map(len, leaves.values())) // tree.HASH_SIZE
    return ", ".join(named) + (f" and {n - len(named)} more" if n > len(named) else "")


def _adopts(transaction: int) -> bool:
    """Whether a transaction did nothing but adopt older rows, which only the owner of the tables may do."""
    events = AuditEvent.objects.filter(xact_id=transaction)
    verbs = {event.verb for event in events} - {BOUND_VERB}
    return bool(verbs) and verbs <= {ADOPTED_VERB, COMPLETED_VERB}


def _check_writers(faults: Faults, bindings: Mapping[int, _Binding]) -> None:
    """Find rows that were written by whoever may do anything: the owner of the tables, or a superuser."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolsuper OR oid IN (SELECT relowner FROM pg_class WHERE relname = %s)",
            [AuditEvent._meta.db_table],
        )
        owners = {name for (name,) in cursor.fetchall()}
    for transaction, binding in bindings.items():
        if binding.role in owners and not (binding.n == 1 and _adopts(transaction)):
            faults.add(
                f"Event {binding.event}: the rows of transaction {transaction} were written as {binding.role}, which "
                "owns the tables and is no part of the application."
            )


def _check_explained(faults: Faults, models: Sequence[type[AppendOnlyModel]], which: Transactions) -> None:
    """Find rows that are bound, and of which no event of their transaction says why they are there.

    All tables are asked in one statement: of most there is nothing to say.
    """
    asked = [
        (place, *_unexplained(model)) for place, model in enumerate(models) if model.EVENT_PATH is not None
    ]
    if not asked:
        return
    condition, arguments, each = which.condition, list[Any](), []
    for place, rows, of_rows in asked:
        each.append(
            f"SELECT {place}, one.key::text, one.xact_id FROM ({rows}) AS one(key, xact_id) WHERE {condition}"
        )
        arguments += [*of_rows, *which.arguments]
    found: dict[tuple[int, int], list[str]] = defaultdict(list)
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT place, key, xact_id FROM ({' UNION ALL '.join(each)}) AS found(place, key, xact_id)",
            arguments,
        )
        for rows in iter(lambda: cursor.fetchmany(_READ_CHUNK), []):
            for place, key, transaction in rows:
                found[place, transaction].append(key)
    for (place, transaction), keys in found.items():
        faults.add(
            f"No act on record explains {models[place]._meta.label} {', '.join(keys[:_NAMED])}"
            f"{f' and {len(keys) - _NAMED} more' if len(keys) > _NAMED else ''}: transaction {transaction}."
        )


@cache
def _unexplained(model: type[AppendOnlyModel]) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL for key and transaction of a table's rows that no event explains, and what it takes."""
    paths = (model.EVENT_PATH,) if isinstance(model.EVENT_PATH, str) else model.EVENT_PATH or ()
    rows: QuerySet[Any] = model._default_manager.order_by()
    for path in paths:
        rows = rows.exclude(_is_explained(model, path))
    text, arguments = rows.values_list("pk", "xact_id").query.sql_with_params()
    return text, arguments


def _is_explained(model: type[AppendOnlyModel], path: str) -> Exists:
    """Return the condition that an event of the row's transaction is about what a lookup path leads to."""
    target, is_one = _follow(model, path)
    found = AuditEvent.objects.filter(xact_id=OuterRef("xact_id"), object_type=target._meta.label)
    key = f"{path}__pk" if path else "pk"
    if is_one:
        return Exists(found.annotate(named=Cast(OuterRef(key), CharField())).filter(object_id=F("named")))
    # Of several, one is enough.
    rows = model._default_manager.annotate(named=Cast(F(key), CharField()))
    return Exists(rows.filter(Exists(found.filter(object_id=OuterRef("named"))), pk=OuterRef("pk")))


def _follow(model: type[Any], path: str) -> tuple[type[Any], bool]:
    """Return the model at the end of a lookup path, and whether a row leads to one row of it at most."""
    is_one = True
    for step in filter(None, path.split("__")):
        field = model._meta.get_field(step)
        is_one = is_one and not field.one_to_many
        model = field.related_model
    return model, is_one
