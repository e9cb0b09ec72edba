"""What gates decided and who waived what."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import clock
from evidence.acts import can_approve
from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, list_url, record_url
from evidence.admin.frame.filters import related
from evidence.admin.frame.people import names_of, show_actor
from evidence.admin.frame.visibility import principal_of
from evidence.admin.waiver_form import WaiverForm
from evidence.errors import EvidenceError
from evidence.models import GateDecision, GateTransition, Waiver
from evidence.pages.frame import Page, Step, show_page
from evidence.selectors.gates import standing_of
from evidence.selectors.waivers import is_in_force
from evidence.services.gates import record_waiver


@admin.register(GateDecision)
class GateDecisionAdmin(ReadOnlyModelAdmin):
    list_display = ["decided_at", "gate", "decided", "release_link", "decided_by", "as_of"]
    list_filter = [related("system"), "verdict"]
    list_select_related = ["gate_version__artefact", "release__system"]
    list_defer = ["reasons", "inputs"]
    ordering = ["-id"]
    fields = [
        "decided", "gate_version", "gate_standing", "release", "as_of", "why", "inputs_as_json", "inputs_digest",
        "code_version", "decided_by", "decided_at",
    ]  # fmt: skip
    chain = [
        ChainLink(
            "Assessments of the release", "requirements.assessment", "release__id__exact", "release_id"
        ),
        ChainLink("Waivers for the release", "evidence.waiver", "release__id__exact", "release_id"),
        ChainLink("Eval runs of the release", "evidence.evalrun", "release__id__exact", "release_id"),
    ]

    @admin.display(description="Gate")
    def gate(self, decision: GateDecision) -> str:
        return link(decision.gate_version)

    @admin.display(description=gettext_lazy("The version decides since"))
    def gate_standing(self, decision: GateDecision) -> str:
        """Say since when the version that decided does, who proposed and who approved it."""
        standing = standing_of(decision.gate_version)
        if standing is None:
            return "–"
        people = [*standing.proposed_by, *([standing.approved_by] if standing.approved_by else [])]
        names = names_of(people)
        shown = format_html_join(", ", "{}", ((show_actor(actor, names),) for actor in people))
        return format_html("{:%Y-%m-%d %H:%M} UTC {} ({})", standing.since, badge(standing.state), shown)

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


@admin.register(GateTransition)
class GateTransitionAdmin(ReadOnlyModelAdmin):
    list_display = ["version_link", "moved_to", "by", "reason", "at"]
    list_filter = [related("version__artefact__system"), "to_state"]
    list_select_related = ["version__artefact"]
    ordering = ["-id"]

    @admin.display(description="Version")
    def version_link(self, move: GateTransition) -> str:
        return link(move.version)

    @admin.display(description="To", ordering="to_state")
    def moved_to(self, move: GateTransition) -> str:
        return badge(move.to_state)


@admin.register(Waiver)
class WaiverAdmin(ReadOnlyModelAdmin):
    list_display = ["criterion_ref", "release_link", "requested_by", "approved_by", "state", "expires_at"]
    list_filter = [related("system")]
    list_select_related = ["release__system"]
    search_fields = ["criterion_ref"]
    ordering = ["-id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Approvers record waivers; the form calls the service, which asks again for the release."""
        return request.user.pk is not None and can_approve(principal_of(request))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the approver's form; store the waiver through the service, or say what it refuses."""
        del form_url, extra_context
        if not self.has_add_permission(request):
            raise PermissionDenied
        principal = principal_of(request)
        form = WaiverForm(request.POST if request.method == "POST" else None, principal=principal)
        status = 200 if form.is_valid() or request.method != "POST" else 422
        if form.is_valid():
            try:
                waiver = record_waiver(principal=principal, **form.cleaned_data)
            except EvidenceError as exc:
                form.add_error(None, str(exc))
                status = exc.http_status
            else:
                messages.success(request, f"The waiver is on record until {waiver.expires_at:%Y-%m-%d}.")
                return HttpResponseRedirect(record_url(waiver))
        trail = [Step(_("Waivers"), list_url("evidence.waiver"))]
        return show_page(
            request,
            Page("admin/evidence/waiver.html", _("Waive a criterion"), {"form": form}, trail, status=status),
        )

    @admin.display(description="Release")
    def release_link(self, waiver: Waiver) -> str:
        return link(waiver.release)

    @admin.display(description="State")
    def state(self, waiver: Waiver) -> str:
        return badge("active" if is_in_force(waiver, clock.now()) else "expired")
