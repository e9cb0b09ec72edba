"""The reasons that a system's reviewers choose from: the list in force, a form that makes the next, those of before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import acts
from evidence.access import Principal, find_system, visible_to
from evidence.admin.frame.steps import tell_refusal
from evidence.admin.frame.words import in_words
from evidence.errors import AccessDenied, EvidenceError, Fault, InvalidInput
from evidence.models import ArtefactKind, ArtefactVersion, ReasonCode, System
from evidence.pages.frame import Page, page_view
from evidence.pages.refusals import in_language
from evidence.pages.sent_forms import check_names
from evidence.selectors.review_reasons import ReasonList, reasons_of
from evidence.services.review_reasons import LONGEST, ReasonDraft, set_reasons
from evidence.worded import sentence_of

SYSTEM: Final = "system"  # in the address: its key
_SPARE: Final = 3  # rows for reasons that are not there yet
_MOST_VERSIONS: Final = 20
_KINDS: Final = [(code.value, in_words(code)) for code in ReasonCode if code is not ReasonCode.NONE]


class ReasonForm(forms.Form):
    """A row of the list; one without code and words is none."""

    code = forms.CharField(label=gettext_lazy("Code"), max_length=30, required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=_KINDS, required=False)
    en = forms.CharField(label=gettext_lazy("In English"), max_length=LONGEST, required=False)
    zh_hans = forms.CharField(label=gettext_lazy("In Chinese"), max_length=LONGEST, required=False)

    def draft(self) -> ReasonDraft | None:
        """Return the reason; None where the row has none."""
        told = self.cleaned_data
        words = {language: told[language] for language in ("en", "zh_hans") if told[language]}
        return ReasonDraft(told["code"], told["kind"], words) if told["code"] or words else None


ReasonRows: Final = forms.formset_factory(ReasonForm, extra=_SPARE)


@page_view(permission="evidence.view_reviewtask", parameters=[SYSTEM])
def review_reasons(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Show a system's list to whoever may see reviews, and set the next for an approver."""
    systems = list(visible_to(System.objects.order_by("key"), principal))
    key = request.GET.get(SYSTEM, "")
    system = find_system(principal, key) if key or not systems else systems[0]
    listed = reasons_of(system)
    rows = ReasonRows(request.POST if request.method == "POST" else None, initial=_initial(listed))
    status = 200
    if request.method == "POST":
        if not acts.can_set_reasons(principal, system):
            acts.check_can_set_reasons(principal, system)  # and so says why
        check_names(request, also=_names(rows))
        refused = _set(request, principal, system, rows) if rows.is_valid() else InvalidInput.http_status
        if refused is None:
            return HttpResponseRedirect(f"{reverse('admin:review_reasons')}?{SYSTEM}={system.key}")
        status = refused
    context = {
        "systems": systems,
        "system": system,
        "listed": listed,
        "rows": rows,
        "may_set": acts.can_set_reasons(principal, system),
        "versions": _versions(system, principal),
    }
    return Page("pages/review_reasons.html", gettext_lazy("Reasons of reviewers"), context, status=status)


def _names(rows: Any) -> Iterator[str]:
    for form in (rows.management_form, *rows.forms):
        yield from map(form.add_prefix, form.fields)


def _initial(listed: ReasonList | None) -> list[dict[str, Any]]:
    return [
        {"code": each.code, "kind": each.kind, **each.words} for each in (listed.reasons if listed else ())
    ]


def _set(request: HttpRequest, principal: Principal, system: System, rows: Any) -> int | None:
    """Set the list; say what is refused in the row that it is about, and return the status of the answer."""
    drafts = {row: draft for row in rows if (draft := row.draft()) is not None}
    try:
        version = set_reasons(principal=principal, system=system, reasons=list(drafts.values()))
    except InvalidInput as exc:
        _refuse(list(drafts), list(exc.faults) or [Fault("body", "", "refused", sentence_of(exc))])
        messages.error(request, _("Nothing was changed."))
        return exc.http_status
    except AccessDenied:
        raise
    except EvidenceError as exc:
        return tell_refusal(request, exc)
    messages.success(request, _("Version %(number)s of the list is in force.") % {"number": version.number})
    return None


def _refuse(given: list[forms.Form], faults: list[Fault]) -> None:
    for fault in faults:
        place = _place(fault, len(given))
        row = given[place] if place is not None else next(iter(given), None)
        if row is not None:
            row.add_error(None, in_language(fault.message))


def _place(fault: Fault, n_rows: int) -> int | None:
    """Return which of the reasons sent a fault is about."""
    return next((index for index in range(n_rows) if fault.path.startswith(f"reasons[{index}].")), None)


def _versions(system: System, principal: Principal) -> Iterator[ArtefactVersion]:
    of_system = ArtefactVersion.objects.filter(artefact__system=system, artefact__kind=ArtefactKind.REASONS)
    yield from visible_to(of_system, principal).order_by("-number")[:_MOST_VERSIONS]
