"""What every page of the admin shares: read-only rows, narrowed to a person's systems, with links along the chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Field, ForeignKey, JSONField, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from evidence.access import sees_internals, visible_people
from evidence.admin.frame.address import StrictChangeList
from evidence.admin.frame.chain_kinds import CHAIN_KINDS, chain_url
from evidence.admin.frame.display import link, list_url, pretty_json
from evidence.admin.frame.lookups import asks_for_visible_rows, spell_out
from evidence.admin.frame.odd_names import warn_of_name
from evidence.admin.frame.paginator import PlannedPaginator
from evidence.admin.frame.people import (
    actor_column,
    actor_columns,
    name_people,
    rows_of_people_called,
    show_actor,
    show_actor_fully,
)
from evidence.admin.frame.record_names import is_named_here, name_of
from evidence.admin.frame.strict_input import StrictAutocomplete, StrictInput
from evidence.admin.frame.trace_ids import IN_HEX, has_trace_id, hex_column, in_hex
from evidence.admin.frame.visibility import rows_of, visible
from evidence.admin.frame.word_search import find_words
from evidence.internals import INTERNALS_APP
from evidence.models import StoredModel
from evidence.models.base import ActorField
from evidence.pages.reader import principal_of

# What a column that says who is called where it shows a name, in a list and on a page.
_BY_NAME: Final = "{}_by_name"
_IN_FULL: Final = "{}_in_full"
# What a column that leads to a record is called where the record is not called as it says itself.
_LINKED: Final = "{}_linked"


@dataclass(frozen=True, slots=True)
class ChainLink:
    """A step along the chain: from a record to the list of those that hang on it."""

    text: str
    model: str  # "evidence.trace"
    lookup: str  # of that model, to this record: "release__id__exact"
    attribute: str = "pk"  # of this record, dotted
    system: str = (
        ""  # of this record, dotted: its system's key, where the lookup alone may mean those of several
    )


class LeanChangeList(StrictChangeList):
    """Reads only the columns a list shows."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows = super().get_queryset(request, exclude_parameters)
        deferred = getattr(self.model_admin, "list_defer", ())
        return rows.defer(*deferred) if deferred else rows

    def get_results(self, request: HttpRequest) -> None:
        """Read the rows of the page, and what the people in them are called."""
        super().get_results(request)
        if columns := actor_columns(self.model):
            name_people(self.result_list, columns)

    def narrowed_by(self) -> list[str]:
        """Say which filters of the address have no place in the sidebar: the reader must know of them.

        The order and the words of the search box are in the address, too; both are seen on the page.
        """
        shown = {name for spec in self.filter_specs for name in spec.expected_parameters()}
        return [
            f"{_last_noun(name)} {value[-1]}"
            for name, value in self.get_filters_params().items()
            if name not in shown
        ]


