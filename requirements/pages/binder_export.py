"""Asking for a binder of a release: over which days, by which requirements. A worker exports it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import list_url, record_url
from evidence.admin.frame.steps import tell_refusal
from evidence.errors import EvidenceError, NotFound
from evidence.models import Release, Scope
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.period import FROM, TO, read_days
from evidence.pages.sent_forms import check_names
from evidence.selectors.binder.scope import AskedScope
from evidence.services import binder_requests
from evidence.tasks import export_binder as export_in_worker
from evidence.worded import worded
from requirements.errors import RequirementsError
from requirements.models import Baseline

BASELINE = "baseline"


@page_view(permission="evidence.view_binder", parameters=[FROM, TO, BASELINE])
def export_binder(request: HttpRequest, principal: Principal, release_id: int) -> Page | HttpResponseBase:
    """Show the form; on the button, put the request on record and lead to it."""
    principal.require(Scope.BINDER)
    release = visible_to(Release.objects.select_related("system"), principal).filter(pk=release_id).first()
    if release is None:
        raise NotFound(worded("There is no such release among those that you may see."))
    check_names(request, also=[FROM, TO, BASELINE])
    asked = request.POST if request.method == "POST" else request.GET
    days, baseline, status = read_days(request), asked.get(BASELINE, ""), 200
    if request.method == "POST":
        scope = AskedScope(
            system=release.system,
            release=release,
            baseline=baseline,
            period_from=days.since,
            period_to=days.until,
        )
        try:
            queued = binder_requests.queue_binder(
                principal=principal, asked=scope, send=export_in_worker.delay
            )
        except (EvidenceError, RequirementsError) as exc:
            status = tell_refusal(request, exc)
        else:
            messages.success(
                request, _("A worker exports it. This page says how far it is, and leads to the binder.")
            )
            return HttpResponseRedirect(record_url(queued.binder or queued))
    baselines = visible_to(Baseline.objects.filter(system=release.system), principal).order_by("-pk")
    context = {
        "release": release,
        "days": days,
        "baseline": baseline,
        "baselines": list(baselines.values_list("name", flat=True)),
    }
    trail = [
        Step(gettext_lazy("Releases"), list_url("evidence.release")),
        Step(release.name, record_url(release)),
        Step(gettext_lazy("Dossier"), reverse("admin:dossier", args=[release.pk])),
    ]
    return Page("pages/binder_export.html", gettext_lazy("Export a binder"), context, trail, status=status)
