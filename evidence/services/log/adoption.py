"""Rows from before rows were bound: taken into the log once, by the digest they have then, and told apart for ever.

Nobody can say that such a row is as it was written, only that it has not changed since it was adopted. Each event of
the verb `rows.adopted` is about a bucket of keys of one table, and the last, `rows.adoption_completed`, says up to
which transaction: whatever is older and in no bucket was put there later.
"""

# ruff: noqa: S608  # SQL composed of constants of this project; nobody's input is in it

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.apps import AppConfig
from django.db import connection, connections, transaction
from django.db.models import F, Q, QuerySet

from evidence.actors import actor_of_component
from evidence.binding_rules import BOUND_TYPE, BOUND_VERB
from evidence.log import tree
from evidence.models import AuditEvent, DisposedRows, Span
from evidence.models.base import AppendOnlyModel, ErasableModel
from evidence.row_schemas import BUCKET, RowSchema, bound_models, schema_of, schemas_by_table
from evidence.services import audit
from evidence.services.log.ended import Faults

ADOPTED_VERB: Final = "rows.adopted"
COMPLETED_VERB: Final = "rows.adoption_completed"
ACTOR: Final = actor_of_component("adoption")
_NAME: Final = re.compile(r"(all|-?[0-9]{1,18})(:[0-9]{1,18}){1,2}")  # of what an event adopts
_DISPOSED: Final = (
    " UNION SELECT bucket FROM evidence_disposedrows WHERE bound_in IS NULL OR bound_in < %(before)s"
)
# Of a bound table, the rows that were there before transactions from one on.
_EARLIER: Final = "(one.xact_id IS NULL OR one.xact_id < %(before)s)"


@dataclass(frozen=True, slots=True)
class Adoption:
    """How far rows were adopted."""

    before: int  # transactions from this one on bind their rows themselves
    is_completed: bool


def adopt_after_migrate(sender: AppConfig, using: str, **_: Any) -> None:
    """After a migration of the last app, adopt what is older than the binding of rows; nothing in a new database."""
    if sender.label != "interpret" or connections[using] is not connection:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('evidence_openbinding') IS NOT NULL")
        if cursor.fetchone() != (True,):  # `migrate` was asked for a state before rows were bound
            return
    if owes_adoption():
        adopt_rows()


def owes_adoption() -> bool:
    """Whether there are rows from before rows were bound that no completed adoption covers."""
    first = AuditEvent.objects.order_by("pk").first()
    if first is None or AuditEvent.objects.filter(verb=COMPLETED_VERB).exists():
        return False
    return not AuditEvent.objects.filter(verb=BOUND_VERB, xact_id=first.xact_id).exists()


def read_adoption() -> Adoption | None:
    """Return how far rows were adopted; None where that was never begun."""
    last = _adoptions().order_by("-pk").first()
    if last is None:
        return None
    return Adoption(int(last.object_id.rpartition(":")[2]), is_completed=last.verb == COMPLETED_VERB)


def find_forged_adoptions() -> Iterator[str]:
    """Yield a sentence for each event that takes rows for older than they are: anybody who may write events may.

    A log that began with a bound transaction has no older rows. Otherwise each bucket of keys was adopted once, and
    none after it was said that all were.
    """
    columns = ("event_uuid", "verb", "object_type", "object_id", "leaf__seq")
    told = list(_adoptions().order_by("pk").values_list(*columns))
    began_bound = bool(told) and _began_bound()
    end = next((seq for _, verb, *_, seq in told if verb == COMPLETED_VERB), None)
    seen = set[tuple[str, str]]()
    for event, verb, kind, name, seq in told:
        place = (kind, name.partition(":")[0])
        is_late = verb == ADOPTED_VERB and end is not None and (seq is None or seq > end)
        if began_bound or not _NAME.fullmatch(name) or place in seen or is_late:
            yield f"Event {event} adopts rows of {kind} ({name!r}) that were adopted before, or are not older than all."
        seen.add(place)


