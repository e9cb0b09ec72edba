"""Who is given what of the queue: operators say what a reviewer can judge and which queue pauses; all else is read."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext

from evidence.access import Principal
from evidence.acts import can_change_skill, can_pause_queue
from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.begun_by_form import BegunByForm
from evidence.admin.frame.filters import related
from evidence.models import QueuePause, ReviewerPause, ReviewerSkill, SavedFilter
from evidence.pages.reader import principal_of
from evidence.services import review_work


@admin.register(ReviewerSkill)
class ReviewerSkillAdmin(BegunByForm):
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

    def may_end(self, principal: Principal, row: ReviewerSkill) -> bool:
        return can_change_skill(principal, row.system, row.user)

    def begin(self, principal: Principal, row: ReviewerSkill) -> ReviewerSkill:
        return review_work.add_skill(
            principal=principal, user=row.user, system=row.system, language=row.language
        )

    def delete_model(self, request: HttpRequest, obj: ReviewerSkill) -> None:
        review_work.end_skill(principal=principal_of(request), skill=obj)


@admin.register(QueuePause)
class QueuePauseAdmin(BegunByForm):
    fields = ["system", "reason"]
    list_display = ["system", "reason", "paused_by", "created_at"]
    list_select_related = ["system"]
    ordering = ["system"]

    def may_end(self, principal: Principal, row: QueuePause) -> bool:
        return can_pause_queue(principal, row.system)

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
