"""What retention would take, read before it does: at a day, of what is stored now. Nothing is changed here."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence import clock
from evidence.access import Principal
from evidence.acts import can_operate, check_can_administer
from evidence.admin.frame.display import list_url
from evidence.disposal_rules import MIN_AGE_DAYS
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.period import read_day
from evidence.services.disposal.retention_preview import LONGEST, MOST_BODIES, MOST_SPANS, preview_retention
from evidence.statement_limit import TookTooLong

AT: Final = "at"
SPANS: Final = "traces"  # the signal by whose period months of spans go


@page_view(parameters=[AT], may_be_empty=True)
def retention(request: HttpRequest, principal: Principal) -> Page:
    """Show operators what goes and what stays at the beginning of a day; without one, now."""
    check_can_administer(principal)
    day, now = read_day(request, AT), clock.now()
    at = now if day is None or day == now.date() else clock.beginning_of(day)
    told: dict[str, Any] = {
        "at": at,
        "most_spans": MOST_SPANS,
        "most_bodies": MOST_BODIES,
        "least_days": MIN_AGE_DAYS,
        "longest": LONGEST,
        "spans_for_ever": not settings.RETENTION_DAYS[SPANS],
        "may_hold": can_operate(principal),
    }
    try:
        told["preview"] = preview_retention(principal=principal, at=at)
    except TookTooLong:
        told["took_too_long"] = True
    trail = [Step(_("Disposals"), list_url("evidence.disposal"))]
    return Page("pages/retention.html", _("What retention would take"), told, trail)
