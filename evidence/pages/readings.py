"""The page on which a reading is tried on a stored trace, and proposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import acts
from evidence.access import Principal, member_systems, visible_to
from evidence.admin.frame.display import list_url, record_url
from evidence.admin.review.conversation import Turn, read_turns
from evidence.errors import EvidenceError, Fault, InvalidInput, NotFound
from evidence.models import ArtefactKind, ArtefactVersion, System, Trace
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.reading_form import ReadingForm, as_text
from evidence.pages.refusals import in_language
from evidence.pages.refused_forms import tell_in_form
from evidence.pages.sent_forms import check_names
from evidence.selectors.readings import DOCUMENT, find_readings_in_force
from evidence.semconv.draft import Flag, RetrievalDraft, TraceDraft
from evidence.semconv.exchange_json import exchange_as_json, flags_as_json
from evidence.services import assembly, readings
from evidence.worded import worded

TEMPLATE: Final = "pages/reading.html"
_DIGITS: Final = 19  # no key has as many
_EXAMPLE: Final = {"answer": [{"span": "name of a span, or *", "attribute": "where it stands"}]}


@dataclass(frozen=True, slots=True)
class Side:
    """What one reading makes of a trace."""

    name: str  # of its element on the page
    title: str
    turns: Sequence[Turn]
    documents: Sequence[RetrievalDraft]
    flags: Sequence[Flag]


@page_view(permission="evidence.view_trace", parameters=("system", "trace", "version"))
def try_a_reading(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Show the form; what a draft makes of a stored trace, once it is tried; and the version, once it is proposed."""
    if request.method != "POST":
        return _page(ReadingForm(initial=_beginning(request, principal), principal=principal), principal)
    form = ReadingForm(request.POST, principal=principal)
    check_names(request, form, also=["try", "propose"])
    tried = None
    if form.is_valid():
        try:
            if "propose" in request.POST:
                return _propose(request, principal, form.cleaned_data)
            tried = _try(principal, form.cleaned_data)
        except EvidenceError as exc:
            _tell(request, form, exc)
    return _page(form, principal, tried)


def _beginning(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """Return what the form begins with: a version that led here, or what is in force of the system asked for."""
    if "version" in request.GET:
        if "system" in request.GET:
            raise InvalidInput(worded("A version of a reading is of one system: leave `system` out."))
        return {"trace": request.GET.get("trace", ""), **_beginning_with(request.GET["version"], principal)}
    systems = member_systems(principal)
    asked = request.GET.get("system")
    system = systems.filter(key=asked).first() if asked else systems.first()
    version = find_readings_in_force([system.pk])[system.pk].version if system else None
    document = version.metadata[DOCUMENT] if version else _EXAMPLE
    return {"system": system, "trace": request.GET.get("trace", ""), "document": as_text(document)}


def _beginning_with(version: str, principal: Principal) -> dict[str, Any]:
    """Return what the form begins with where somebody is to decide on a version: what it says, and its system."""
    of_ours = visible_to(ArtefactVersion.objects.select_related("artefact__system"), principal).filter(
        artefact__kind=ArtefactKind.READING, artefact__system__in=member_systems(principal)
    )
    found = of_ours.filter(pk=version if version.isdecimal() and len(version) < _DIGITS else 0).first()
    if found is None:
        raise NotFound(worded("There is no such version of a reading."))
    return {"system": found.artefact.system, "document": as_text(found.metadata[DOCUMENT])}


def _propose(request: HttpRequest, principal: Principal, told: Mapping[str, Any]) -> HttpResponseRedirect:
    version = readings.propose_reading(
        principal=principal, system=told["system"], document=told["document"], reason=told["reason"]
    )
    messages.success(request, _("It is proposed. Another person, an approver, decides on it."))
    return HttpResponseRedirect(record_url(version))


def _try(principal: Principal, told: Mapping[str, Any]) -> list[Side]:
    if not told["trace"]:
        raise InvalidInput(worded("Name a stored trace to try it on."))
    tried = assembly.try_reading(
        principal=principal, system=told["system"], document=told["document"], trace=told["trace"]
    )
    by = (
        _("by version %(number)s of the reading") % {"number": tried.in_force.number}
        if tried.in_force.number
        else _("as in any system")
    )
    return [
        _side("now", _("As it is read now: %(by)s") % {"by": by}, tried.trace, tried.now),
        _side("then", _("As the draft reads it"), tried.trace, tried.then),
    ]


def _side(name: str, title: str, trace: Trace, draft: TraceDraft) -> Side:
    told = Trace(
        trace_id=trace.trace_id,
        exchanges=[exchange_as_json(one) for one in draft.exchanges],
        flags=flags_as_json(draft.flags),
    )
    return Side(name, title, read_turns(told, ()), draft.retrievals, draft.flags)


def _tell(request: HttpRequest, form: forms.Form, refused: EvidenceError) -> None:
    faults: Sequence[Fault] = getattr(refused, "faults", ())
    for fault in faults:
        form.add_error("document", in_language(fault.sentence))
    if not faults:
        tell_in_form(request, form, refused)


def _page(form: ReadingForm, principal: Principal, sides: Sequence[Side] | None = None) -> Page:
    may_propose = any(
        acts.can_propose_reading(principal, system)
        for system in visible_to(System.objects.all(), principal)[:1]
    )
    context = {"form": form, "sides": sides, "may_propose": may_propose}
    listed = list_url("evidence.artefactversion", artefact__kind__exact=ArtefactKind.READING.value)
    trail = [Step(gettext_lazy("Readings"), listed)]
    status = 422 if form.errors else 200
    return Page(TEMPLATE, gettext_lazy("How traces are read"), context, trail, status=status)
