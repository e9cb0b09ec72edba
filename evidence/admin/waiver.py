"""Waivers: asked for in a form, granted by another person on the page of the request."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from evidence import clock
from evidence.access import Principal
from evidence.acts import can_ask_waiver, can_decline_waiver, can_waive, can_withdraw_waiver
from evidence.admin.decision_page import say_measured, show_reasons_of
from evidence.admin.frame.add_form import AddPage, AddsThroughService
from evidence.admin.frame.answered import AnsweredAdmin, DismissalAdmin
from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link
from evidence.admin.frame.filters import related, standing
from evidence.admin.frame.steps import PageStep, SteppedModelAdmin
from evidence.admin.frame.visibility import visible
from evidence.admin.waiver_form import WaiverForm
from evidence.models import GateDecision, Waiver, WaiverDismissal, WaiverRequest
from evidence.selectors.waivers import STATES, covers, found_since, is_in_force, unmet_reasons, with_state
from evidence.services.gates import ask_waiver, settle_waiver

SETTLING: Final[Mapping[str, PageStep]] = {
    "granted": PageStep(
        gettext_lazy("Grant"),
        can_waive,
        partial(settle_waiver, to_state="granted"),
        gettext_lazy("The release passes this criterion until the waiver ends."),
        leads=True,
    ),
    "declined": PageStep(
        gettext_lazy("Decline"),
        can_decline_waiver,
        partial(settle_waiver, to_state="declined"),
        gettext_lazy("Declined: the criterion stands."),
    ),
    "withdrawn": PageStep(
        gettext_lazy("Withdraw"),
        can_withdraw_waiver,
        partial(settle_waiver, to_state="withdrawn"),
        gettext_lazy("Withdrawn: the criterion stands."),
    ),
}


@admin.register(WaiverRequest)
class WaiverRequestAdmin(AddsThroughService, AnsweredAdmin, SteppedModelAdmin):
    list_display = ["criterion_ref", "release_link", "state", "requested_by", "expires_at"]
    list_filter = [related("release__system"), standing(STATES)]
    list_select_related = ["release__system"]
    search_fields = ["criterion_ref"]
    ordering = ["-id"]
    fields = [
        "state", "criterion_ref", "release_link", "found_unmet", "reason", "requested_by", "expires_at", "created_at",
        "answered",
    ]  # fmt: skip
    change_form_template = "admin/evidence/waiver_request.html"
    granted_as = "waiver"
    steps, step_of, steps_title = SETTLING, "request", gettext_lazy("Let the release past this criterion?")
    chain = [
        ChainLink(
            "Gate decisions on the release", "evidence.gatedecision", "release__id__exact", "release_id"
        ),
        ChainLink("Waivers for the release", "evidence.waiver", "release__id__exact", "release_id"),
    ]

    adds = AddPage(
        form=WaiverForm,
        store=ask_waiver,
        said=gettext_lazy("Asked: an approver, another person, grants it or declines."),
        title=gettext_lazy("Ask for a waiver"),
        lead=gettext_lazy(
            "A waiver lets a release past one criterion that is not met, until a date. Another person grants "
            "it, and the verdict stays on record beside it."
        ),
        button=gettext_lazy("Ask for the waiver"),
        listed=gettext_lazy("Requested waivers"),
    )

    def may_add(self, principal: Principal) -> bool:
        """Authors ask; the form calls the service, which asks again for the release."""
        return can_ask_waiver(principal)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return requests with where they stand."""
        return with_state(super().get_queryset(request))

    def beside_steps(self, request: HttpRequest, record: WaiverRequest) -> dict[str, Any]:
        """Return what the waiver would cover, and what the gate said since."""
        return _covered(request, record)

    @admin.display(description=gettext_lazy("State"))
    def state(self, request: WaiverRequest) -> str:
        return badge(vars(request)["state_now"])

    @admin.display(description=gettext_lazy("Release"))
    def release_link(self, request: WaiverRequest) -> str:
        return link(request.release)

    @admin.display(description=gettext_lazy("Found unmet by"))
    def found_unmet(self, request: WaiverRequest) -> str:
        return link(request.decision)


def _covered(request: HttpRequest, record: WaiverRequest) -> dict[str, Any]:
    """Return what the page says of a request's reach, of what this reader may see."""
    decisions = visible(GateDecision.objects.all(), request)
    decision = decisions.filter(pk=record.decision_id).first()
    if decision is None:
        return {}
    shown: dict[str, Any] = {"covered": show_reasons_of(unmet_reasons(decision, record.criterion_ref))}
    since = found_since(record, decisions)
    if since is not None:
        shown["since"] = {
            "link": link(since),
            "decided_at": since.decided_at,
            "reasons": [
                {
                    "verdict": badge(reason["verdict"]),
                    "figure": say_measured(reason),
                    "is_covered": covers(record, reason),
                }
                for reason in unmet_reasons(since, record.criterion_ref)
            ],
        }
    return shown


@admin.register(WaiverDismissal)
class WaiverDismissalAdmin(DismissalAdmin):
    list_filter = [related("request__release__system"), "outcome"]
    list_select_related = ["request__release"]


@admin.register(Waiver)
class WaiverAdmin(ReadOnlyModelAdmin):
    list_display = ["criterion_ref", "release_link", "requested_by", "approved_by", "state", "expires_at"]
    list_filter = [related("system")]
    list_select_related = ["release__system"]
    search_fields = ["criterion_ref"]
    ordering = ["-id"]

    @admin.display(description="Release")
    def release_link(self, waiver: Waiver) -> str:
        return link(waiver.release)

    @admin.display(description="State")
    def state(self, waiver: Waiver) -> str:
        return badge("active" if is_in_force(waiver, clock.now()) else "expired")
