"""Rows that are begun by Django's own form, and ended by deleting them: a service stores each, or says why not."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal
from evidence.acts import can_administer
from evidence.admin.frame.base import ScopedModelAdmin
from evidence.admin.frame.shown_again import ShownAgain, note_what_came
from evidence.errors import AccessDenied, EvidenceError
from evidence.pages.reader import principal_of

_THERE_IS_ONE: Final = _("There is one already.")  # Django would say so by the names of classes


class BegunByForm(ShownAgain, ScopedModelAdmin):
    """A noun that has a form for new rows, of operators; nothing of a row changes until one ends it by deleting it.

    What the service refuses stands above the form as it was filled in, and what was stored of it until then is rolled
    back.
    """

    actions_on_top = True  # "delete selected" ends each through the service

    def begin(self, principal: Principal, row: Any) -> Any:
        """Have the service make what the form says, and return it."""
        raise NotImplementedError

    def may_end(self, principal: Principal, row: Any) -> bool:
        """Whether this person may end a row."""
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and can_administer(principal_of(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing of a row can change: it is begun or ended."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and not self.may_end(principal_of(request), obj):
            return False
        return super().has_delete_permission(request, obj) and can_administer(principal_of(request))

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:  # noqa: FBT001  # Django's signature
        del form, change
        begun = self.begin(principal_of(request), obj)
        obj.pk, obj.created_at = begun.pk, begun.created_at

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        try:
            return super().add_view(request, form_url, extra_context)
        except AccessDenied:
            raise
        except EvidenceError as exc:
            note_what_came(request, exc)
            status = exc.http_status
        shown = super().add_view(request, form_url, extra_context)
        shown.status_code = status
        return shown

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any  # noqa: FBT001, FBT002  # Django's signature
    ) -> Any:  # fmt: skip
        """Return the form, with a sentence of ours for a row that there is."""
        alone = {each.name: {"unique": _THERE_IS_ONE} for each in self.opts.fields if each.unique}
        kwargs["error_messages"] = {NON_FIELD_ERRORS: {"unique_together": _THERE_IS_ONE}, **alone}
        return super().get_form(request, obj, change=change, **kwargs)
