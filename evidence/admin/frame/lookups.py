"""What a filter in an address may ask.

A filter over a relation asks about rows of another list, and what it leaves is an answer. So it asks for rows by their
keys, and the person must see each of them. A row that there is not and one that is not theirs are refused alike. By
another column a filter asks only about what a row belongs to, and only where its list declares it.
"""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest

from evidence.admin.frame.strict_input import could_be
from evidence.admin.frame.visibility import rows_of, visible
from evidence.models import StoredModel

_BY_KEY: Final = {(), ("exact",), ("in",)}  # how a row is asked for, after the relation that leads to it


def spell_out(model: type[Model], lookup: str) -> str:
    """Return a lookup with the name of the column in place of `pk`, which Django's own check does not look behind."""
    relations, rest = _walk(model, lookup)
    return LOOKUP_SEP.join([*(each.name for each in relations), *rest])


def asks_for_visible_rows(model: type[Model], lookup: str, value: str, request: HttpRequest) -> bool:
    """Whether a filter tells no more than the lists which this person may open.

    Args:
        value: as it stands in the address; keys of several rows with commas between them, after `in`.
    """
    relations, rest = _walk(model, lookup)
    if not relations:
        return True
    if not all(map(_leads_to_its_owner, relations[:-1])):
        return False
    last, landed = relations[-1], relations[-1].related_model
    if rest and rest[0] == landed._meta.pk.name:
        rest = rest[1:]
    if rest in _BY_KEY:
        keys = value.split(",") if rest == ("in",) else [value]
        return _are_visible(landed, keys, request) if _has_system(landed) else _leads_to_its_owner(last)
    return _leads_to_its_owner(last) and (rest == ("isnull",) or _field_of(landed, rest[0]) is not None)


def _walk(model: type[Model], lookup: str) -> tuple[list[Any], tuple[str, ...]]:
    """Return the relations that a lookup walks over, as Django resolves them, and what it asks at their end."""
    relations: list[Any] = []
    parts = lookup.split(LOOKUP_SEP)
    while parts and (field := _field_of(model, parts[0])) is not None:
        if not field.is_relation or not isinstance(field.related_model, type):
            parts[0] = field.name
            break
        relations.append(field)
        model, parts = field.related_model, parts[1:]
    return relations, tuple(parts)


def _field_of(model: type[Model], name: str) -> Any:
    """Return a column or relation; None where the name is something else, such as a comparison."""
    try:
        return model._meta.get_field(model._meta.pk.name if name == "pk" else name)
    except FieldDoesNotExist:
        return None


def _leads_to_its_owner(relation: Any) -> bool:
    """Whether a relation is a column of the row itself, and not something that hangs on it."""
    return relation.concrete and not relation.many_to_many


def _has_system(model: type[Model]) -> bool:
    return issubclass(model, StoredModel) and model.SYSTEM_PATH is not None


def _are_visible(model: type[Model], keys: list[str], request: HttpRequest) -> bool:
    """Whether the person sees each of these rows. What could be no key is left to Django, which says so."""
    if not all(could_be(model._meta.pk, key) for key in keys):
        return True
    wanted = {model._meta.pk.to_python(key) for key in keys}
    return visible(rows_of(model), request).filter(pk__in=wanted).count() == len(wanted)
