"""Erasing on a page: what is wanted, the plan of it, and then exactly that plan, through the service.

All of it is posted: the value of an attribute names a person, and addresses stand in logs and histories.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal
from evidence.acts import can_operate
from evidence.admin.frame.display import list_url
from evidence.admin.frame.of_system import OfSystemForm
from evidence.errors import EvidenceError, LegalHoldInForce, NotFound, PlanOvertaken
from evidence.models import System
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.refusals import refusal_detail
from evidence.pages.refused_forms import tell_in_form
from evidence.pages.sent_forms import check_names
from evidence.pages.told_once import lead_to_told
from evidence.services.disposal.agreed import Wanted, digest_of_whole, erase_wanted, plan_wanted
from evidence.services.disposal.erasure import ErasureReport, SubjectReport
from evidence.services.disposal.planning import NEVER_REACHED, ErasurePlan
from evidence.trace_ids import NoTraceId, bounds_of

MOST_SHOWN: Final = 50  # traces of a plan, and of what was done; all of them are erased
# Of each list of what goes of a trace; the rest of it is counted, and goes alike.
MOST_OF_A_TRACE: Final = 20


class ErasureForm(OfSystemForm):
    """Which trace, or whose: one of the two."""

    trace = forms.CharField(
        label=_("Trace"), required=False, help_text=_("Its id, 32 hexadecimal characters; or leave it empty")
    )
    subject = forms.CharField(
        label=_("Attribute of the person"),
        required=False,
        help_text=_("As key=value, e.g. enduser.id=4711: every trace with a span that has it"),
    )
    reason = forms.CharField(
        label=_("Reason"), help_text=_("Kept for ever, so it names no person: “request 2026-17”")
    )
    agreed = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_trace(self) -> UUID | None:
        """Return the id, or None where none is given."""
        typed: str = self.cleaned_data["trace"].strip()
        try:
            first, last = bounds_of(typed) if typed else (None, None)
        except NoTraceId as exc:
            raise forms.ValidationError(refusal_detail(exc)) from exc
        if first != last:
            raise forms.ValidationError(_("Give the whole id, 32 hexadecimal characters."))
        return first

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two."""
        given = super().clean() or {}
        trace, subject = given.get("trace"), (given.get("subject") or "").strip()
        if not self.errors and bool(trace) == bool(subject):
            raise forms.ValidationError(_("Name a trace or an attribute of the person: one of the two."))
        if subject and "=" not in subject:
            self.add_error("subject", _("Write it as key=value: enduser.id=4711"))
        return given

    @property
    def wanted(self) -> Wanted:
        """Return what is to be erased."""
        attribute, _sign, value = self.cleaned_data["subject"].strip().partition("=")
        return Wanted(self.cleaned_data["system"], self.cleaned_data["trace"], attribute, value)


@dataclass(frozen=True, slots=True)
class Beginning:
    """A list of a trace's plan, as far as the page shows it."""

    every: Sequence[Any]
    of: str = ""  # what it is of, where that has a name

    @property
    def shown(self) -> Sequence[Any]:
        """Return what the page lists."""
        return self.every[:MOST_OF_A_TRACE]

    @property
    def n_more(self) -> int:
        """Return how many there are beside."""
        return max(0, len(self.every) - MOST_OF_A_TRACE)


@dataclass(frozen=True, slots=True)
class ShownTrace:
    """The plan of one trace, as the page shows it.

    Of what goes the beginning stands there, and how much there is besides. What stays, and what is for somebody to do,
    stands there whole: that is what they agree to.
    """

    plan: ErasurePlan

    @property
    def copies(self) -> list[Beginning]:
        """Return the rows that hold copies, by table."""
        return [Beginning(keys, table) for table, keys in self.plan.copies.items()]

    @property
    def blobs(self) -> Beginning:
        return Beginning(self.plan.blobs)

    @property
    def before(self) -> Beginning:
        return Beginning(self.plan.before)


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan as the page shows it."""

    plans: list[ErasurePlan]
    digest: str
    may_go: bool  # something of it is under no hold

    @property
    def shown(self) -> list[ShownTrace]:
        """Return the traces that the page lists."""
        return [ShownTrace(plan) for plan in self.plans[:MOST_SHOWN]]

    @property
    def n_more(self) -> int:
        """Return how many traces the plan has beside."""
        return max(0, len(self.plans) - MOST_SHOWN)


@dataclass(frozen=True, slots=True)
class ShownReport:
    """What an erasure did, as the page shows it."""

    report: SubjectReport
    erasures: str  # the list of all, which a file can be made of

    @property
    def erased(self) -> list[ErasureReport]:
        """Return the erased traces that the page lists."""
        return self.report.erased[:MOST_SHOWN]

    @property
    def held(self) -> list[tuple[UUID, str]]:
        """Return the traces that were kept, as far as the page lists them."""
        return self.report.held[:MOST_SHOWN]

    @property
    def n_more_erased(self) -> int:
        """Return how many erased traces there are beside."""
        return max(0, len(self.report.erased) - MOST_SHOWN)

    @property
    def n_more_held(self) -> int:
        """Return how many traces were kept beside."""
        return max(0, len(self.report.held) - MOST_SHOWN)


def _shown_report(report: SubjectReport, system: System) -> ShownReport:
    return ShownReport(report, list_url("evidence.erasure", system__id__exact=system.pk))


@page_view()
def erasure(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Ask what is to be erased; show the plan; carry out the one that was shown."""
    if not can_operate(principal):
        raise PermissionDenied
    form = ErasureForm(request.POST if request.method == "POST" else None, principal=principal)
    check_names(request, form)
    told: dict[str, Any] = {"form": form, "never": NEVER_REACHED}
    if not form.is_bound:
        return _page(told)
    if not form.is_valid():
        return _page(told, 422)
    status = 200
    try:
        if form.cleaned_data["agreed"]:
            report = _shown_report(_erase(principal, form), form.wanted.system)
            return lead_to_told(request, _page(told | {"report": report}))
        told["plan"] = _plan(principal, form)
    except (PlanOvertaken, LegalHoldInForce) as exc:
        told |= _overtaken(principal, form, exc)
        status = exc.http_status
    except EvidenceError as exc:
        status = tell_in_form(request, form, exc)
    return _page(told, status)


def _plan(principal: Principal, form: ErasureForm) -> ShownPlan:
    plans = plan_wanted(principal=principal, wanted=form.wanted)
    return ShownPlan(plans, digest_of_whole(plans), not all(plan.held for plan in plans))


def _overtaken(
    principal: Principal, form: ErasureForm, exc: PlanOvertaken | LegalHoldInForce
) -> dict[str, Any]:
    """Return what is told of a refusal: the plan as it is now, if there is any, and where what went before it is."""
    told: dict[str, Any] = {
        "overtaken": refusal_detail(exc),
        "is_of_several": form.wanted.trace_id is None,
        "erasures": list_url("evidence.erasure", system__id__exact=form.wanted.system.pk),
    }
    with suppress(NotFound):  # nothing is left to plan
        told["plan"] = _plan(principal, form)
    return told


def _erase(principal: Principal, form: ErasureForm) -> SubjectReport:
    given = form.cleaned_data
    return erase_wanted(
        principal=principal, wanted=form.wanted, reason=given["reason"], agreed=given["agreed"]
    )


def _page(told: dict[str, Any], status: int = 200) -> Page:
    trail = [Step(_("Erasures"), list_url("evidence.erasure"))]
    return Page("pages/erasure.html", _("Erase what traces said"), told, trail, status=status)
