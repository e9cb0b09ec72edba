"""Requests on which two people have to agree: those that were dismissed, and each beside what answered it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link
from evidence.admin.frame.labels import choice_of
from evidence.models.base import Dismissal


class DismissalAdmin(ReadOnlyModelAdmin):
    """Requests of one noun that were declined or withdrawn."""

    list_display = ["request_link", "ended", "dismissed_by", "reason", "created_at"]
    ordering = ["-id"]

    @admin.display(description=_("Request"))
    def request_link(self, dismissal: Any) -> str:
        return link(dismissal.request)

    @admin.display(description=_("Outcome"), ordering="outcome")
    def ended(self, dismissal: Dismissal) -> str:
        return badge(dismissal.outcome)


class AnsweredAdmin(ReadOnlyModelAdmin):
    """Requests of one noun, each with what answered it."""

    granted_as: ClassVar[str]  # where a request has what came of it once it was granted: "waiver"
    granted_said: ClassVar[StrOrPromise | None] = None  # by the link to that; None: what it is called

    @admin.display(description=_("Answer"))
    def answered(self, request: Any) -> str:
        """Return a link to what answered the request, or a dash where nobody has."""
        if not hasattr(request, "dismissal"):
            return link(getattr(request, self.granted_as, None), self.granted_said)
        dismissal: Dismissal = request.dismissal
        ended = choice_of(dismissal.outcome, dismissal.get_outcome_display())
        return link(dismissal, dismissal.reason or ended)