class ScopedModelAdmin(StrictInput):
    """A noun of which a person sees the rows of their systems, and of no other, whoever they are.

    A superuser is narrowed like everybody: seeing a bank's traces is a membership, not a technical right.
    """

    paginator = PlannedPaginator
    show_full_result_count = False  # it would count the whole table
    # Counting every choice of every filter would read the table many times.
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50  # rows
    actions_on_top = False
    list_defer: ClassVar[Sequence[str]] = ()  # long columns that the list does not show
    chain: ClassVar[Sequence[ChainLink]] = ()
    chain_lookups: ClassVar[
        Sequence[str]
    ] = ()  # lookups over two relations that other nouns' links lead with
    kept_columns: ClassVar[Sequence[str]] = ()  # what no page tells; nor does a list, by what it leaves
    change_form_template = "admin/tracebinder/record.html"
    change_list_template = "admin/tracebinder/list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the person's systems; detail pages and searches start from it, too."""
        return visible(super().get_queryset(request), request)

    def read_record(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return a record, and in the same query whatever it names with what those names are made of."""
        named, long = _named_by(self.opts.label)
        rows = self.get_queryset(request)
        rows = rows.select_related(*named).defer(*long) if named else rows  # of none it would join everything
        field: Any = self.opts.get_field(from_field) if from_field else self.opts.pk
        try:
            return rows.get(**{field.name: field.to_python(object_id)})
        except (self.model.DoesNotExist, ValidationError, ValueError):
            return None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find people by what they are called, too, where a column is searched that holds their pseudonym."""
        fields = self.get_search_fields(request)
        rows, may_repeat = find_words(queryset, fields, search_term)
        searched = _searched_actors(self.model, fields)
        theirs = rows_of_people_called(queryset, searched, search_term)
        return (rows if theirs is None else rows | theirs), may_repeat

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        del request, kwargs
        return LeanChangeList

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may_see_app(request) and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_see_app(request) and super().has_view_permission(request, obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse filters that would tell, by what they leave, something of rows that the person may not see."""
        is_kept = lookup.partition("__")[0] in self.kept_columns
        if is_kept or request is None or not asks_for_visible_rows(self.model, lookup, value, request):
            return False
        spelled = spell_out(self.model, lookup)
        return spelled in self.chain_lookups or super().lookup_allowed(spelled, value, request)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer only related rows that the person may see."""
        if db_field.name in self.autocomplete_fields:
            kwargs["widget"] = StrictAutocomplete(db_field, self.admin_site, using=kwargs.get("using"))
        related = db_field.related_model
        if issubclass(related, StoredModel):
            kwargs["queryset"] = visible(rows_of(related), request)
        elif related is User:
            kwargs["queryset"] = visible_people(principal_of(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        context = {"chain": self.chain_of(request, object_id)} | (extra_context or {})
        warn_of_name(request, self, object_id)
        return super().changeform_view(request, object_id, form_url, context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse | TemplateResponse:
        """Lead to the audit events of the record: they are its history, and admin log entries are not."""
        del extra_context
        if self.get_object(request, object_id) is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return redirect(list_url("evidence.auditevent", object_type=self.opts.label, object_id=object_id))

    def chain_of(self, request: HttpRequest, object_id: str | None) -> list[tuple[str, str]]:
        """Return text and address of the links from a record that this person may follow."""
        is_drawn = self.opts.label_lower in CHAIN_KINDS
        record = self.get_object(request, object_id) if object_id and (self.chain or is_drawn) else None
        if record is None:
            return []
        drawn = [(_("The chain, drawn"), chain_url(record))] if is_drawn else []
        return drawn + [
            (link.text, list_url(link.model, **{link.lookup: value}, **_of_system(record, link)))
            for link in self.chain
            if self._may_list(request, link.model)
            and (value := _attribute(record, link.attribute)) is not None
        ]

    def _may_list(self, request: HttpRequest, label: str) -> bool:
        site_admin = admin_of(self.admin_site, apps.get_model(label))
        return site_admin is not None and site_admin.has_view_permission(request)

    def _may_see_app(self, request: HttpRequest) -> bool:
        return self.opts.app_label != INTERNALS_APP or sees_internals(request.user)


class ReadOnlyModelAdmin(ScopedModelAdmin):
    """Shows rows and changes none.

    The rules of this product live in services above the models: who may do it, what must be true before, and the
    audit event in the same transaction. An edit in the admin would walk past all of them, so people act through
    the forms and actions that call a service, and everything else is for reading.
    """

    actions: Any = None

    def __init__(self, model: type[Any], admin_site: admin.AdminSite) -> None:
        """Give each JSON column of the noun its indented form, `<column>_as_json`, and each that says who a name."""
        super().__init__(model, admin_site)
        for field in self.opts.fields:
            if isinstance(field, JSONField):
                setattr(self, _shown_name(field), _json_column(field.name))
            if isinstance(field, ForeignKey) and is_named_here(field.related_model):
                setattr(self, _LINKED.format(field.name), _linked_column(field))
            if isinstance(field, ActorField):
                setattr(self, _BY_NAME.format(field.name), actor_column(field, show_actor))
                setattr(self, _IN_FULL.format(field.name), actor_column(field, show_actor_fully))
        if has_trace_id(self.model):
            setattr(self, IN_HEX, hex_column())

    def has_add_permission(self, request: HttpRequest) -> bool:
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        del request, obj
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Show every stored column, JSON indented, unless the noun says which."""
        del request, obj
        hidden = {"xact_id", *(self.exclude or ())}  # a number that says nothing to people
        shown = self.fields or [_shown_name(field) for field in self.opts.fields if field.name not in hidden]
        linked = [_LINKED.format(each) if hasattr(self, _LINKED.format(each)) else each for each in shown]
        return in_hex(self.model, _naming(self.model, linked, _IN_FULL))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Show names in place of pseudonyms."""
        return in_hex(self.model, _naming(self.model, super().get_list_display(request), _BY_NAME))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)


def admin_of(site: admin.AdminSite, model: type[Model]) -> admin.ModelAdmin[Any] | None:
    """Return the admin of a model on a site."""
    return site._registry.get(model)  # noqa: SLF001  # Django offers `is_registered` alone


@cache
def _named_by(label: str) -> tuple[list[str], list[str]]:
    """Return the relations from a model to what it names, with what the lists of those join; and their long columns."""
    named: list[str] = []
    long: list[str] = []
    of_model: tuple[Any, ...] = apps.get_model(label)._meta.fields
    for field in of_model:
        if field.is_relation and field.db_constraint:  # without one, what it names may be gone
            of_list: Any = admin_of(admin.site, field.related_model)
            joined = getattr(of_list, "list_select_related", ())
            named += [
                field.name,
                *(f"{field.name}__{each}" for each in (joined if isinstance(joined, list) else ())),
            ]
            long += [f"{field.name}__{each}" for each in getattr(of_list, "list_defer", ())]
    return named, long


def _of_system(record: Model, link: ChainLink) -> dict[str, str]:
    """Return the part of a link's address that narrows it to the record's system."""
    return {"system__id__exact": str(_attribute(record, link.system))} if link.system else {}


def _last_noun(lookup: str) -> str:
    """Return what a lookup narrows by: `trace` of `claim__trace__id__exact`."""
    parts = [part for part in lookup.split("__") if part not in {"id", "exact"}]
    return parts[-1].replace("_", " ") if parts else lookup


def _shown_name(field: Field[Any, Any]) -> str:
    return f"{field.name}_as_json" if isinstance(field, JSONField) else field.name


def _naming(model: type[Model], columns: Sequence[Any], form: str) -> list[Any]:
    """Return columns, with those that say who as this form of theirs."""
    who = actor_columns(model)
    return [form.format(column) if column in who else column for column in columns]


def _searched_actors(model: type[Model], searched: Sequence[str]) -> dict[str, str]:
    """Return the columns that say who, among those that are searched, and how a name is compared with them."""
    who = actor_columns(model)
    return {
        each.lstrip("="): "iexact" if each.startswith("=") else "icontains"
        for each in searched
        if each.lstrip("=") in who
    }


def _linked_column(field: Field[Any, Any]) -> Callable[[Model], SafeString | str | None]:
    """Return what shows the record that a row belongs to, by what it is called in the reader's language."""

    @admin.display(description=capfirst(field.verbose_name))
    def show(row: Model) -> SafeString | str | None:
        record = getattr(row, field.name)
        if record is None:
            return None
        return link(record) if admin_of(admin.site, type(record)) else name_of(record)

    return show


def _json_column(column: str) -> Callable[[Model], SafeString]:
    @admin.display(description=capfirst(column.replace("_", " ")))
    def show(obj: Model) -> SafeString:
        return pretty_json(getattr(obj, column))

    return show


def _attribute(record: Model, path: str) -> Any:
    value: Any = record
    for part in path.split("."):
        value = getattr(value, part, None)
    return value
