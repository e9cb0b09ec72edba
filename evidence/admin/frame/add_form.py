"""The page on which somebody fills in a form that a service stores, or says why it does not; and nouns that have it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import capfirst
from django_stubs_ext import StrOrPromise

from evidence.access import Principal
from evidence.admin.frame.address import OF_THE_LIST
from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import list_url, record_url
from evidence.errors import EvidenceError
from evidence.pages.frame import Page, Step, show_page
from evidence.pages.reader import principal_of
from evidence.pages.refused_forms import tell_in_form
from evidence.pages.sent_forms import check_names

_M = TypeVar("_M", bound=Model)
FORM: Final = "admin/tracebinder/add_form.html"  # what most forms are shown in


def add_through_service(
    request: HttpRequest,
    form: forms.Form,
    store: Callable[..., _M],
    *,
    said: Callable[[_M], str],
    title: StrOrPromise,
    listed: tuple[StrOrPromise, str],
    beside: Mapping[str, Any],
    template: str = FORM,
) -> HttpResponse:
    """Show a form; once it is sent and valid, have it stored and lead to the record.

    Args:
        form: bound where it was sent.
        store: the service, which takes the form's values by name.
        said: what to tell of the record.
        listed: the name of the list the record is in, and the label of its model.
        beside: what the template shows besides the form.

    Raises:
        InvalidInput: something was sent that the form does not have.
    """
    check_names(request, form)
    status = 200 if form.is_valid() or request.method != "POST" else 422
    if form.is_valid():
        try:
            stored = store(**form.cleaned_data)
        except EvidenceError as exc:
            status = tell_in_form(request, form, exc)
        else:
            messages.success(request, said(stored))
            return HttpResponseRedirect(record_url(stored))
    name, label = listed
    trail = [Step(capfirst(name), list_url(label))]
    return show_page(request, Page(template, title, {**beside, "form": form}, trail, status=status))


@dataclass(frozen=True, slots=True)
class AddPage:
    """How records of a noun are added."""

    form: Callable[..., forms.Form]  # takes what was sent, and the principal
    store: Callable[..., Model]  # the service: takes the principal, and the form's values by name
    said: StrOrPromise  # once it is stored
    title: StrOrPromise
    lead: StrOrPromise  # above the form: what it means to store it
    button: StrOrPromise
    listed: StrOrPromise  # the name of the list


class AddsThroughService(ReadOnlyModelAdmin):
    """A noun whose records are added by a form: a service stores them, and asks for itself who may."""

    adds: ClassVar[AddPage]
    adds_in_a_window = False

    def may_add(self, principal: Principal) -> bool:
        """Whether somebody is shown the form."""
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.pk is not None and self.may_add(principal_of(request))

    def parameters_to_add(self, request: HttpRequest) -> Collection[str]:
        """Return what the address of the form may carry: nothing that it would begin with, as it reads none of it."""
        del request
        return [OF_THE_LIST]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form; store the record through the service, or say what it refuses."""
        del form_url, extra_context
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self.show_form(
            request, principal_of(request), request.POST if request.method == "POST" else None
        )

    def show_form(self, request: HttpRequest, principal: Principal, sent: Any) -> HttpResponse:
        """Answer with the form, or the record that it became.

        Args:
            sent: what was filled in; None: nothing yet.
        """
        page = self.adds
        return add_through_service(
            request,
            page.form(sent, principal=principal),
            partial(page.store, principal=principal),
            said=lambda _stored: str(page.said),
            title=page.title,
            listed=(page.listed, self.opts.label_lower),
            beside={"lead": page.lead, "button": page.button},
        )
