"""What an author fills in to ask for a waiver. The rules: `evidence.acts`, `evidence.services.gates`."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from evidence.access import Principal, visible_to
from evidence.admin.decision_page import say_measured
from evidence.admin.frame.day_field import DayField
from evidence.admin.frame.display import listed, listed_apart
from evidence.admin.frame.words import in_words
from evidence.models import GateDecision, Release
from evidence.selectors.waivers import newest_decisions, unmet_in, unmet_reasons
from evidence.services.gates import LONGEST

_OFFERED: Final = 200  # newest decisions whose unmet criteria a form offers


class WaiverForm(forms.Form):
    """A waiver as it is asked for: for which unmet criterion of which release, until when, and why."""

    unmet = forms.ChoiceField(
        label=_("Release and criterion"),
        help_text=_(
            "What a gate found unmet when it was last asked about the release, and what it measured. The waiver covers "
            "this version of the requirement, for this release, and nothing that comes out worse later."
        ),
    )
    expires_at = DayField(
        label=_("Expires on"),
        help_text=format_lazy(
            _("At most {days} days from now; it ends as that day begins, UTC."), days=LONGEST.days
        ),
    )
    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, data: Any = None, *, principal: Principal) -> None:
        super().__init__(data)
        self._releases: dict[str, Release] = {}
        decisions = visible_to(
            newest_decisions(GateDecision.objects.filter(system__in=principal.system_ids)), principal
        ).order_by("-pk")
        offered: dict[str, str] = {}
        for criterion, decision in unmet_in(decisions[:_OFFERED]):
            key = f"{decision.release_id} {criterion}"
            self._releases[key] = decision.release
            offered.setdefault(key, f"{decision.release}: {criterion} · {_found(decision, criterion)}")
        field = self.fields["unmet"]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(offered.items())

    def clean(self) -> dict[str, Any]:
        """Return the values by the names that the service takes."""
        cleaned = super().clean() or {}
        chosen = cleaned.pop("unmet", None)
        if chosen is not None:
            cleaned |= {"release": self._releases[chosen], "criterion_ref": chosen.partition(" ")[2]}
        return cleaned


def _found(decision: GateDecision, criterion: str) -> str:
    """Return what a decision found of a criterion, in a line: of each version that its gate asks for."""
    return listed_apart(
        listed(filter(None, (reason["requirement"], in_words(reason["verdict"]), say_measured(reason))))
        for reason in unmet_reasons(decision, criterion)
    )