def _adoptions() -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(verb__in=[ADOPTED_VERB, COMPLETED_VERB])


def _began_bound() -> bool:
    """Whether the first entry of the log is of a transaction whose rows are bound."""
    first = AuditEvent.objects.filter(leaf__seq=0).values("xact_id")
    return AuditEvent.objects.filter(verb=BOUND_VERB, xact_id__in=first).exists()


def adopt_rows() -> int:
    """Adopt every row that is older than the binding of rows, a bucket at a time; return how many buckets.

    What was interrupted is gone on with. It acts as the owner of the tables, who alone may give old rows their salts.
    """
    begun = read_adoption()
    before = begun.before if begun else _first_that_binds()
    done = set(
        AuditEvent.objects.filter(verb=ADOPTED_VERB).values_list("object_type", "object_id").iterator()
    )
    n_buckets = 0
    for model in bound_models():
        for bucket in _buckets_of(model, before):
            if not any(kind == model._meta.label and _bucket_in(name) == bucket for kind, name in done):
                _adopt(model, bucket, before)
                n_buckets += 1
    with transaction.atomic():
        audit.record_about(
            verb=COMPLETED_VERB, actor=ACTOR, object_type=BOUND_TYPE, object_id=f"all:{before}"
        )
    return n_buckets


def check_adopted(
    faults: Faults, adoption: Adoption, only: Collection[tuple[str, int | None]] | None = None
) -> int:
    """Compare adopted rows with the events that adopted them; return how many rows.

    Args:
        only: labels of models with buckets of keys, where not all are looked at.
    """
    told = AuditEvent.objects.filter(verb=ADOPTED_VERB).values_list(
        "event_uuid", "object_type", "object_id", "object_digest"
    )
    events = {(kind, _bucket_in(name)): (event, digest) for event, kind, name, digest in told}
    if only is not None:
        events = {place: told for place, told in events.items() if place in only}
    n_rows = 0
    for model in bound_models():
        label = model._meta.label
        buckets = _buckets_of(model, adoption.before) if only is None else _named(only, label)
        for bucket in buckets:
            event, digest = events.pop((label, bucket), ("", ""))
            leaves = _leaves_of(schema_of(model), model, bucket, adoption.before)
            n_rows += len(leaves) // tree.HASH_SIZE
            if not event:
                faults.add(
                    f"{label}: rows with keys {_keys_of(bucket)} say they are old, and were never adopted."
                )
            elif not _are_as_adopted(model, bucket, adoption.before, digest):
                faults.add(
                    f"Event {event}: rows of {label} with keys {_keys_of(bucket)} are not as they were adopted."
                )
    for (label, bucket), (event, _) in events.items():
        faults.add(f"Event {event} adopted rows of {label} with keys {_keys_of(bucket)}: none is left.")
    return n_rows


def _named(places: Collection[tuple[str, int | None]], label: str) -> Iterator[int | None]:
    yield from (bucket for of_model, bucket in places if of_model == label)


def find_older(rows: QuerySet[Any], before: int) -> set[tuple[str, int | None]]:
    """Return where the older ones of some rows of a table are: the label of their model, and buckets of keys."""
    model = rows.model
    older = rows.filter(Q(xact_id__isnull=True) | Q(xact_id__lt=before))
    if not _is_numbered(model):
        return {(model._meta.label, None)} if older.exists() else set()
    buckets = older.order_by().annotate(bucket=F("pk") / BUCKET).values_list("bucket", flat=True).distinct()
    return {(model._meta.label, bucket) for bucket in buckets}


