"""What every stored noun shares: append-only rows, the path to its System, and a note on personal data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, Final, NoReturn, Self, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Func
from django.db.models.base import ModelState
from django.db.models.expressions import DatabaseDefault

from evidence.array_insert import insert_as_arrays
from evidence.errors import AppendOnlyViolation
from evidence.prepared import insert_prepared

DIGEST_LENGTH = 64  # hexadecimal characters of a SHA-256
KEY_LENGTH = 100  # characters of a key or name a person types
LABEL_LENGTH = 200  # characters of a version label, an actor, a metric
TOKEN_PREFIX_LENGTH: Final = 12  # hexadecimal characters that name a token
SYSTEM_IDS: Final = "system_ids"  # the column of a row that speaks of several systems at once
MEMBERS: Final = (
    "user__memberships__system"  # the path of a row about a person, to each system they are a member of
)

_M_co = TypeVar("_M_co", bound=models.Model, covariant=True)


class StoredModel(models.Model):
    """A noun of the evidence store.

    `SYSTEM_PATH` is the lookup that leads from a row to its `System`; every query for a person or a token is
    filtered through it (`evidence.access`). A row that speaks of several systems at once holds them in `system_ids`,
    and is shown to those who have them all (docs/decisions/0015-batches-of-several-systems.md). `None` means that the
    row belongs to no system, and then `NO_SYSTEM` says why.

    `PII` says what personal data a row can hold: `none`, `actor` (who did it), or `payload` (what a customer or
    a model wrote).

    `WORK_ROW` says why rows may change or go, where they may: on every model that is not append-only, and on no
    other (docs/decisions/0010-work-rows.md). `tests/invariants` holds all of this, docs/reference/nouns.md shows it.
    """

    SYSTEM_PATH: ClassVar[str | None]
    NO_SYSTEM: ClassVar[str] = ""
    PII: ClassVar[str]
    WORK_ROW: ClassVar[str] = ""

    class Meta:
        abstract = True

    def _do_insert(
        self,
        manager: models.Manager[Any],
        using: str,
        fields: Sequence[models.Field[Any, Any]],
        returning_fields: Sequence[models.Field[Any, Any]],
        raw: bool,  # noqa: FBT001  # Django's call
    ) -> Any:
        """Insert with a statement that the server has planned before, without naming what the database fills in."""
        told = [field for field in fields if _is_told(field, [self])]
        if raw or any(hasattr(getattr(self, field.attname), "resolve_expression") for field in told):
            return super()._do_insert(manager, using, told, returning_fields, raw)  # type: ignore[misc]  # Django's own
        return insert_prepared(self, told, using=using, returning=returning_fields)


class AppendOnlyQuerySet(models.QuerySet[_M_co]):
    """Refuses in Python what the database refuses anyway, with an error that says what to do instead."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnlyViolation(self.model._meta.label)

    update = delete = bulk_update = _refuse  # whatever they are given

    def insert_as_arrays(self, rows: Sequence[_M_co]) -> None:
        """Insert unsaved rows in their order, each column as one array, and give each its key and transaction."""
        insert_as_arrays(rows)

    def insert_unless_there(self, row: models.Model) -> None:
        """Insert an unsaved row that has its key, with one statement; where a row of that key is there, it stands."""
        told = [field for field in self.model._meta.concrete_fields if _is_told(field, [row])]
        insert_prepared(row, told, using=self.db, unless_there=True)

    def _insert(self, objs: Sequence[_M_co], fields: Sequence[models.Field[Any, Any]], **how: Any) -> Any:
        """Insert rows without naming what the database fills in: transaction and salt.

        Named, that is an expression in each row, and then Django compiles every value of every row by itself instead of
        sending columns as arrays: that made sealing a trace a third dearer.
        """
        told = [field for field in fields if _is_told(field, objs)]
        return super()._insert(objs, told, **how)  # type: ignore[misc]  # Django's own, which its stubs leave out


def _is_told(field: models.Field[Any, Any], objs: Sequence[models.Model]) -> bool:
    """Whether any row comes with a value for a column, as one that is copied from elsewhere does for each."""
    return not all(isinstance(getattr(obj, field.attname), DatabaseDefault) for obj in objs)


class CurrentXactId(Func):
    """The number of the transaction that writes, as a migration of `evidence` defines it."""

    function = "tracebinder_xact_id"
    arity = 0
    output_field = models.BigIntegerField()


