"""The filter of the review queue's list. How a task stands is in `evidence.selectors.review_tasks`."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.acts import can_judge
from evidence.admin.frame.address import no_value
from evidence.admin.frame.paginator import PlannedPaginator
from evidence.admin.frame.visibility import visible
from evidence.models import QueuedTask
from evidence.pages.reader import principal_of
from evidence.selectors.gold import is_given_to_another
from evidence.selectors.review_tasks import TASK_ORDER, TaskStanding, in_standing
from evidence.selectors.review_work import is_language
from evidence.worded import Worded, worded

TITLES: Final[dict[TaskStanding, StrOrPromise]] = {
    TaskStanding.WAITING: _("Waiting for me"),
    TaskStanding.OPEN: _("Open"),
    TaskStanding.OVERDUE: _("Overdue"),
    TaskStanding.DISPUTED: _("Disagreement to settle"),
    TaskStanding.MINE: _("Reviewed by me"),
    TaskStanding.CLOSED: _("Closed"),
}


class QueuePaginator(PlannedPaginator):
    """Of what waits, the planner expects a row or two, whatever there is, so all of it would be counted."""

    most = 1_000  # as one person judges in weeks


ALL: Final = "all"
# Those that lie in the queue, and are shown in its order.
QUEUED: Final = frozenset(
    {TaskStanding.WAITING, TaskStanding.OPEN, TaskStanding.OVERDUE, TaskStanding.DISPUTED}
)


def chosen_standing(request: HttpRequest) -> str:
    """Return what the list is narrowed to. A reviewer who opens the queue first sees what waits for them."""
    untouched = not request.GET
    first = TaskStanding.WAITING if untouched and can_judge(principal_of(request)) else ALL
    return request.GET.get(QueueFilter.parameter_name) or first


def order_of(request: HttpRequest) -> tuple[str, ...]:
    """Return the order of the list: what waits in that of the queue, everything else newest first."""
    return TASK_ORDER if chosen_standing(request) in QUEUED else ("-pk",)


class QueueFilter(admin.SimpleListFilter):
    """Where a task stands."""

    title = _("standing")
    parameter_name = "standing"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.chosen = self.value() or chosen_standing(request)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [
            (ALL, str(_("All"))),
            *((standing.value, str(title)) for standing, title in TITLES.items()),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.chosen == ALL:
            return queryset
        return in_standing(queryset, TaskStanding(self.chosen), principal_of(request).person)

    def choices(self, changelist: Any) -> Any:
        for key, title in self.lookup_choices:
            yield {
                "selected": key == self.chosen,
                "query_string": changelist.get_query_string({self.parameter_name: key}),
                "display": title,
            }


class LanguageFilter(admin.SimpleListFilter):
    """The language of what waits, by its first subtag."""

    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del model_admin
        rows = visible(QueuedTask.objects.exclude(language=""), request).order_by()
        return [(each, each) for each in sorted(set(rows.values_list("language", flat=True).distinct()))]

    def has_output(self) -> bool:
        """Whether it is shown: where the address narrows by it, too, though nothing of that language waits any more."""
        return bool(self.value()) or super().has_output()

    def fault_in(self, value: str) -> Worded | None:
        """Return what is wrong with a value: a language of which nothing waits is none."""
        return (
            None if is_language(value) else no_value(self.parameter_name, value, worded("a language, as de"))
        )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        theirs = ~is_given_to_another(principal_of(request).user, "pk")
        return queryset.filter(theirs, queued__language=self.value())
