"""Who is given what of the queue: operators say what a reviewer can judge and which queue pauses; all else is read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from evidence.access import Principal
from evidence.acts import can_administer, can_change_skill, can_pause_queue
from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.begun_by_form import BegunByForm
from evidence.admin.frame.filters import related
from evidence.models import QueuePause, ReviewerPause, ReviewerSkill, SavedFilter
from evidence.pages.reader import principal_of
from evidence.services import review_work


class _BegunAndEnded(BegunByForm):
    """A row that is begun by a form and ended by deleting it, by operators; in between nothing of it changes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and can_administer(principal_of(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and not self.may_end(request, obj):
            return False
        return super().has_delete_permission(request, obj) and can_administer(principal_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def may_end(self, request: HttpRequest, row: Any) -> bool:
        """Whether this person may end a row."""
        raise NotImplementedError


@admin.register(ReviewerSkill)
class ReviewerSkillAdmin(_BegunAndEnded):
    fields = ["user", "system", "language"]
    list_display = ["user", "system", "language_or_any", "created_at"]
    list_filter = [related("system")]
    list_select_related = ["user", "system"]
    search_fields = ["user__username"]
    autocomplete_fields = ["user"]
    ordering = ["system", "user", "language"]

    @admin.display(description="Language", ordering="language")
    def language_or_any(self, skill: ReviewerSkill) -> str:
        return skill.language or gettext("any")

    def may_end(self, request: HttpRequest, row: ReviewerSkill) -> bool:
        return can_change_skill(principal_of(request), row.system, row.user)

    def begin(self, principal: Principal, row: ReviewerSkill) -> ReviewerSkill:
        return review_work.add_skill(
            principal=principal, user=row.user, system=row.system, language=row.language
        )

    def delete_model(self, request: HttpRequest, obj: ReviewerSkill) -> None:
        review_work.end_skill(principal=principal_of(request), skill=obj)


@admin.register(QueuePause)
class QueuePauseAdmin(_BegunAndEnded):
    fields = ["system", "reason"]
    list_display = ["system", "reason", "paused_by", "created_at"]
    list_select_related = ["system"]
    ordering = ["system"]

    def may_end(self, request: HttpRequest, row: QueuePause) -> bool:
        return can_pause_queue(principal_of(request), row.system)

    def begin(self, principal: Principal, row: QueuePause) -> QueuePause:
        return review_work.pause_queue(principal=principal, system=row.system, reason=row.reason)

    def delete_model(self, request: HttpRequest, obj: QueuePause) -> None:
        review_work.resume_queue(principal=principal_of(request), pause=obj)


@admin.register(ReviewerPause)
class ReviewerPauseAdmin(ReadOnlyModelAdmin):
    list_display = ["user", "until", "created_at"]
    list_select_related = ["user"]
    ordering = ["user"]


@admin.register(SavedFilter)
class SavedFilterAdmin(ReadOnlyModelAdmin):
    """A person's own, and nobody else's: `visible_to` shows no other."""

    list_display = ["name", "standing", "system", "risk_tier", "reason", "language"]
    list_select_related = ["system"]
    ordering = ["name"]
