"""Acceptance criteria."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.base import ChainLink, LeanChangeList, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, breakable, link, record_url
from evidence.admin.frame.filters import recent, related
from evidence.admin.frame.units import unit_in_words
from evidence.admin.frame.visibility import visible
from evidence.any_of import any_of_keys
from evidence.figures import in_figures
from evidence.pages.reader import principal_of
from requirements.drafts import Comparator
from requirements.models import AcceptanceCriterion, Assessment
from requirements.selectors.last_assessed import LastAssessed, last_assessed
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


class CriterionList(LeanChangeList):
    """Finds the criteria of a page first, and then what was found last of these."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self._seen = visible(Assessment.objects.all(), request)
        self.result_list = self._told(list(self.result_list))

    def read_rows(self, keys: Sequence[Any]) -> list[Model]:
        return self._told(super().read_rows(keys))

    def _told(self, criteria: list[Any]) -> list[Any]:
        last = last_assessed([each.pk for each in criteria], self._seen)
        for each in criteria:
            each.last_assessed = last[each.pk]
        return criteria


@admin.register(AcceptanceCriterion)
class AcceptanceCriterionAdmin(ReadOnlyModelAdmin):
    list_display = [
        "key", "version_link", "system", "last_assessed", "check_named", "holds_when", "min_n", "max_age_days",
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

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        del request, kwargs
        return CriterionList

    @admin.display(description="Last assessed")
    def last_assessed(self, criterion: Any) -> str:
        """Lead to what was found last, and say of which release; that it is not shown yet is no word about it."""
        last: LastAssessed = criterion.last_assessed
        if last.is_hidden:
            return gettext("not shown before you have judged")
        if last.assessment is None:
            return badge("untested")
        told = gettext("for %(release)s") % {"release": last.assessment.release.name}
        return format_html(
            '<a href="{}">{}<br>{}</a>', record_url(last.assessment), badge(last.assessment.verdict), told
        )

    @admin.display(description="Requirement version")
    def version_link(self, criterion: AcceptanceCriterion) -> str:
        return link(criterion.version)

    @admin.display(description="System", ordering="version__requirement__system")
    def system(self, criterion: AcceptanceCriterion) -> str:
        """Say whose system it is of: systems have requirements of one key."""
        return criterion.version.requirement.system.key

    @admin.display(description="Check name", ordering="check_name")
    def check_named(self, criterion: AcceptanceCriterion) -> SafeString:
        return breakable(criterion.check_name)

    @admin.display(description="Holds when")
    def holds_when(self, criterion: AcceptanceCriterion) -> str:
        return holds_when(criterion)


def holds_when(criterion: AcceptanceCriterion) -> str:
    """Return a criterion's bar in words: "at least 0.95 share"."""
    bar = {"threshold": in_figures(criterion.threshold, 6), "unit": unit_in_words(criterion.unit)}
    if criterion.comparator == Comparator.AT_LEAST:
        return gettext("at least %(threshold)s %(unit)s") % bar
    return gettext("at most %(threshold)s %(unit)s") % bar
