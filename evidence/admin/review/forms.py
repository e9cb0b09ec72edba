"""What a reviewer fills in. The rules are in `evidence.acts` and `evidence.services.reviews`; forms hold none."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from evidence.admin.frame.words import in_words
from evidence.models import ReasonCode, Review

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
    """One person's judgement."""

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
