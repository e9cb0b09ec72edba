"""What Django's admin takes from an address or a form and would fail on: refused here, with a sentence."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, PAGE_VAR, ChangeList
from django.contrib.admin.widgets import AutocompleteSelect, RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Field
from django.db.models.fields import BLANK_CHOICE_DASH
from django.forms import CheckboxInput
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.address import CARRIED, RefusedAddress, StrictChangeList
from evidence.admin.frame.columns import as_listed, columns_as_listed
from evidence.admin.frame.csv_export import EXPORT, check_export, export_list
from evidence.admin.frame.headings import nouns_of
from evidence.admin.frame.labels import choice_of, noun_of
from evidence.admin.frame.record_names import name_of
from evidence.errors import InvalidInput, NotFound
from evidence.pages.refusal_words import NOT_FOUND
from evidence.pages.refusals import in_language
from evidence.worded import Worded, sentence_of, worded

_LINKS = "_link"  # by which the name of a column of links ends
_READ: Final = "_records_read"  # on a request: records by noun and key
_UNREADABLE: Final = worded("A value of the address cannot be read as what its filter compares.")

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _AutocompleteSelect = AutocompleteSelect
else:
    _ModelAdmin = admin.ModelAdmin
    _AutocompleteSelect = AutocompleteSelect


class StrictInput(_ModelAdmin):
    """Lists whose filters and chosen rows are read before they reach a query; times and numbers as people read them."""

    list_units: ClassVar[
        Mapping[str, StrOrPromise]
    ] = {}  # of columns that hold numbers: {"size": _("bytes")}

    adds_in_a_window: ClassVar[bool] = True  # as Django's form does, and closes it

    def __init__(self, model: type[Any], admin_site: admin.AdminSite) -> None:
        """Give each column of times, and each of numbers with a unit, the function that shows it in lists."""
        super().__init__(model, admin_site)
        for name, function in columns_as_listed(model, self.list_units).items():
            setattr(self, name, function)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return as_listed(self, super().get_list_display(request))

    def get_action_choices(self, request: HttpRequest, default_choices: Any = BLANK_CHOICE_DASH) -> list[Any]:
        """Return the actions of the list, with its nouns in the reader's language."""
        named = {
            "verbose_name": noun_of(self.opts),
            "verbose_name_plural": nouns_of(self.opts.verbose_name_plural),
        }
        actions = [action for action in self.get_actions(request).values() if action is not None]
        return [*(default_choices or ()), *((name, str(says) % named) for _act, name, says in actions)]

    def formfield_for_choice_field(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer a fixed vocabulary in the reader's language."""
        offered: Any = super().formfield_for_choice_field(db_field, request, **kwargs)
        offered.choices = [
            (code, choice_of(code, label) if code else label) for code, label in offered.choices
        ]
        return offered

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """Name the page after the noun of its record."""
        title = self._title_of(request, object_id) % noun_of(self.opts)
        return super().changeform_view(request, object_id, form_url, {"title": title} | (extra_context or {}))

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: Any, **kwargs: Any) -> Any:
        """Offer to add a record beside a field only where its form can stand in a window of its own."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        widget = getattr(field, "widget", None)
        if isinstance(widget, RelatedFieldWidgetWrapper):
            model: Any = db_field.related_model
            of_it = self.admin_site._registry.get(model)  # noqa: SLF001  # Django offers `is_registered` alone
            widget.can_add_related = widget.can_add_related and getattr(of_it, "adds_in_a_window", True)
        return field

    def parameters_to_add(self, request: HttpRequest) -> Collection[str]:
        """Return what the address of the form that adds a row may carry: values that its fields begin with."""
        fields = self.get_form(request).base_fields if self.has_add_permission(request) else ()
        return [*CARRIED, *fields]

    def action_checkbox(self, obj: Any) -> Any:
        """Return the box that chooses a row, told by what the record is called."""
        told = {"class": "action-select", "aria-label": _("Choose %(record)s") % {"record": name_of(obj)}}
        return CheckboxInput(told, lambda _value: False).render(ACTION_CHECKBOX_NAME, str(obj.pk))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,  # noqa: FBT001, FBT002  # Django's signature
        form_url: str = "", obj: Any = None,
    ) -> HttpResponse:  # fmt: skip
        """Name the page after its record, too, in the reader's language."""
        named = {"subtitle": name_of(obj)} if obj is not None else {}
        return super().render_change_form(request, context | named, add, change, form_url, obj)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Read a record once while its page is shown, though Django and the frame look each for themselves."""
        if request.method not in {"GET", "HEAD"} or from_field:
            return self.read_record(request, object_id, from_field)
        read: dict[tuple[str, str], Any] = vars(request).setdefault(_READ, {})
        noun = (self.opts.label, object_id)
        if noun not in read:
            read[noun] = self.read_record(request, object_id)
        return read[noun]

    def read_record(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return a record as it is now."""
        return super().get_object(request, object_id, from_field)

    def _title_of(self, request: HttpRequest, object_id: str | None) -> str:
        if object_id is None:
            return _("Add %s")
        changes = self.has_change_permission(request) and self.has_change_permission(
            request, self.get_object(request, object_id)
        )
        return _("Change %s") if changes else _("View %s")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        del request, kwargs
        return StrictChangeList

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Have a column lead to the record that leads nowhere else: a link within a link is none.

        Where all columns lead elsewhere, as those of a row that says only what belongs to what, none does.
        """
        chosen = super().get_list_display_links(request, list_display)
        plain = [column for column in list_display if not str(column).endswith(_LINKS)]
        return (plain[:1] or None) if chosen and str(chosen[0]).endswith(_LINKS) else chosen

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """Return the columns that can order the list; Django links the heading of any whose name holds "__"."""
        return [str(column) for column in super().get_sortable_by(request) if self._ordering_of(column)]

    def _ordering_of(self, column: Any) -> object:
        """Return what a column is ordered by, nothing where it is not."""
        if column in {field.name for field in self.opts.fields}:
            return column
        computed = getattr(self, str(column), None) or getattr(self.model, str(column), None)
        return getattr(getattr(computed, "fget", computed), "admin_order_field", None)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list as its address asks for it.

        Raises:
            IncorrectLookupParameters: it has no such list; Django then leads to all of its rows, where a message names
                the reason.
            InvalidInput: likewise, and all of its rows are asked for already.
        """
        try:
            return super().get_changelist_instance(request)
        except IncorrectLookupParameters as exc:
            reason = _reason_of(exc)
            if ERROR_FLAG in request.GET:
                raise InvalidInput(reason) from exc
            messages.error(request, in_language(reason))
            raise

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Name the list after what it lists, and say so where it is not narrowed as its address asked.

        As a file it is not written then.
        """
        if EXPORT in request.GET and request.method != "POST":
            exported: HttpResponse = self._export(request)
            return exported
        if ERROR_FLAG in request.GET:  # Django leads here from an address it cannot make a list of
            messages.error(
                request, _("The address asked for a filter that this list does not have: all rows are shown.")
            )
        title = capfirst(nouns_of(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title} | (extra_context or {}))

    def _export(self, request: HttpRequest) -> Any:
        check_export(request)
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        narrowed = request.GET.copy()
        for name in (EXPORT, PAGE_VAR, ALL_VAR):
            narrowed.pop(name, None)
        request.GET = narrowed  # type: ignore[assignment]  # as the list itself is asked for
        try:
            shown = super().get_changelist_instance(request)
        except IncorrectLookupParameters as exc:
            raise InvalidInput(_reason_of(exc)) from exc
        return export_list(shown)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse a range without two ends."""
        if lookup.endswith("__range") and value.count(",") != 1:
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]  # Django passes the request since 5.0

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: object, object_id: str
    ) -> NoReturn:
        """Answer as any address with nothing behind it, or with what is not theirs to see; Django would lead home.

        Raises:
            NotFound: always.
        """
        del request, opts, object_id
        raise NotFound(NOT_FOUND)

    def response_action(self, request: HttpRequest, *of_django: Any, **more: Any) -> Any:
        """Refuse a chosen row whose key could be none.

        Raises:
            InvalidInput: naming it.
        """
        for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
            if not could_be(self.opts.pk, chosen):
                raise InvalidInput(
                    worded(
                        "%(chosen)s is no row of this list: choose rows by their boxes.", chosen=repr(chosen)
                    )
                )
        return super().response_action(request, *of_django, **more)


class StrictAutocomplete(_AutocompleteSelect):
    """Shows nothing for a choice that could be no key; the form's own check then says so."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        key = self.field.remote_field.model._meta.pk
        return super().optgroups(name, [each for each in value if not each or could_be(key, each)], attrs)


def _reason_of(exc: IncorrectLookupParameters) -> Worded:
    return sentence_of(exc) if isinstance(exc, RefusedAddress) else _UNREADABLE


def could_be(key: Field[Any, Any], text: str) -> bool:
    """Whether a text could be a row's key."""
    try:
        key.to_python(text)
    except (ValidationError, ValueError):
        return False
    return "\0" not in text
