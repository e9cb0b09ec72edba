"""What is seen only with `interpret.view_internals`: probes, dictionaries, detectors, and what they found.

The one table, by kind of object. A row is hidden where it is one of the internals or points at one; an event of the log
where the object it is about is hidden. Rows are found by their foreign keys, so that a new model is hidden unasked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Final

from django.apps import apps
from django.db import models
from django.db.models import Case, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce

from evidence.models import (
    INTERNAL_KINDS,
    Artefact,
    ArtefactKind,
    ArtefactVersion,
    AuditEvent,
    Defeater,
    Evidence,
    Layer,
)

INTERNALS_APP: Final = "interpret"  # whose models are internals, every row of them
# What the datasets of prompts that probes read were called while they were of the kind `dataset`.
_NAMED_BEFORE: Final = "Prompts that probes read"


def _inside_artefact(path: str) -> Q:
    before = {f"{path}kind": ArtefactKind.DATASET, f"{path}name": _NAMED_BEFORE}
    return Q(**{f"{path}kind__in": INTERNAL_KINDS}) | Q(**before)


# What makes a row one of the internals, though it stands in `evidence`, as a condition on a path that leads to it.
_INTERNALS: Final[dict[type[models.Model], Callable[[str], Q]]] = {
    Artefact: _inside_artefact,
    ArtefactVersion: lambda path: _inside_artefact(f"{path}artefact__"),
    Evidence: lambda path: Q(**{f"{path}layer": Layer.MECHANISTIC}),
}

# Rows that people are told of who may not see what those point at: of a doubt, that it stands, since which day, and
# what plain words say of it. The event of its opening stays hidden, for it would tell when a worker ended.
_TOLD: Final[frozenset[type[models.Model]]] = frozenset({Defeater})


@cache
def speaks_of_internals(model: type[models.Model]) -> Q:
    """Return the condition that a row of a model tells of internals; empty where there is nothing to hide."""
    if model is AuditEvent:
        return Q(object_type__startswith=f"{INTERNALS_APP}.") | Q(_is_about_hidden_row())
    if model in _TOLD:
        return Q()
    condition = _is_or_points_at_internal(model)
    for field in model._meta.fields:
        if field.related_model is AuditEvent:
            condition |= Q(
                **{f"{field.name}__in": AuditEvent.objects.filter(speaks_of_internals(AuditEvent))}
            )
    return condition


def internal_events(keys: Collection[int]) -> set[int]:
    """Return which of these events are about internals."""
    events = AuditEvent.objects.filter(speaks_of_internals(AuditEvent), pk__in=keys)
    return set(events.values_list("pk", flat=True))


def _is_or_points_at_internal(model: type[models.Model]) -> Q:
    condition = _INTERNALS[model]("") if model in _INTERNALS else Q()
    for field in model._meta.fields:
        if field.related_model in _INTERNALS:
            condition |= _INTERNALS[field.related_model](f"{field.name}__")
    return condition


def _is_about_hidden_row() -> Case:
    """Return the condition that an event's object is hidden, found by its key: one row, whatever its table holds.

    PostgreSQL may answer `EXISTS` by reading all such objects first, which a page of fifty events would wait for.
    """
    kinds = [
        When(
            object_type=model._meta.label,
            then=Coalesce(
                Subquery(rows.filter(condition).values_list(Value(value=True))[:1]), Value(value=False)
            ),
        )
        for model, rows, condition in _objects_of_events()
    ]
    return Case(*kinds, default=False, output_field=models.BooleanField())


def _objects_of_events() -> Iterator[tuple[type[models.Model], models.QuerySet[models.Model], Q]]:
    """Yield each model of which some rows are hidden, the row of it that an event is about, and the condition."""
    for model in apps.get_models():
        condition = _is_or_points_at_internal(model)
        if condition and model._meta.app_label != INTERNALS_APP:
            key = Cast(OuterRef("object_id"), output_field=_plain(model._meta.pk))
            yield model, model._default_manager.filter(pk=key), condition


def _plain(key: models.Field[object, object]) -> models.Field[object, object]:
    """Return the type of a key's column, which for an automatic number is the number's."""
    return models.BigIntegerField() if isinstance(key, models.AutoField) else key