def _first_that_binds() -> int:
    """Return the transaction from which on every one began after the triggers were there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT min(xact) FROM unnest(running) AS xact), before) FROM tracebinder_snapshot()"
        )
        return int((cursor.fetchone() or (0,))[0])


@transaction.atomic
def _adopt(model: type[AppendOnlyModel], bucket: int | None, before: int) -> None:
    if issubclass(model, ErasableModel):
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {model._meta.db_table} AS one SET payload_salt = gen_random_uuid() WHERE "
                f"{_in_bucket(model, bucket)} AND payload_salt IS NULL AND payload_commitment IS NULL",
                {"bucket": bucket, "before": before},
            )
    leaves = _leaves_of(schema_of(model), model, bucket, before)
    audit.record_about(
        verb=ADOPTED_VERB,
        actor=ACTOR,
        object_type=model._meta.label,
        object_id=f"{'all' if bucket is None else bucket}:{len(leaves) // tree.HASH_SIZE}:{before}",
        digest=tree.root_of_set(leaves).hex(),
    )


def _buckets_of(model: type[AppendOnlyModel], before: int) -> Iterator[int | None]:
    """Yield the buckets that hold old rows of a table; None is the one of a table whose keys are no numbers."""
    table = model._meta.db_table
    key = f"one.{model._meta.pk.column} / {BUCKET}" if _is_numbered(model) else "NULL::bigint"
    sql = f"SELECT DISTINCT {key} FROM {table} AS one WHERE {_EARLIER}{_but_bindings(model)}"
    if model is Span:
        sql += _DISPOSED
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} ORDER BY 1", {"before": before})
        buckets = [bucket for (bucket,) in cursor.fetchall()]
    yield from buckets


def _are_as_adopted(model: type[AppendOnlyModel], bucket: int | None, before: int, digest: str) -> bool:
    """Whether the old rows of a bucket still have a digest, under the schema of today or of when they were adopted."""
    known = schemas_by_table()[model._meta.db_table]
    return any(
        tree.root_of_set(_leaves_of(schema, model, bucket, before)).hex() == digest for schema in known
    )


def _leaves_of(schema: RowSchema, model: type[AppendOnlyModel], bucket: int | None, before: int) -> bytes:
    """Return the leaves of the old rows of a bucket, those included that were disposed of since."""
    asked = {"bucket": bucket, "before": before}
    leaf = schema.leaf_sql("one").replace("%", "%%")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {leaf} FROM {schema.table} AS one WHERE {_in_bucket(model, bucket)}", asked)
        leaves = b"".join(bytes(leaf or b"") for (leaf,) in cursor.fetchall())
    if model is Span and bucket is not None:
        gone = DisposedRows.objects.filter(bucket=bucket).exclude(bound_in__gte=before)
        leaves += b"".join(bytes(one) for one in gone.values_list("leaves", flat=True))
    return leaves


def _in_bucket(model: type[AppendOnlyModel], bucket: int | None) -> str:
    key, of_bucket = f"one.{model._meta.pk.column}", ""
    if bucket is not None:  # the range is for the index
        of_bucket = (
            f" AND {key} / {BUCKET} = %(bucket)s"
            f" AND {key} BETWEEN {(bucket - 1) * BUCKET} AND {(bucket + 1) * BUCKET}"
        )
    return f"{_EARLIER}{of_bucket}{_but_bindings(model)}"


def _but_bindings(model: type[AppendOnlyModel]) -> str:
    return f" AND one.verb NOT IN ('{BOUND_VERB}', '{ADOPTED_VERB}')" if model is AuditEvent else ""


def _is_numbered(model: type[AppendOnlyModel]) -> bool:
    return (model._meta.pk.db_type(connection) or "").startswith(("bigint", "integer"))


def _bucket_in(object_id: str) -> int | None:
    """Return the bucket that an event of an adoption names."""
    name = object_id.partition(":")[0]
    return None if name == "all" else int(name)


def _keys_of(bucket: int | None) -> str:
    return "of all kinds" if bucket is None else f"{bucket * BUCKET} to {(bucket + 1) * BUCKET - 1}"
