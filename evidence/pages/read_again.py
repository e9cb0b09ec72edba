"""Having sealed traces read again on a page: which, and why; then how many wait for it, and how many are left."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from evidence import clock
from evidence.access import Principal
from evidence.acts import can_operate
from evidence.admin.frame.day_field import DayField
from evidence.admin.frame.of_system import OfSystemForm
from evidence.errors import EvidenceError
from evidence.pages.frame import Page, page_view
from evidence.pages.refused_forms import tell_in_form
from evidence.pages.sent_forms import check_names
from evidence.pages.told_once import lead_to_told
from evidence.services import assembly


class ReadAgainForm(OfSystemForm):
    """The traces of a system that began in a period, and why they are read again."""

    since = DayField(label=_("Period from"), help_text=_("It begins with this day, UTC."))
    until = DayField(
        label=_("Period to"),
        required=False,
        help_text=_("It ends as this day begins, UTC. Empty: it ends now."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("It stays on record with what is read again."),
    )


@page_view()
def read_again(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Ask which traces are to be read again; have them, at most `assembly.MOST_AT_ONCE`, and say how far it got."""
    if not can_operate(principal):
        raise PermissionDenied
    form = ReadAgainForm(request.POST if request.method == "POST" else None, principal=principal)
    check_names(request, form)
    told: dict[str, Any] = {"form": form, "most": assembly.MOST_AT_ONCE}
    status = 422 if form.is_bound and not form.is_valid() else 200
    if form.is_valid():
        given = dict(form.cleaned_data)
        given["until"] = given["until"] or clock.now()
        try:
            done = assembly.read_again(principal=principal, **given)
        except EvidenceError as exc:
            status = tell_in_form(request, form, exc)
        else:
            return lead_to_told(request, _page(told | {"done": done}))
    return _page(told, status)


def _page(told: dict[str, Any], status: int = 200) -> Page:
    return Page("pages/read_again.html", _("Read traces again"), told, status=status)
