"""What an operator fills in to place a legal hold. The rules: `evidence.acts`, `evidence.services.disposal.holds`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal, member_systems
from evidence.admin.frame.day_field import DayField
from evidence.models import System


class LegalHoldForm(forms.Form):
    """What is to be kept, whatever retention or an erasure says, and why."""

    system = forms.ModelChoiceField(System.objects.none(), label=_("System"))
    period_from = DayField(
        label=_("Period from"),
        help_text=_(
            "It begins with this day, UTC. Held is what began in the period, spans and their traces."
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

    def __init__(self, data: Any = None, *, principal: Principal) -> None:
        super().__init__(data)
        field = self.fields["system"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = member_systems(principal)
