"""What a reviewer fills in. The rules are in `evidence.acts` and `evidence.services.reviews`; forms hold none."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.words import in_words
from evidence.models import ReasonCode, Review
from evidence.selectors.review_reasons import ReasonList

DECISIONS = {
    Review.Decision.APPROVE: _("Approve: the answer stands"),
    Review.Decision.OVERRIDE: _("Override: it should have said something else"),
    Review.Decision.REJECT: _("Reject: it must not be used"),
    Review.Decision.ESCALATE: _("Escalate: others must decide"),
}
_REASONS = [("", _("Choose a reason"))] + [
    (code.value, in_words(code)) for code in ReasonCode if code is not ReasonCode.NONE
]


class ReviewForm(forms.Form):
    """One person's judgement.

    Args:
        listed: the reasons of the system's own; None: the common kinds.
    """

    decision = forms.ChoiceField(
        label=_("Decision"), choices=list(DECISIONS.items()), widget=forms.RadioSelect
    )
    reason_code = forms.ChoiceField(
        label=_("Reason"),
        choices=_REASONS,
        required=False,
        help_text=_("Needed unless you approve. Rates are reported by it."),
    )
    rationale = forms.CharField(
        label=_("In your words"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What you looked at and what decided it."),
    )  # fmt: skip
    corrected_answer = forms.CharField(
        label=_("Corrected answer"), required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Needed to override: what the answer should have been."),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, listed: ReasonList | None = None) -> None:
        super().__init__(data)
        if listed is not None:
            language = get_language() or "en"
            offered = [(each.code, each.in_language(language)) for each in listed.reasons]
            common = self.fields["reason_code"]
            own = forms.ChoiceField(
                label=common.label,
                choices=[_REASONS[0], *offered],
                required=False,
                help_text=common.help_text,
            )
            self.fields = {
                "reason" if name == "reason_code" else name: field for name, field in self.fields.items()
            }
            self.fields["reason"] = own


class AdjudicationForm(forms.Form):
    """How a third person settles what reviewers disagree about."""

    decision = forms.ChoiceField(
        label=_("What stands"), choices=list(DECISIONS.items()), widget=forms.RadioSelect
    )
    rationale = forms.CharField(label=_("Why"), widget=forms.Textarea(attrs={"rows": 4}))
    corrected_answer = forms.CharField(
        label=_("Corrected answer"), required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Needed to override: what the answer should have been."),
    )  # fmt: skip
