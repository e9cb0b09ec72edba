"""Retirements: asked for on the page of a version, granted by another person on the page of the request."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence.acts import can_approve
from evidence.admin.frame.answered import AnsweredAdmin, DismissalAdmin
from evidence.admin.frame.base import ChainLink
from evidence.admin.frame.display import badge, link, list_url
from evidence.admin.frame.filters import related, standing
from evidence.admin.frame.steps import PageStep, SteppedModelAdmin
from evidence.admin.frame.visibility import visible
from evidence.admin.front_page import MOST_ASKED, Waiting, waiting_of
from evidence.errors import EvidenceError
from evidence.pages.reader import principal_of
from requirements.acts import (
    can_confirm_retirement,
    can_decline_retirement,
    can_withdraw_retirement,
    may_confirm_retirement,
)
from requirements.errors import RequirementsError
from requirements.models import RetirementDismissal, RetirementRequest
from requirements.selectors.retirements import STATES, WAITING, waiting_retirements, with_state
from requirements.services.retirements import settle_retirement

# On the page of a request.
SETTLING: Final[Mapping[str, PageStep]] = {
    "confirmed": PageStep(
        _("Grant"),
        can_confirm_retirement,
        partial(settle_retirement, to_state="confirmed"),
        _("The version is retired."),
        leads=True,
    ),
    "declined": PageStep(
        _("Decline"),
        can_decline_retirement,
        partial(settle_retirement, to_state="declined"),
        _("Declined: the version stands as before."),
    ),
    "withdrawn": PageStep(
        _("Withdraw"),
        can_withdraw_retirement,
        partial(settle_retirement, to_state="withdrawn"),
        _("Withdrawn: the version stands as before."),
    ),
}


def retirements_to_grant(request: HttpRequest) -> tuple[Waiting, ...]:
    """Return what waits for this approver, for the front page: `settings.FRONT_PAGE_APPROVALS`."""
    principal = principal_of(request)
    if not can_approve(principal):
        return ()
    asked = visible(waiting_retirements(), request).select_related("version__requirement__system")[
        :MOST_ASKED
    ]
    return (
        waiting_of(
            _("Retirements to grant"),
            (each for each in asked if may_confirm_retirement(principal, each)),
            attrgetter("created_at"),
            list_url("requirements.retirementrequest", state=WAITING),
        ),
    )


@admin.register(RetirementRequest)
class RetirementRequestAdmin(AnsweredAdmin, SteppedModelAdmin):
    list_display = ["version_named", "state", "reason", "requested_by", "created_at"]
    list_filter = [related("version__requirement__system"), standing(STATES)]
    list_select_related = ["version__requirement"]
    ordering = ["-id"]
    fields = ["state", "version_link", "reason", "requested_by", "created_at", "answered"]
    refusals = (EvidenceError, RequirementsError)
    granted_as, granted_said = "retirement", _("granted")
    steps, step_of, steps_title = SETTLING, "request", _("Does this version no longer hold?")
    chain = [
        ChainLink(
            "Transitions of the version",
            "requirements.requirementtransition",
            "version__id__exact",
            "version_id",
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return requests with where they stand."""
        return with_state(super().get_queryset(request))

    @admin.display(description=_("State"))
    def state(self, request: RetirementRequest) -> str:
        return badge(vars(request)["state_now"])

    @admin.display(description=_("Version"))
    def version_named(self, request: RetirementRequest) -> str:
        """Return what the list calls a request by: it leads to the request, where the steps are."""
        return str(request.version)

    @admin.display(description=_("Version"))
    def version_link(self, request: RetirementRequest) -> str:
        return link(request.version)


@admin.register(RetirementDismissal)
class RetirementDismissalAdmin(DismissalAdmin):
    list_filter = [related("request__version__requirement__system"), "outcome"]
    list_select_related = ["request__version__requirement"]
