"""What an operator fills in to propose what another confirms. The rules: `evidence.acts`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal, member_systems, visible_people
from evidence.models import System
from evidence.services.people.access_proposals import PROPOSED


class ProposalForm(forms.Form):
    """Who is to get a role that takes two operators, or, having one, is to see another system."""

    person = forms.ModelChoiceField(User.objects.none(), label=_("Person"))
    role = forms.ChoiceField(
        label=_("Role"), required=False, choices=[("", "–"), *((role, role) for role in PROPOSED)]
    )
    system = forms.ModelChoiceField(
        System.objects.none(),
        label=_("System"),
        required=False,
        help_text=_("Leave it out where you propose a role."),
    )

    def __init__(self, data: Any = None, *, principal: Principal) -> None:
        super().__init__(data)
        people = visible_people(principal).filter(is_active=True).exclude(pk=principal.person.pk)
        choices: dict[str, Any] = {
            "person": people.order_by("username"),
            "system": member_systems(principal),
        }
        for name, rows in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = rows
