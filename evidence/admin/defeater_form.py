"""What an approver fills in to answer a doubt. The rules: `evidence.acts`, `evidence.services.defeaters`."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.day_field import DayField
from evidence.models import DefeaterAnswer

_KIND = DefeaterAnswer.Kind
KINDS: Final = (
    (_KIND.REBUTTED.value, _("Rebutted: evidence shows that it does not hold")),
    (_KIND.MITIGATED.value, _("Mitigated: something was changed, so that it no longer matters")),
    (_KIND.ACCEPTED.value, _("Accepted: it holds, and I take the residual risk")),
)
REOPENED: Final = (_KIND.REOPENED.value, _("Reopened: the answer before does not hold"))


class DefeaterAnswerForm(forms.Form):
    """An answer as a person gives it: what kind, why, and, of an acceptance, until when."""

    kind = forms.ChoiceField(label=_("Answer"), widget=forms.RadioSelect)
    words = forms.CharField(
        label=_("Why"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "Name the evidence, the change or the risk. It is read with the doubt, and in every binder."
        ),
    )
    expires_at = DayField(
        label=_("Accepted until"),
        required=False,
        help_text=_(
            "Of an acceptance alone: the doubt stands again as that day begins, UTC. Empty: it has no end."
        ),
    )
    replaces = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, newest: DefeaterAnswer | None) -> None:
        super().__init__(data, initial={"replaces": newest.pk if newest else None})
        field = self.fields["kind"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [*KINDS, *([REOPENED] if newest and newest.kind != _KIND.REOPENED else [])]
