"""The filters of the queue that a person keeps, and their pause: what the desk and the queue's list lead to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import acts
from evidence.access import Principal, visible_to
from evidence.admin.frame.display import list_url
from evidence.errors import EvidenceError, NotFound
from evidence.models import QueuePause, SavedFilter, System
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.refusals import refusal
from evidence.pages.refused_forms import tell_in_form
from evidence.pages.sent_forms import check_names
from evidence.selectors.review_work import pause_of
from evidence.services import review_work
from evidence.worded import worded

FILTER: Final = "filter"  # in the address of the desk's start: the key of a filter
_PERMISSION: Final = "evidence.view_reviewtask"
# What the list of the queue calls what narrows it, and what a filter calls it.
IN_LIST: Final = {
    "standing": "standing",
    "system__id__exact": "system",
    "risk_tier__exact": "risk_tier",
    "reason": "reason",
    "language": "language",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A filter with where it leads."""

    kept: SavedFilter
    list_url: str
    desk_url: str


class PauseForm(forms.Form):
    """Until when at most a pause lasts, UTC."""

    until = forms.DateTimeField(
        label=gettext_lazy("Until (UTC) at most"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )


@page_view(permission=_PERMISSION, parameters=list(IN_LIST))
def review_filters(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Show a person's filters, and name the one that the address describes; carry out what a button says."""
    acts.check_can_save_filter(principal)
    if request.method == "POST":
        check_names(request, also=["act", "name", "kept"])
        return _carry_out(request, principal)
    described = {name: value for name in IN_LIST if (value := request.GET.get(name, ""))}
    context = {"described": described, "kept": filters_of(principal)}
    trail = [Step(gettext_lazy("Review tasks"), list_url("evidence.reviewtask"))]
    return Page("pages/review_filters.html", gettext_lazy("Your filters"), context, trail)


@page_view(permission=_PERMISSION)
def review_pause(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Show a reviewer's pause, begin one, or end it."""
    acts.check_can_pause_reviewing(principal)
    status, form = 200, PauseForm(request.POST if request.POST.get("act") == "pause" else None)
    check_names(request, form, also=["act"])
    if request.method == "POST" and (request.POST.get("act") != "pause" or form.is_valid()):
        try:
            _pause(request, principal, form)
            return HttpResponseRedirect(reverse("admin:review_pause"))
        except EvidenceError as exc:
            status = tell_in_form(request, form, exc)
    context = {"form": form, "pause": pause_of(principal.person)}
    trail = [Step(gettext_lazy("Review desk"), reverse("admin:review_desk"))]
    return Page("pages/review_pause.html", gettext_lazy("Pause"), context, trail, status=status)


def filters_of(principal: Principal) -> list[Kept]:
    """Return a person's filters by name, each with its list and its desk."""
    kept = visible_to(SavedFilter.objects.select_related("system"), principal).order_by("name")
    return [Kept(each, _list_of(each), f"{reverse('admin:review_desk')}?{FILTER}={each.pk}") for each in kept]


def filter_chosen(request: HttpRequest, principal: Principal) -> SavedFilter | None:
    """Return the filter of theirs that the address of the desk names; None where it names none.

    Raises:
        NotFound: it names one that this person does not keep.
    """
    named = request.GET.get(FILTER, "")
    if not named:
        return None
    theirs = visible_to(SavedFilter.objects.select_related("system"), principal)
    found = theirs.filter(pk=named).first() if named.isdecimal() and len(named) < 19 else None
    if found is None:
        raise NotFound(worded("You keep no such filter."))
    return found


def desk_context(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """Return what `pages/review_desk/filters.html` shows: filters, the one chosen, and who or what pauses."""
    return {
        "filters": filters_of(principal),
        "chosen_filter": filter_chosen(request, principal),
        "pause": pause_of(principal.person),
        "queue_pauses": visible_to(QueuePause.objects.select_related("system"), principal),
    }


def list_context(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """Return what the queue's list shows of filters: those kept, and the address that keeps the one in use."""
    described = {name: value for name in IN_LIST if (value := request.GET.get(name, ""))}
    keep = f"{reverse('admin:review_filters')}?{urlencode(described)}" if described else ""
    return {"kept_filters": filters_of(principal), "keep_url": keep}


def _carry_out(request: HttpRequest, principal: Principal) -> HttpResponseRedirect:
    here = HttpResponseRedirect(request.get_full_path())
    try:
        if request.POST.get("act") == "delete":
            review_work.delete_filter(principal=principal, kept=_named(request, principal))
            return here
        described = {told: request.GET.get(name, "") for name, told in IN_LIST.items()}
        system = _system(described.pop("system"), principal)
        name = request.POST.get("name", "")
        kept = review_work.save_filter(principal=principal, name=name, system=system, **described)
    except EvidenceError as exc:
        messages.error(request, refusal(exc))
        return here
    return HttpResponseRedirect(_list_of(kept))


def _named(request: HttpRequest, principal: Principal) -> SavedFilter:
    pk = request.POST.get("kept", "")
    found = visible_to(SavedFilter.objects.filter(pk=pk if pk.isdecimal() else 0), principal).first()
    if found is None:
        raise NotFound(worded("You keep no such filter."))
    return found


def _system(pk: str, principal: Principal) -> System | None:
    if not pk:
        return None
    found = visible_to(System.objects.filter(pk=pk if pk.isdecimal() else 0), principal).first()
    if found is None:
        raise NotFound(worded("There is no such system among yours."))
    return found


def _list_of(kept: SavedFilter) -> str:
    told = {
        name: getattr(kept, "system_id" if column == "system" else column) for name, column in IN_LIST.items()
    }
    asked = urlencode({name: value for name, value in told.items() if value})
    return f"{reverse('admin:evidence_reviewtask_changelist')}?{asked}"


def _pause(request: HttpRequest, principal: Principal, form: PauseForm) -> None:
    if request.POST.get("act") == "pause":
        until = form.cleaned_data["until"].astimezone(UTC)
        review_work.pause_reviewing(principal=principal, until=until)
        messages.success(request, _("You are given nothing until then, and hold nothing."))
    else:
        review_work.resume_reviewing(principal=principal)
        messages.success(request, _("You are given answers again."))
