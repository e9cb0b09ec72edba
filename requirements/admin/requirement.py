"""Requirements: the stable half, with the state of their newest version."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge
from evidence.admin.frame.filters import related
from requirements.models import Requirement, RequirementTransition, RequirementVersion


@admin.register(Requirement)
class RequirementAdmin(ReadOnlyModelAdmin):
    list_display = ["key", "other_id", "system", "newest", "state", "created_at"]
    list_filter = [related("system")]
    list_select_related = ["system"]
    search_fields = ["key", "versions__external_id"]
    ordering = ["system", "key"]
    change_list_template = "admin/requirements/versions.html"
    chain = [
        ChainLink("Versions", "requirements.requirementversion", "requirement__id__exact"),
        ChainLink("Criteria", "requirements.acceptancecriterion", "version__requirement__id__exact"),
        ChainLink("Assessments", "requirements.assessment", "criterion__version__requirement__id__exact"),
        ChainLink("Source files", "requirements.sourcefileentry", "requirement__id__exact"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        versions = RequirementVersion.objects.filter(requirement=OuterRef("pk")).order_by("-number")
        moves = RequirementTransition.objects.filter(version__requirement=OuterRef("pk")).order_by(
            "-version__number", "-at", "-pk"
        )
        rows: QuerySet[Any] = super().get_queryset(request).annotate(
            newest_number=Subquery(versions.values("number")[:1]),
            newest_external_id=Subquery(versions.values("external_id")[:1]),
            newest_state=Subquery(moves.values("to_state")[:1])
        )  # fmt: skip
        return rows

    @admin.display(description="External id")
    def other_id(self, requirement: Any) -> str:
        return requirement.newest_external_id or "–"

    @admin.display(description="Newest version")
    def newest(self, requirement: Any) -> str:
        return "–" if requirement.newest_number is None else f"v{requirement.newest_number}"

    @admin.display(description="Its state")
    def state(self, requirement: Any) -> str:
        return badge(requirement.newest_state or "draft")
