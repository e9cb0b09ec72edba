"""What an approver fills in to plan a sample. The rules: `evidence.acts`, `evidence.services.sampling`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal, visible_to
from evidence.admin.frame.day_field import DayField
from evidence.admin.frame.words import in_words
from evidence.models import Release, RiskTier, SamplingPlan, System
from evidence.services.sampling import MOST_OF_EACH, PlanDraft

_OFFERED: Final = 200  # newest releases
_STRATA: Final = (
    (SamplingPlan.Strata.NONE.value, _("None")),
    (SamplingPlan.Strata.RISK_TIER.value, _("Risk tier")),
    (SamplingPlan.Strata.LANGUAGE.value, _("Language")),
    (SamplingPlan.Strata.RELEASE.value, _("Release")),
)
_RATE: Final[dict[str, Any]] = {"max_digits": 5, "decimal_places": 4, "min_value": 0, "max_value": 1}


class SamplingPlanForm(forms.Form):
    """A plan as a person makes it: which answers, and what is to be shown of them."""

    scope = forms.ChoiceField(label=_("Answers"), help_text=_("Of a whole system, or of one release."))
    risk_tier = forms.ChoiceField(label=_("Risk tier"), required=False)
    period_from = DayField(label=_("Period from"), help_text=_("It begins with this day, UTC."))
    period_to = DayField(
        label=_("Period to"),
        help_text=_("It ends as this day begins, UTC: a day to come. A plan comes before its period's end."),
    )
    tolerable_rate = forms.DecimalField(
        label=_("Tolerable rate"),
        initial=Decimal("0.05"),
        help_text=_("The share of overridden or rejected answers that is to be ruled out, as 0.05."),
        **_RATE,
    )
    confidence = forms.DecimalField(
        label=_("Confidence"), initial=Decimal("0.95"), help_text=_("Of the one bound, as 0.95."), **_RATE
    )
    expected_exceptions = forms.IntegerField(
        label=_("Expected exceptions"),
        initial=0,
        min_value=0,
        help_text=_("How many may be found and the rate still be shown. More make the sample larger."),
    )
    strata_field = forms.ChoiceField(label=_("Strata"), required=False, choices=_STRATA)
    fewest_of_each = forms.IntegerField(
        label=_("Fewest of each stratum"),
        initial=5,
        min_value=0,
        max_value=MOST_OF_EACH,
        help_text=_("Drawn besides, where the sample of all holds fewer of a stratum."),
    )

    def __init__(self, data: Any = None, *, principal: Principal) -> None:
        super().__init__(data)
        systems = visible_to(System.objects.all(), principal).order_by("key")
        releases = visible_to(Release.objects.select_related("system"), principal).order_by("-pk")
        self._scopes: dict[str, tuple[System, Release | None]] = {
            **{f"system {system.pk}": (system, None) for system in systems},
            **{f"release {one.pk}": (one.system, one) for one in releases[:_OFFERED]},
        }
        offered = [
            (key, str(release) if release else gettext("%(system)s: all answers") % {"system": system.key})
            for key, (system, release) in self._scopes.items()
        ]
        tiers = [("", gettext("All")), *((tier.value, in_words(tier.value)) for tier in RiskTier)]
        for name, choices in (("scope", offered), ("risk_tier", tiers)):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = choices

    def clean(self) -> dict[str, Any]:
        """Return system and draft, as the service takes them."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        system, release = self._scopes[cleaned.pop("scope")]
        return {"system": system, "draft": PlanDraft(**cleaned, release=release)}
