"""The filter of the review queue's list. How a task stands is in `evidence.selectors.review_tasks`."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.acts import can_judge
from evidence.admin.frame.visibility import principal_of
from evidence.selectors.review_tasks import STANDINGS, Standing

TITLES: Final[dict[Standing, StrOrPromise]] = {
    Standing.WAITING: _("Waiting for me"),
    Standing.OPEN: _("Open"),
    Standing.OVERDUE: _("Overdue"),
    Standing.DISPUTED: _("Disagreement to settle"),
    Standing.MINE: _("Reviewed by me"),
    Standing.CLOSED: _("Closed"),
}


class QueueFilter(admin.SimpleListFilter):
    """Where a task stands. A reviewer who opens the queue first sees what waits for them."""

    title = _("standing")
    parameter_name = "standing"

    ALL: Final = "all"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        untouched = not request.GET
        first = Standing.WAITING if untouched and can_judge(principal_of(request)) else self.ALL
        self.chosen = self.value() or first

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [
            (self.ALL, str(_("All"))),
            *((standing.value, str(title)) for standing, title in TITLES.items()),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        return queryset if self.chosen == self.ALL else queryset.filter(STANDINGS[Standing(self.chosen)])

    def choices(self, changelist: Any) -> Any:
        for key, title in self.lookup_choices:
            yield {
                "selected": key == self.chosen,
                "query_string": changelist.get_query_string({self.parameter_name: key}),
                "display": title,
            }
