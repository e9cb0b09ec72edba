"""What an operator fills in to register a system, and to say which services are part of one.

The rules: `evidence.acts`, `evidence.services.registry`.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal, visible_people
from evidence.admin.frame.of_system import OfSystemForm
from evidence.admin.frame.words import in_words
from evidence.models.base import KEY_LENGTH, LABEL_LENGTH
from evidence.vocabulary import RiskTier

_PART = "part"
_NO_PART = "no part"


class SystemForm(forms.Form):
    """What a system is called, what a wrong answer of it can do, and who answers for it."""

    key = forms.CharField(
        label=_("Key"),
        max_length=KEY_LENGTH,
        help_text=_(
            "The service.name of its telemetry: a-z, 0-9, - and _. It stands in addresses and binders."
        ),
    )
    name = forms.CharField(label=_("Name"), max_length=LABEL_LENGTH, help_text=_("What people call it."))
    risk_tier = forms.ChoiceField(label=_("Risk tier"), help_text=_("What a wrong answer can do."))
    owner = forms.ModelChoiceField(
        User.objects.none(),
        label=_("Owner"),
        help_text=_(
            "Who answers for it. They see it from now on, unless they are an approver, an auditor or another operator: "
            "that takes more than one operator."
        ),
    )

    def __init__(self, data: Any = None, *, principal: Principal) -> None:
        super().__init__(data)
        people, tiers = self.fields["owner"], self.fields["risk_tier"]
        if isinstance(people, forms.ModelChoiceField):
            people.queryset = visible_people(principal).filter(is_active=True).order_by("username")
        if isinstance(tiers, forms.ChoiceField):
            tiers.choices = [(tier.value, in_words(tier.value)) for tier in RiskTier]


class ServiceForm(OfSystemForm):
    """Which service is part of which system, or is no more."""

    name = forms.CharField(
        label=_("Service"), max_length=LABEL_LENGTH, help_text=_("As its resource says in service.name.")
    )
    is_part = forms.ChoiceField(
        label=_("The service is"),
        choices=[(_PART, _("part of the system")), (_NO_PART, _("no longer part of the system"))],
        initial=_PART,
        widget=forms.RadioSelect,
    )

    def clean_is_part(self) -> bool:
        """Return whether it is."""
        return bool(self.cleaned_data["is_part"] == _PART)
