"""Having sealed traces read again on a page: which, and why; then how many wait for it, and how many are left."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence import clock
from evidence.access import Principal, member_systems
from evidence.acts import check_can_operate
from evidence.admin.frame.day_field import DayField
from evidence.errors import EvidenceError
from evidence.models import System
from evidence.pages.frame import Page, page_view
from evidence.pages.refusals import refusal_detail
from evidence.pages.sent_forms import check_names
from evidence.services import assembly


class ReadAgainForm(forms.Form):
    """The traces of a system that began in a period, and why they are read again."""

    system = forms.ModelChoiceField(System.objects.none(), label=_("System"))
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

    def __init__(self, data: Any = None, *, principal: Principal) -> None:
        super().__init__(data)
        field = self.fields["system"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = member_systems(principal)


@page_view()
def read_again(request: HttpRequest, principal: Principal) -> Page:
    """Ask which traces are to be read again; have them, at most `assembly.MOST_AT_ONCE`, and say how far it got."""
    check_can_operate(principal)
    form = ReadAgainForm(request.POST if request.method == "POST" else None, principal=principal)
    check_names(request, form)
    told: dict[str, Any] = {"form": form, "most": assembly.MOST_AT_ONCE}
    status = 422 if form.is_bound and not form.is_valid() else 200
    if form.is_valid():
        given = dict(form.cleaned_data)
        given["until"] = given["until"] or clock.now()
        try:
            told["done"] = assembly.read_again(principal=principal, **given)
        except EvidenceError as exc:
            form.add_error(None, refusal_detail(exc))
            status = exc.http_status
    return Page("pages/read_again.html", _("Read traces again"), told, status=status)