class AppendOnlyModel(StoredModel):
    """Rows are inserted and read, never changed: a correction is a new row that names the old one.

    The guard is in PostgreSQL (`evidence.table_rules`): a trigger on UPDATE and DELETE, and a runtime role that
    was never granted them. The manager only makes the refusal readable.

    `EVENT_PATH` is the lookup that leads from a row to the object of the audit event that explains it, written in the
    same transaction: empty for a row with an event of its own, several where one of them is enough. `None` means that
    no event need be about it, and then `NO_EVENT` says why. `evidence.services.log.rows` follows it; that the row is
    in the log at all is seen to by PostgreSQL (`evidence.binding_rules`).

    `xact_id` is the transaction that wrote the row, which PostgreSQL fills in; null before rows carried it. Who reads
    as of a time asks `evidence.clock` which transactions had been committed by then.
    """

    EVENT_PATH: ClassVar[str | tuple[str, ...] | None]
    NO_EVENT: ClassVar[str] = ""

    xact_id = models.BigIntegerField(null=True, editable=False, db_default=CurrentXactId())

    objects: ClassVar[models.Manager[Self]] = models.Manager.from_queryset(AppendOnlyQuerySet)()

    class Meta:
        abstract = True

    @classmethod
    def unsaved(cls, **columns: Any) -> Self:
        """Return an unsaved row of these values, as the class itself does, which asks each field about each.

        For rows that are made by the thousand: it takes a fraction of the time.

        Args:
            columns: values by the names of the columns' attributes, `trace_id` and not `trace`.

        Raises:
            TypeError: there is no such column.
        """
        blank = _blank_row(cls)
        if not blank.keys() >= columns.keys():
            raise TypeError(f"{cls.__name__} has no {', '.join(sorted(columns.keys() - blank.keys()))}")
        row = cls.__new__(cls)
        values = vars(row)
        values["_state"] = ModelState()
        values.update(blank)
        for name, field in _made_anew(cls):
            if name not in columns:
                values[name] = field.get_default()
        values.update(columns)
        return row


@cache
def _blank_row(model: type[models.Model]) -> dict[str, Any]:
    """Return what stands in the columns of a row of which nothing is told."""
    return {field.attname: field.get_default() for field in model._meta.concrete_fields}


@cache
def _made_anew(model: type[models.Model]) -> tuple[tuple[str, models.Field[Any, Any]], ...]:
    """Return the columns, with their attributes' names, whose default is another object each time."""
    fields = model._meta.concrete_fields
    return tuple(
        [(field.attname, field) for field in fields if field.has_default() and callable(field.default)]
    )


class ActorField(models.CharField[str, str]):
    """A column that says who: for people, the admin shows the name beside it (`evidence.admin.frame.people`)."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """Be a text to migrations: what is stored is one."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs


class Dismissal(AppendOnlyModel):
    """A request ended without effect: declined by another person, or withdrawn by whoever asked."""

    class Outcome(models.TextChoices):
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"

    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    dismissed_by = ActorField(max_length=LABEL_LENGTH)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class ErasableModel(AppendOnlyModel):
    """Rows with payload that an erasure takes: the log is committed to it with a salt, which goes with it.

    Which columns those are, `evidence.erasable` says; how the commitment is made, `evidence.row_schemas`.
    """

    # 122 random bits, which PostgreSQL fills in; null once erased.
    payload_salt = models.UUIDField(null=True, editable=False, db_default=RandomUUID())
    # SHA-256(0x00 ‖ salt ‖ payload), kept by the erasure; null while the payload is there.
    payload_commitment = models.CharField(max_length=DIGEST_LENGTH, null=True, editable=False)

    class Meta:
        abstract = True


def system_ids_field() -> ArrayField[list[int], list[int]]:
    """The ids of the systems that a row speaks of, each once. Empty: it is nobody's to see."""
    return ArrayField(models.BigIntegerField())


def token_prefix_field() -> models.CharField[str, str]:
    """Return a column for the review token by which a judgement came; empty: its author had signed in."""
    return models.CharField(max_length=TOKEN_PREFIX_LENGTH, blank=True, default="", db_default="")


def digest_field(**kwargs: Any) -> models.CharField[str, str]:
    """SHA-256 as 64 lower-case hexadecimal characters."""
    return models.CharField(max_length=DIGEST_LENGTH, **kwargs)


def actor_field(**kwargs: Any) -> ActorField:
    """Who did it, in the form of `evidence.actors`; for a person, a pseudonym."""
    return ActorField(max_length=LABEL_LENGTH, **kwargs)
