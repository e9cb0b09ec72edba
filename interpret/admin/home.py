"""What waits for a researcher on home: runs that wait, go on or failed, and findings without a calibration."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.display import list_url
from evidence.admin.frame.visibility import visible
from evidence.admin.front_page import Section, waiting_since
from evidence.pages.reader import principal_of
from evidence.selectors.counting import Waits, count_each
from interpret.models import Finding, ProbeRun
from interpret.selectors.calibration import not_calibrated
from interpret.selectors.waiting_runs import failed_for_good


def work_of_researcher(request: HttpRequest, strips: Mapping[int, object]) -> Section | None:
    """Return what waits for this researcher: `settings.FRONT_PAGE_WORK`."""
    del strips
    principal = principal_of(request)
    if not principal.is_researcher:
        return None
    runs, findings = visible(ProbeRun.objects.all(), request), visible(Finding.objects.all(), request)
    queued, running = ProbeRun.State.QUEUED, ProbeRun.State.RUNNING
    counted = count_each(
        {
            "queued": Waits(runs.filter(state=queued), "queued_at"),
            "running": Waits(runs.filter(state=running), "queued_at"),
            "failed": Waits(failed_for_good(runs), "finished_at"),
            "uncalibrated": Waits(not_calibrated(findings), "observed_at"),
        }
    )
    return Section(
        "researcher",
        _("Waits for you as a researcher"),
        ((_("Run a probe"), reverse("admin:ask_probe")),),
        (
            waiting_since(
                _("Probe runs that wait"),
                counted["queued"],
                list_url("interpret.proberun", state__exact="queued"),
            ),
            waiting_since(
                _("Probe runs going on"),
                counted["running"],
                list_url("interpret.proberun", state__exact="running"),
            ),
            waiting_since(
                _("Failed, and not asked for again"),
                counted["failed"],
                list_url("interpret.proberun", failed="last"),
            ),
            waiting_since(
                _("Supported findings that nothing was calibrated for"),
                counted["uncalibrated"],
                list_url("interpret.finding", calibrated="no"),
            ),
        ),
    )
