"""What an operator fills in to put a person on record: a name, and a system that they see. No password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal, member_systems
from evidence.models import System

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
else:
    _UserForm = forms.ModelForm


class PersonAddForm(_UserForm):
    """A new person. They choose their password themselves, by a link."""

    system = forms.ModelChoiceField(
        System.objects.none(),
        label=_("System"),
        help_text=_(
            "They see it from now on. Roles come next; a password they choose themselves, by a link."
        ),
    )

    principal: ClassVar[Principal]  # who fills it in, by the admin's `get_form`

    class Meta:
        model = User
        fields = ("username",)

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        system = self.fields["system"]
        if isinstance(system, forms.ModelChoiceField):
            system.queryset = member_systems(self.principal)
