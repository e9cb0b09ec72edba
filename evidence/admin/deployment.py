"""Where releases went live, which gates let them in, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal
from evidence.acts import can_roll_back
from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, list_url, listed
from evidence.admin.frame.filters import LiveAtFilter, recent, related
from evidence.admin.frame.steps import PageStep, SteppedModelAdmin
from evidence.models import Admission, ArtefactVersion, Deployment
from evidence.selectors.deployments import can_be_restored, changes_of, suspects_of
from evidence.services.deployments import go_back_to


def _may_go_back(principal: Principal, deployment: Deployment) -> bool:
    return can_roll_back(principal, deployment.system) and can_be_restored(deployment)


GOING_BACK: Final[Mapping[str, PageStep]] = {
    "restored": PageStep(
        _("Go back to this"),
        _may_go_back,
        go_back_to,
        _("Recorded: the environment went back to this release, from now on."),
    ),
}


@admin.register(Deployment)
class DeploymentAdmin(SteppedModelAdmin):
    list_display = ["environment", "release_link", "effective_from", "deployed_by", "let_in"]
    list_filter = [LiveAtFilter, related("system"), recent("environment"), "basis"]
    list_select_related = ["release__system"]
    ordering = ["-effective_from", "-id"]
    fields = [
        "environment", "release_link", "effective_from", "let_in", "reason", "replaced", "restored", "changed",
        "suspects", "deployed_by", "created_at",
    ]  # fmt: skip
    steps, step_of = GOING_BACK, "deployment"
    steps_title, reason_label = _("Does what is live now do harm?"), _("Reason")
    chain = [
        ChainLink("What the gates said", "evidence.admission", "deployment__id__exact"),
        ChainLink(
            "Gate decisions on the release", "evidence.gatedecision", "release__id__exact", "release_id"
        ),
    ]

    @admin.display(description="Release")
    def release_link(self, deployment: Deployment) -> str:
        return link(deployment.release)

    @admin.display(description=_("Let in"), ordering="basis")
    def let_in(self, deployment: Deployment) -> str:
        return badge(f"by_{deployment.basis}")

    @admin.display(description=_("In place of"))
    def replaced(self, deployment: Deployment) -> str:
        return link(deployment.replaces)

    @admin.display(description=_("Goes back to"))
    def restored(self, deployment: Deployment) -> str:
        return link(deployment.restores)

    @admin.display(description=_("What changed, and goes suspect"))
    def changed(self, deployment: Deployment) -> str:
        """Show each slot with both versions, and where the evidence is that was measured on the one that left."""
        rows = format_html_join(
            "",
            "<li>{}: {} → {} {}</li>",
            (
                (change.slot, link(change.before), link(change.after), _evidence_on(change.before))
                for change in changes_of(deployment)
            ),
        )
        return format_html("<ul class='tb-life'>{}</ul>", rows) if rows else "–"

    @admin.display(description=_("Links and criteria to look at again"))
    def suspects(self, deployment: Deployment) -> str:
        """Name the links that went suspect by it, and the criteria that are not yet assessed on what was deployed."""
        found = suspects_of(deployment)
        if not (found.links or found.criteria):
            return "–"
        told = [
            (gettext("%(n)s links are suspect") % {"n": len(found.links)}, found.links),
            (gettext("%(n)s criteria are not assessed yet") % {"n": len(found.criteria)}, found.criteria),
        ]
        rows = ((said, listed(names)) for said, names in told if names)
        return format_html("<ul class='tb-life'>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows))


def _evidence_on(version: ArtefactVersion | None) -> str:
    if version is None:
        return ""
    address = list_url("evidence.evidencelink", version__id__exact=version.pk)
    return format_html('<a href="{}">{}</a>', address, gettext("evidence measured on what left"))


@admin.register(Admission)
class AdmissionAdmin(ReadOnlyModelAdmin):
    list_display = ["as_of", "deployment_link", "gate", "decision_link", "said"]
    list_filter = [related("deployment__system"), "verdict"]
    list_select_related = ["deployment__release", "gate_version__artefact", "decision"]
    list_defer = ["unmet"]
    ordering = ["-id"]
    chain = [ChainLink("The deployment", "evidence.deployment", "id__exact", "deployment_id")]

    @admin.display(description=_("Deployment"))
    def deployment_link(self, admission: Admission) -> str:
        return link(admission.deployment)

    @admin.display(description="Gate")
    def gate(self, admission: Admission) -> str:
        return link(admission.gate_version)

    @admin.display(description=_("Let in by"))
    def decision_link(self, admission: Admission) -> str:
        return link(admission.decision)

    @admin.display(description=_("Would decide then"), ordering="verdict")
    def said(self, admission: Admission) -> str:
        return badge(admission.verdict)
