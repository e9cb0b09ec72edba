"""What an operator fills in to place a legal hold. The rules: `evidence.acts`, `evidence.services.disposal.holds`."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.day_field import DayField
from evidence.admin.frame.of_system import OfSystemForm


class LegalHoldForm(OfSystemForm):
    """What is to be kept, whatever retention or an erasure says, and why."""

    period_from = DayField(
        label=_("Period from"),
        help_text=_(
            "It begins with this day, UTC. Kept are the spans that began in the period, and their traces."
        ),
    )
    period_to = DayField(
        label=_("Period to"),
        required=False,
        help_text=_(
            "It ends as this day begins, UTC. Empty: it has no end, and holds what is still to come."
        ),
    )
    reason = forms.CharField(
        label=_("Reason"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "The case it is for. Kept for ever, and read by whoever is refused an erasure, so it names no person."
        ),
    )
