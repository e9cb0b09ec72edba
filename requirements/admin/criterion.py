"""Acceptance criteria."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext as _

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import link
from evidence.admin.frame.filters import recent, related
from requirements.drafts import Comparator
from requirements.models import AcceptanceCriterion


@admin.register(AcceptanceCriterion)
class AcceptanceCriterionAdmin(ReadOnlyModelAdmin):
    list_display = ["key", "version_link", "check_name", "holds_when", "min_n", "max_age_days"]
    list_filter = [related("version__requirement__system"), recent("check_name")]
    list_select_related = ["version__requirement"]
    search_fields = ["key", "check_name", "version__requirement__key"]
    ordering = ["-id"]
    chain_lookups = ["version__requirement__id__exact"]
    chain = [
        ChainLink("Assessments", "requirements.assessment", "criterion__id__exact"),
        ChainLink(
            "Criteria beside it", "requirements.acceptancecriterion", "version__id__exact", "version_id"
        ),
    ]

    @admin.display(description="Requirement version")
    def version_link(self, criterion: AcceptanceCriterion) -> str:
        return link(criterion.version)

    @admin.display(description="Holds when")
    def holds_when(self, criterion: AcceptanceCriterion) -> str:
        return holds_when(criterion)


def holds_when(criterion: AcceptanceCriterion) -> str:
    """Return a criterion's bar in words: "at least 0.95 share"."""
    bar = {"threshold": f"{criterion.threshold:g}", "unit": criterion.unit}
    if criterion.comparator == Comparator.AT_LEAST:
        return _("at least %(threshold)s %(unit)s") % bar
    return _("at most %(threshold)s %(unit)s") % bar
