"""Acceptance criteria."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link
from evidence.admin.frame.filters import recent, related
from evidence.admin.frame.units import unit_in_words
from evidence.admin.frame.visibility import visible
from evidence.any_of import any_of_keys
from evidence.pages.reader import principal_of
from requirements.drafts import Comparator
from requirements.models import AcceptanceCriterion, Assessment
from requirements.selectors.last_assessed import with_last_assessed
from requirements.selectors.system_strips import NOT_MET, UNKNOWN, strips_of


class StandsFilter(admin.SimpleListFilter):
    """What criteria come to for the release that home shows of each system: the live one, or the newest."""

    title = _("stands on home as")
    parameter_name = "stands"
    _WORDS: Final = {NOT_MET: (NOT_MET,), "unknown": UNKNOWN}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        del request, model_admin
        return [(NOT_MET, _("not met")), ("unknown", _("nobody can tell"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        if asked is None:
            return queryset
        principal, words = principal_of(request), self._WORDS[asked]
        strips = strips_of(principal, principal.system_ids).values()
        return queryset.filter(
            any_of_keys(
                "id", [pk for strip in strips for pk, each in strip.unmet.items() if each.word in words]
            )
        )


@admin.register(AcceptanceCriterion)
class AcceptanceCriterionAdmin(ReadOnlyModelAdmin):
    list_display = [
        "key", "version_link", "system", "last_assessed", "check_name", "holds_when", "min_n", "max_age_days",
    ]  # fmt: skip
    list_filter = [related("version__requirement__system"), StandsFilter, recent("check_name")]
    list_select_related = ["version__requirement__system"]
    search_fields = ["key", "check_name", "version__requirement__key"]
    ordering = ["-id"]
    chain_lookups = ["version__requirement__id__exact"]
    chain = [
        ChainLink("Assessments", "requirements.assessment", "criterion__id__exact"),
        ChainLink(
            "Criteria beside it", "requirements.acceptancecriterion", "version__id__exact", "version_id"
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the criteria, each with its last assessment of those that the reader may see."""
        return with_last_assessed(super().get_queryset(request), visible(Assessment.objects.all(), request))

    @admin.display(description="Last assessed")
    def last_assessed(self, criterion: Any) -> str:
        """Lead to what was found last, and say of which release; that it is not shown yet is no word about it."""
        if criterion.newest_id != criterion.last_id:
            return gettext("not shown before you have judged")
        if criterion.last_id is None:
            return badge("untested")
        way = reverse("admin:requirements_assessment_change", args=[criterion.last_id])
        told = gettext("for %(release)s") % {"release": criterion.last_release}
        return format_html('<a href="{}">{}<br>{}</a>', way, badge(criterion.last_verdict), told)

    @admin.display(description="Requirement version")
    def version_link(self, criterion: AcceptanceCriterion) -> str:
        return link(criterion.version)

    @admin.display(description="System", ordering="version__requirement__system")
    def system(self, criterion: AcceptanceCriterion) -> str:
        """Say whose system it is of: systems have requirements of one key."""
        return criterion.version.requirement.system.key

    @admin.display(description="Holds when")
    def holds_when(self, criterion: AcceptanceCriterion) -> str:
        return holds_when(criterion)


def holds_when(criterion: AcceptanceCriterion) -> str:
    """Return a criterion's bar in words: "at least 0.95 share"."""
    bar = {"threshold": f"{criterion.threshold:g}", "unit": unit_in_words(criterion.unit)}
    if criterion.comparator == Comparator.AT_LEAST:
        return gettext("at least %(threshold)s %(unit)s") % bar
    return gettext("at most %(threshold)s %(unit)s") % bar
