"""Rows that are begun by Django's own form, and ended by deleting them: a service stores each, or says why not."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal
from evidence.admin.frame.base import ScopedModelAdmin
from evidence.admin.frame.shown_again import ShownAgain
from evidence.errors import AccessDenied, EvidenceError
from evidence.pages.reader import principal_of
from evidence.pages.refusals import refusal_detail

_REFUSED: Final = "_refused_by_the_service"
_THERE_IS_ONE: Final = _("There is one already.")  # Django would say so by the names of classes


class _Refusing:
    """Makes a form one that is refused, whatever it says."""

    refused: ClassVar[EvidenceError]

    def clean(self) -> Any:
        form: Any = super()
        cleaned = form.clean()
        form.add_error(None, refusal_detail(self.refused))
        return cleaned


class BegunByForm(ShownAgain, ScopedModelAdmin):
    """A noun that has a form for new rows, and nothing of a row changes later.

    What the service refuses stands above the form as it was filled in: Django's form is over by then, so it is made
    once more, and has the refusal for an error. What was stored of it until then is rolled back.
    """

    actions_on_top = True  # "delete selected" ends each through the service

    def begin(self, principal: Principal, row: Any) -> Any:
        """Have the service make what the form says, and return it."""
        raise NotImplementedError

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing of a row can change: it is begun or ended."""
        del request, obj
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:  # noqa: FBT001  # Django's signature
        del form, change
        begun = self.begin(principal_of(request), obj)
        obj.pk, obj.created_at = begun.pk, begun.created_at

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        try:
            return super().add_view(request, form_url, extra_context)
        except AccessDenied:
            raise
        except EvidenceError as exc:
            vars(request)[_REFUSED] = exc
        shown = super().add_view(request, form_url, extra_context)
        shown.status_code = vars(request)[_REFUSED].http_status
        return shown

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any  # noqa: FBT001, FBT002  # Django's signature
    ) -> Any:  # fmt: skip
        """Return the form, which has for an error what the service refused of this request."""
        alone = {each.name: {"unique": _THERE_IS_ONE} for each in self.opts.fields if each.unique}
        kwargs["error_messages"] = {NON_FIELD_ERRORS: {"unique_together": _THERE_IS_ONE}, **alone}
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        refused = vars(request).get(_REFUSED)
        if refused is None:
            return form
        return type(form.__name__, (_Refusing, form), {"refused": refused})
