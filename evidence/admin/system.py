"""Systems in the admin."""

from __future__ import annotations

from django.contrib import admin

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge
from evidence.admin.frame.filters import related
from evidence.models import ServiceName, System


@admin.register(System)
class SystemAdmin(ReadOnlyModelAdmin):
    list_display = ["key", "name", "risk", "owner", "created_at"]
    list_filter = ["risk_tier"]
    list_select_related = ["owner"]
    search_fields = ["key", "name"]
    chain = [
        ChainLink("Requirements", "requirements.requirement", "system__id__exact"),
        ChainLink("Releases", "evidence.release", "system__id__exact"),
        ChainLink("Deployments", "evidence.deployment", "system__id__exact"),
        ChainLink("Traces", "evidence.trace", "system__id__exact"),
        ChainLink("Review tasks", "evidence.reviewtask", "system__id__exact"),
        ChainLink("Eval runs", "evidence.evalrun", "system__id__exact"),
        ChainLink("Gate decisions", "evidence.gatedecision", "system__id__exact"),
        ChainLink("Binders", "evidence.binder", "system__id__exact"),
        ChainLink("Services", "evidence.servicename", "system__id__exact"),
        ChainLink("Members", "evidence.membership", "system__id__exact"),
        ChainLink("Probe specifications", "interpret.probespec", "system__id__exact"),
    ]

    @admin.display(description="Risk tier", ordering="risk_tier")
    def risk(self, system: System) -> str:
        return badge(system.risk_tier)


@admin.register(ServiceName)
class ServiceNameAdmin(ReadOnlyModelAdmin):
    list_display = ["name", "system", "is_part", "declared_by", "created_at"]
    list_filter = [related("system"), "is_part"]
    list_select_related = ["system"]
    search_fields = ["=name"]
    chain = [ChainLink("The system", "evidence.system", "id__exact", "system_id")]
