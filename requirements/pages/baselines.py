"""A baseline with its members: signed off by a second person, and beside another one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import list_url
from evidence.admin.frame.people import names_of, show_actor
from evidence.admin.frame.record_names import name_of
from evidence.admin.frame.steps import Typed, take_or_show
from evidence.errors import EvidenceError, NotFound
from evidence.pages.frame import Page, Step, page_view, show_page
from evidence.pages.sent_forms import check_names
from evidence.worded import worded
from requirements.acts import can_sign_off_baseline
from requirements.errors import RequirementsError
from requirements.models import Baseline
from requirements.selectors.baselines import compare_baselines
from requirements.services.baselines import sign_off_baseline


@page_view(permission="requirements.view_baseline", parameters=["before"])
def baseline(request: HttpRequest, principal: Principal, baseline_id: int) -> Any:
    """Show a baseline beside an earlier one, and who signed it off; sign it off."""
    row = _find(principal, baseline_id)
    return take_or_show(
        request,
        take=lambda: _sign_off(request, principal, row),
        show=lambda reading, typed: show_page(reading, _baseline(reading, principal, row, typed)),
        refusals=(EvidenceError, RequirementsError),
        denied=(),
    )


def _baseline(request: HttpRequest, principal: Principal, row: Baseline, typed: Typed) -> Page:
    asked = request.GET.get("before", "")
    before = _find(principal, int(asked)) if asked.isdecimal() and len(asked) < 19 else None
    if before is not None and before.system_id != row.system_id:
        raise NotFound(worded("These two baselines are of different systems."))
    members = row.members.select_related("version__requirement")
    others = Baseline.objects.filter(system=row.system).exclude(pk=row.pk).order_by("-pk")
    sign_offs = list(row.sign_offs.order_by("pk"))
    names = names_of([each.signed_by for each in sign_offs])
    context: dict[str, Any] = {
        "baseline": row,
        "members": [each.version for each in members.order_by("version__requirement__key")],
        "before": before,
        "difference": compare_baselines(before, row) if before else None,
        "others": others[:50],
        "sign_offs": [(each, show_actor(each.signed_by, names)) for each in sign_offs],
        "may_sign": can_sign_off_baseline(principal, row)
        and not row.sign_offs.filter(signed_by=principal.actor).exists(),
        **typed,
    }
    trail = [Step(gettext_lazy("Baselines"), list_url("requirements.baseline"))]
    return Page("pages/baseline.html", name_of(row), context, trail)


def _find(principal: Principal, baseline_id: int) -> Baseline:
    baselines = visible_to(Baseline.objects.select_related("system"), principal)
    row = baselines.filter(pk=baseline_id).first()
    if row is None:
        raise NotFound(worded("There is no such baseline among those that you may see."))
    return row


def _sign_off(request: HttpRequest, principal: Principal, row: Baseline) -> HttpResponseRedirect:
    check_names(request, also=["digest", "reason"])
    sign_off_baseline(
        principal=principal, baseline=row, digest=request.POST.get("digest", ""),
        reason=request.POST.get("reason", ""),
    )  # fmt: skip
    messages.success(request, _("The baseline is signed off."))
    return HttpResponseRedirect(reverse("admin:baseline", args=[row.pk]))
