"""Actors, shown to people: the name beside each pseudonym, as the directory has it today."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, Final

from django.contrib import admin
from django.db.models import Field, Model, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.translation import gettext as _

from evidence.actors import tokens_of
from evidence.models import AccessToken
from evidence.models.base import ActorField
from evidence.selectors.people import directory

# On a row that was read for a page: what the people in all rows of the page are called.
_NAMES: Final = "_names_of_actors"
_TOKEN: Final = "token:"  # noqa: S105  # as its actors begin
_KIND: Final = "user:"  # as what was written before pseudonyms begins


def actor_columns(model: type[Model]) -> list[str]:
    """Return the names of a model's columns that say who."""
    return [field.name for field in model._meta.fields if isinstance(field, ActorField)]


def name_people(rows: Iterable[Model], columns: Sequence[str]) -> None:
    """Look up, once for a page, what the people in these columns of its rows are called."""
    page = list(rows)
    names = names_of(getattr(row, column) for row in page for column in columns)
    for row in page:
        setattr(row, _NAMES, names)


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Return what the people among these actors are called today, by actor; of tokens, whose each is.

    Two tokens of one person are one pair of eyes. Parts of this installation are not in it.
    """
    asked = set(actors) - {""}
    if not asked:
        return {}
    names: dict[str, str] = {}
    for actor, formerly, name in _people_among(asked):
        shown = _("token of %(name)s") % {"name": name} if actor.startswith(_TOKEN) else name
        names |= {actor: shown, formerly: shown}
    names.pop("", None)  # of those who have no name from before
    return names


def _people_among(actors: Set[str]) -> Iterable[tuple[str, str, str]]:
    """Return actors, what rows from before call them, and what they or a token's owner are called: one statement."""
    people = directory().filter(Q(actor__in=actors) | Q(was_called__in=actors))
    known = people.values_list("actor", "was_called", "user__username")
    prefixes = [actor.removeprefix(_TOKEN) for actor in actors if actor.startswith(_TOKEN)]
    if not prefixes:
        return known
    tokens = AccessToken.objects.filter(prefix__in=prefixes).annotate(actor=Concat(Value(_TOKEN), "prefix"))
    return known.union(tokens.values_list("actor", Value(""), "owner__username"), all=True)


def show_actor(actor: str, names: Mapping[str, str]) -> str:
    """Return the name of whoever acted, with the actor as on record in its title; without a name, the actor."""
    name = names.get(actor, "")
    return format_html('<span title="{}">{}</span>', actor, name) if name else actor or "–"


class PeopleOfPage:
    """Everybody whom a page names: they are looked up together, when the first name is written."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._names: dict[str, str] = {}

    def show(self, actor: str) -> str:
        """Return what `show_actor` does, once it is written."""
        self._waiting.add(actor)
        written: str = _written(self, actor)
        return written

    def names(self) -> dict[str, str]:
        """Return what those who were asked for by now are called."""
        if self._waiting:
            self._names |= names_of(self._waiting)
            self._waiting.clear()
        return self._names


def _write(people: PeopleOfPage, actor: str) -> str:
    return show_actor(actor, people.names())


_written: Any = lazy(_write, str)


def show_actor_fully(actor: str, names: Mapping[str, str]) -> str:
    """Return the name of whoever acted and the actor as on record, where the two differ."""
    name = names.get(actor, "")
    return f"{name} ({actor})" if name and name != actor else actor or "–"


def actor_column(
    field: Field[Any, Any], show: Callable[[str, Mapping[str, str]], str]
) -> Callable[[Model], str]:
    """Return a column of the admin that shows who, in place of the stored one."""

    @admin.display(description=field.verbose_name, ordering=field.name)
    def column(row: Model) -> str:
        actor, names = getattr(row, field.name), row.__dict__.get(_NAMES)
        return show(actor, names_of([actor]) if names is None else names)

    return column


def rows_of_people_called(rows: QuerySet[Any], columns: Mapping[str, str], term: str) -> QuerySet[Any] | None:
    """Return the rows in whose columns somebody of this name stands, or a token of theirs; None where none is named.

    Args:
        columns: the column, and how the name is compared: `iexact` or `icontains`.
        term: a name, or `user:<name>`.
    """
    name, condition = term.strip().removeprefix(_KIND), Q()
    for column, comparison in columns.items():
        called = directory().filter(**{f"user__username__{comparison}": name})
        condition |= Q(**{f"{column}__in": called.values("actor")})
        condition |= Q(**{f"{column}__in": called.exclude(was_called="").values("was_called")})
        condition |= Q(**{f"{column}__in": tokens_of(called.values("user"))})
    return rows.filter(condition) if name and condition else None
