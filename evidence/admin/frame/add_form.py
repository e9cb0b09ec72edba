"""The page on which somebody fills in a form that a service stores, or says why it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import capfirst

from evidence.admin.frame.display import list_url, record_url
from evidence.errors import EvidenceError
from evidence.pages.frame import Page, Step, show_page

_M = TypeVar("_M", bound=Model)


def add_through_service(
    request: HttpRequest,
    form: forms.Form,
    store: Callable[..., _M],
    *,
    said: Callable[[_M], str],
    template: str,
    title: str,
    listed: tuple[str, str],
    beside: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Show a form; once it is sent and valid, have it stored and lead to the record.

    Args:
        form: bound where it was sent.
        store: the service, which takes the form's values by name.
        said: what to tell of the record.
        listed: the name of the list the record is in, and the label of its model.
        beside: what the template shows besides the form.
    """
    status = 200 if form.is_valid() or request.method != "POST" else 422
    if form.is_valid():
        try:
            stored = store(**form.cleaned_data)
        except EvidenceError as exc:
            form.add_error(None, str(exc))
            status = exc.http_status
        else:
            messages.success(request, said(stored))
            return HttpResponseRedirect(record_url(stored))
    name, label = listed
    trail = [Step(capfirst(name), list_url(label))]
    return show_page(request, Page(template, title, {**(beside or {}), "form": form}, trail, status=status))
