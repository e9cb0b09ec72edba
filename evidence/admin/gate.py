"""What gates decided and who waived what."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from evidence.admin.base import ReadOnlyModelAdmin, Step
from evidence.admin.display import badge, link
from evidence.admin.filters import related
from evidence.models import GateDecision, Waiver


@admin.register(GateDecision)
class GateDecisionAdmin(ReadOnlyModelAdmin):
    list_display = ["decided_at", "gate", "decided", "release_link", "decided_by", "as_of"]
    list_filter = [related("system"), "verdict"]
    list_select_related = ["gate_version__artefact", "release__system"]
    list_defer = ["reasons", "inputs"]
    ordering = ["-id"]
    fields = [
        "decided", "gate_version", "release", "as_of", "why", "inputs_as_json", "inputs_digest", "code_version",
        "decided_by", "decided_at",
    ]  # fmt: skip
    steps = [
        Step("Assessments of the release", "requirements.assessment", "release__id__exact", "release_id"),
        Step("Waivers for the release", "evidence.waiver", "release__id__exact", "release_id"),
        Step("Eval runs of the release", "evidence.evalrun", "release__id__exact", "release_id"),
    ]

    @admin.display(description="Gate")
    def gate(self, decision: GateDecision) -> str:
        return link(decision.gate_version)

    @admin.display(description="Verdict", ordering="verdict")
    def decided(self, decision: GateDecision) -> str:
        return badge(decision.verdict)

    @admin.display(description="Release")
    def release_link(self, decision: GateDecision) -> str:
        return link(decision.release)

    @admin.display(description="Reasons")
    def why(self, decision: GateDecision) -> str:
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (reason.get("requirement", ""), reason.get("criterion", ""), badge(reason.get("verdict", "")),
                 reason.get("detail", ""))
                for reason in decision.reasons
            ),
        )  # fmt: skip
        return format_html(
            "<table><thead><tr><th scope='col'>Requirement</th><th scope='col'>Criterion</th>"
            "<th scope='col'>Verdict</th><th scope='col'>Detail</th></tr></thead><tbody>{}</tbody></table>",
            rows,
        )


@admin.register(Waiver)
class WaiverAdmin(ReadOnlyModelAdmin):
    list_display = ["criterion_ref", "release_link", "requested_by", "approved_by", "state", "expires_at"]
    list_filter = [related("system")]
    list_select_related = ["release__system"]
    search_fields = ["criterion_ref"]
    ordering = ["-id"]

    @admin.display(description="Release")
    def release_link(self, waiver: Waiver) -> str:
        return link(waiver.release)

    @admin.display(description="State")
    def state(self, waiver: Waiver) -> str:
        return badge("active" if waiver.expires_at > timezone.now() else "expired")
