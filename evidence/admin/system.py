"""Systems in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from evidence import acts
from evidence.access import Principal
from evidence.admin.frame.add_form import AddPage, AddsThroughService
from evidence.admin.frame.base import ChainLink
from evidence.admin.frame.display import badge
from evidence.admin.frame.filters import related
from evidence.admin.system_form import ServiceForm, SystemForm
from evidence.models import ServiceName, System
from evidence.services.registry import declare_service, open_system


@admin.register(System)
class SystemAdmin(AddsThroughService):
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

    adds = AddPage(
        form=SystemForm,
        store=open_system,
        said=_("The system is on record. Let colleagues see it, and issue a token for what it sends."),
        title=_("Register a system"),
        lead=_(
            "Everything stored belongs to a system. Its key is what its telemetry calls itself, and neither key nor "
            "risk tier changes later. You are its first member."
        ),
        button=_("Register it"),
        listed=_("Systems"),
    )

    def may_add(self, principal: Principal) -> bool:
        """Operators register systems."""
        return acts.can_administer(principal)

    @admin.display(description="Risk tier", ordering="risk_tier")
    def risk(self, system: System) -> str:
        return badge(system.risk_tier)


@admin.register(ServiceName)
class ServiceNameAdmin(AddsThroughService):
    list_display = ["name", "system", "is_part", "declared_by", "created_at"]
    list_filter = [related("system"), "is_part"]
    list_select_related = ["system"]
    search_fields = ["=name"]
    chain = [ChainLink("The system", "evidence.system", "id__exact", "system_id")]

    adds = AddPage(
        form=ServiceForm,
        store=declare_service,
        said=_("On record: from now on it counts so. What was refused before stays refused."),
        title=_("Declare a service"),
        lead=_(
            "A span is the system's whose key is its service.name. Where several services make one system, its "
            "operator declares the others; their token has to be allowed to write to the system."
        ),
        button=_("Declare it"),
        listed=_("Service names"),
    )

    def may_add(self, principal: Principal) -> bool:
        """Operators declare; the form calls the service, which asks again for the system."""
        return acts.can_operate(principal)
