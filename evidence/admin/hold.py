"""Legal holds: placed in a form, ended by a button."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from evidence import acts
from evidence.access import Principal
from evidence.admin.frame.add_form import AddPage, AddsThroughService
from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, list_url
from evidence.admin.frame.filters import related, standing
from evidence.admin.frame.steps import PageStep, SteppedModelAdmin
from evidence.admin.hold_form import LegalHoldForm
from evidence.models import LegalHold, LegalHoldRelease, Trace
from evidence.selectors.holds import STATES, with_state
from evidence.services.disposal.holds import place_hold, release_hold


def _may_release(principal: Principal, hold: LegalHold) -> bool:
    return not hasattr(hold, "release") and acts.can_release_hold(principal, hold)


RELEASING: Final[Mapping[str, PageStep]] = {
    "released": PageStep(
        _("Release the hold"),
        _may_release,
        release_hold,
        _("Released: retention and erasure take what it kept, if nothing else keeps it."),
    ),
}


@admin.register(LegalHold)
class LegalHoldAdmin(AddsThroughService, SteppedModelAdmin):
    list_display = ["__str__", "system", "state", "period_from", "period_to", "placed_by", "created_at"]
    list_filter = [related("system"), standing(STATES)]
    list_select_related = ["system", "release"]
    ordering = ["-id"]
    fields = [
        "state", "system", "period_from", "period_to", "traces", "reason", "placed_by", "created_at", "release_link",
    ]  # fmt: skip
    steps, step_of, steps_title = RELEASING, "hold", _("Is it no longer needed?")
    reason_label = _("Why it is released")

    adds = AddPage(
        form=LegalHoldForm,
        store=place_hold,
        said=_("Placed: nothing of the period is erased or dropped from now on."),
        title=_("Place a legal hold"),
        lead=_(
            "A hold keeps what a system sent in a period, whatever retention or an erasure says, until somebody "
            "releases it. Other systems' spans of the same months stay with it, because a month goes whole or stays "
            "whole."
        ),
        button=_("Place it"),
        listed=_("Legal holds"),
    )

    def may_add(self, principal: Principal) -> bool:
        """Operators place holds; the form calls the service, which asks again for the system."""
        return acts.can_operate(principal)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return holds with where they stand."""
        return with_state(super().get_queryset(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Leave out the way to traces for those who are shown none, as operators are not."""
        shows_traces = self.admin_site.get_model_admin(Trace).has_view_permission(request)
        return [each for each in super().get_fields(request, obj) if each != "traces" or shows_traces]

    @admin.display(description=_("State"))
    def state(self, hold: LegalHold) -> str:
        return badge(vars(hold)["state_now"])

    @admin.display(description=_("Traces of its period"))
    def traces(self, hold: LegalHold) -> SafeString:
        """Return the way to the list of them, by whole days."""
        asked: dict[str, object] = {
            "system__id__exact": hold.system_id, "started_at__gte": hold.period_from.date().isoformat(),
        }  # fmt: skip
        if hold.period_to is not None:
            last = hold.period_to - timedelta(microseconds=1)
            asked["started_at__lte"] = last.date().isoformat()
        address = list_url("evidence.trace", **asked)
        return format_html('<a href="{}">{}</a>', address, _("Traces that began on its days"))

    @admin.display(description=_("Its release"))
    def release_link(self, hold: LegalHold) -> SafeString | str:
        return link(hold.release) if hasattr(hold, "release") else "–"


@admin.register(LegalHoldRelease)
class LegalHoldReleaseAdmin(ReadOnlyModelAdmin):
    list_display = ["hold", "reason", "released_by", "created_at"]
    list_filter = [related("hold__system")]
    list_select_related = ["hold"]
    ordering = ["-id"]
