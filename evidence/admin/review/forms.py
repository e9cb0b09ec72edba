"""What a reviewer fills in. The rules are in `evidence.acts` and `evidence.services.reviews`; forms hold none."""

from __future__ import annotations

from django import forms

from evidence.models import ReasonCode, Review

_DECISIONS = {
    Review.Decision.APPROVE: "Approve: the answer stands",
    Review.Decision.OVERRIDE: "Override: it should have said something else",
    Review.Decision.REJECT: "Reject: it must not be used",
    Review.Decision.ESCALATE: "Escalate: others must decide",
}
_REASONS = [("", "Choose a reason")] + [
    (code.value, code.value.replace("_", " ")) for code in ReasonCode if code is not ReasonCode.NONE
]


class ReviewForm(forms.Form):
    """One person's judgement."""

    decision = forms.ChoiceField(label="Decision", choices=list(_DECISIONS.items()), widget=forms.RadioSelect)
    reason_code = forms.ChoiceField(
        label="Reason",
        choices=_REASONS,
        required=False,
        help_text="Needed unless you approve. Rates are reported by it.",
    )
    rationale = forms.CharField(
        label="In your words", required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What you looked at and what decided it.",
    )  # fmt: skip
    corrected_answer = forms.CharField(
        label="Corrected answer", required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Needed to override: what the answer should have been.",
    )  # fmt: skip


class AdjudicationForm(forms.Form):
    """How a third person settles what reviewers disagree about."""

    decision = forms.ChoiceField(
        label="What stands", choices=list(_DECISIONS.items()), widget=forms.RadioSelect
    )
    rationale = forms.CharField(label="Why", widget=forms.Textarea(attrs={"rows": 4}))
