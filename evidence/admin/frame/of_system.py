"""Forms that name one of the systems that somebody is a member of."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal, member_systems
from evidence.models import System


class OfSystemForm(forms.Form):
    """Begins with the system that the rest is of: one of the reader's."""

    system = forms.ModelChoiceField(System.objects.none(), label=_("System"))

    def __init__(self, data: Any = None, *, principal: Principal, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        field = self.fields["system"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = member_systems(principal)
