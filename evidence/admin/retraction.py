"""Retractions: asked for on the page of a run, confirmed by another person on the page of the request."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence.acts import (
    can_ask_retraction,
    can_confirm_retraction,
    can_decline_retraction,
    can_withdraw_retraction,
)
from evidence.admin.frame.answered import AnsweredAdmin, DismissalAdmin
from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link
from evidence.admin.frame.filters import related, standing
from evidence.admin.frame.steps import PageStep, SteppedModelAdmin
from evidence.models import Retraction, RetractionDismissal, RetractionRequest
from evidence.selectors.retractions import STATES, with_state
from evidence.services.evals import ask_retraction, settle_retraction

# On the page of a run.
ASKING: Final[Mapping[str, PageStep]] = {
    "retraction": PageStep(
        _("Ask for its retraction"),
        can_ask_retraction,
        ask_retraction,
        _("Asked. The run counts until another person, an approver, confirms it."),
    ),
}
# On the page of a request.
SETTLING: Final[Mapping[str, PageStep]] = {
    "confirmed": PageStep(
        _("Confirm"),
        can_confirm_retraction,
        partial(settle_retraction, to_state="confirmed"),
        _("The run no longer counts."),
        leads=True,
    ),
    "declined": PageStep(
        _("Decline"),
        can_decline_retraction,
        partial(settle_retraction, to_state="declined"),
        _("Declined: the run counts as before."),
    ),
    "withdrawn": PageStep(
        _("Withdraw"),
        can_withdraw_retraction,
        partial(settle_retraction, to_state="withdrawn"),
        _("Withdrawn: the run counts as before."),
    ),
}


@admin.register(RetractionRequest)
class RetractionRequestAdmin(AnsweredAdmin, SteppedModelAdmin):
    list_display = ["run_named", "state", "reason", "requested_by", "created_at"]
    list_filter = [related("run__system"), standing(STATES)]
    list_select_related = ["run"]
    ordering = ["-id"]
    fields = ["state", "run_link", "release_link", "reason", "requested_by", "created_at", "answered"]
    granted_as, granted_said = "retraction", _("confirmed")
    steps, step_of, steps_title = SETTLING, "request", _("Does this run no longer count?")
    chain = [
        ChainLink(
            "Gate decisions on the release", "evidence.gatedecision", "release__id__exact", "run.release_id"
        ),
        ChainLink("Eval runs of the release", "evidence.evalrun", "release__id__exact", "run.release_id"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return requests with where they stand."""
        return with_state(super().get_queryset(request))

    @admin.display(description=_("State"))
    def state(self, request: RetractionRequest) -> str:
        return badge(vars(request)["state_now"])

    @admin.display(description=_("Run"))
    def run_named(self, request: RetractionRequest) -> str:
        """Return what the list calls a request by: it leads to the request, where the steps are."""
        return str(request.run)

    @admin.display(description=_("Run"))
    def run_link(self, request: RetractionRequest) -> str:
        return link(request.run)

    @admin.display(description=_("Release"))
    def release_link(self, request: RetractionRequest) -> str:
        return link(request.run.release)


@admin.register(RetractionDismissal)
class RetractionDismissalAdmin(DismissalAdmin):
    list_filter = [related("request__run__system"), "outcome"]
    list_select_related = ["request__run"]


@admin.register(Retraction)
class RetractionAdmin(ReadOnlyModelAdmin):
    list_display = ["run_link", "reason", "retracted_by", "confirmed_by", "created_at"]
    list_filter = [related("run__system")]
    list_select_related = ["run"]
    ordering = ["-id"]

    @admin.display(description=_("Run"))
    def run_link(self, retraction: Retraction) -> str:
        return link(retraction, retraction.run)
