"""What came of a request on which two people have to agree: its dismissal, and what its page says of the answer."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

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


def link_answer(request: Any, granted: str, said: object = None) -> SafeString | str:
    """Return a link to what answered a request, or a dash where nobody has.

    Args:
        granted: where the request has what came of it once it was granted: "waiver".
        said: what the link to that says; None: what it is called.
    """
    if not hasattr(request, "dismissal"):
        return link(getattr(request, granted, None), said)
    dismissal: Dismissal = request.dismissal
    return link(dismissal, dismissal.reason or choice_of(dismissal.outcome, dismissal.get_outcome_display()))
