"""What gates decided, and what became of their versions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy

from evidence.admin.decision_page import show_reasons
from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, listed
from evidence.admin.frame.filters import related
from evidence.admin.frame.moments import ago
from evidence.admin.frame.on_chain import OnChainFilter
from evidence.admin.frame.people import names_of, show_actor
from evidence.models import GateDecision, GateTransition
from evidence.selectors.gates import standing_of


@admin.register(GateDecision)
class GateDecisionAdmin(ReadOnlyModelAdmin):
    list_display = ["decided_at", "gate", "decided", "release_link", "decided_by", "as_of"]
    list_filter = [related("system"), "verdict", OnChainFilter]
    list_select_related = ["gate_version__artefact", "release__system"]
    list_defer = ["reasons", "inputs"]
    change_form_template = "admin/evidence/decision.html"
    ordering = ["-id"]
    fields = [
        "decided", "gate_version", "gate_standing", "release", "as_of", "bound_to", "inputs_as_json", "inputs_digest",
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
        return format_html("{} {} ({})", ago(standing.since), badge(standing.state), shown)

    @admin.display(description="Verdict", ordering="verdict")
    def decided(self, decision: GateDecision) -> str:
        return badge(decision.verdict)

    @admin.display(description="Release")
    def release_link(self, decision: GateDecision) -> str:
        return link(decision.release)

    @admin.display(description=gettext_lazy("Bound to"))
    def bound_to(self, decision: GateDecision) -> str:
        """Say on which runs, and of which commit, the decision was to rest."""
        bound = decision.inputs.get("bound_to", {})
        return listed([*bound.get("runs", ()), *([bound["commit"]] if bound.get("commit") else [])]) or "–"

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """Show the decision with a card for each of its reasons."""
        decision = self.get_object(request, object_id) if object_id else None
        seen = decision is not None and self.has_view_permission(request, decision)
        reasons = {"reasons": show_reasons(decision)} if seen and decision is not None else {}
        return super().changeform_view(request, object_id, form_url, reasons | (extra_context or {}))


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
