"""Review tasks as a queue with a page of their own, reviews, and adjudications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.base import LeanChangeList, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, listed, prose, shorten
from evidence.admin.frame.filters import recent_codes, related
from evidence.admin.frame.moments import ago, due
from evidence.admin.frame.trace_search import TraceIdSearch
from evidence.admin.frame.visibility import visible
from evidence.admin.frame.words import in_words
from evidence.admin.review.page import show_review_page
from evidence.admin.review.queue import LanguageFilter, QueueFilter, QueuePaginator, order_of
from evidence.admin.review.reason import REASON_JOINS, reason_in_words
from evidence.models import (
    Adjudication,
    ClaimJudgement,
    GoldJudgement,
    QueuedTask,
    Review,
    ReviewDraft,
    ReviewTask,
)
from evidence.pages.reader import principal_of
from evidence.selectors.review_tasks import QUEUE_ORDER, with_queue_state, with_revision
from evidence.selectors.review_work import rank_of_risk

_MOST_DIGITS: Final = 18  # of a key


class QueueList(LeanChangeList):
    """Finds the rows of a page first, and then how these stand: else it would be worked out of all that wait."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self._reader = principal_of(request).person
        self.result_list = self.read_rows(list(self.result_list.values_list("pk", flat=True)))

    def read_rows(self, keys: Sequence[Any]) -> list[Model]:
        tasks = with_queue_state(ReviewTask.objects.filter(pk__in=keys), self._reader)
        shown: Any = self.model_admin
        rows = tasks.select_related(*shown.list_select_related).defer(*shown.list_defer)
        found = {task.pk: task for task in rows}
        return [found[key] for key in keys]


class ByTokenFilter(admin.SimpleListFilter):
    """Judgements that came by a token, or by somebody who had signed in."""

    title = gettext_lazy("by token")
    parameter_name = "by_token"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        del request, model_admin
        return [("yes", gettext_lazy("By a token")), ("no", gettext_lazy("By somebody who had signed in"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        if not self.value():
            return queryset
        signed_in = Q(token_prefix="")
        return queryset.filter(signed_in if self.value() == "no" else ~signed_in)


class CameByToken(admin.ModelAdmin[Any]):
    """Says of a judgement by which token it came: what came by none was given by somebody who had signed in."""

    @admin.display(description="By token", ordering="token_prefix")
    def by_token(self, judged: Review | Adjudication | GoldJudgement) -> str:
        return judged.token_prefix or "–"


@admin.register(ReviewTask)
class ReviewTaskAdmin(TraceIdSearch):
    list_display = ["asked", "risk", "standing", "progress", "why", "due", "system"]
    list_filter = [QueueFilter, related("system"), "risk_tier", recent_codes("reason"), LanguageFilter]
    list_select_related = ["system", "trace"]
    list_defer = [
        "trace__answer", "trace__confidence_factors", "trace__limitations", "trace__exchanges", "trace__sources",
    ]  # fmt: skip
    trace_id_path = "trace__trace_id"
    paginator = QueuePaginator
    change_list_template = "admin/evidence/queue.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list with the filters that this person keeps, and the way to keep the one they look at."""
        from evidence.pages.review_filters import list_context  # noqa: PLC0415  # pages are above the admin

        told = {**(extra_context or {}), **list_context(request, principal_of(request))}
        return super().changelist_view(request, told)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(ReviewTask.objects.all(), request).order_by(*order_of(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        del request, kwargs
        return QueueList

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Return what waits in the order of the queue, and other lists newest first."""
        return list(order_of(request))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """Show the reviewer's page in place of a table of columns."""
        task = self._task(request, object_id) if object_id else None
        if task is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        return self._page(request, task)

    def _task(self, request: HttpRequest, object_id: str) -> ReviewTask | None:
        if not object_id.isdecimal() or len(object_id) > _MOST_DIGITS:
            return None
        shown = self.get_queryset(request).select_related("system", "trace__system", "trace__release")
        tasks = with_queue_state(shown, principal_of(request).person)
        found: ReviewTask | None = tasks.filter(pk=object_id).first()
        return found

    def _page(self, request: HttpRequest, task: ReviewTask) -> HttpResponse:
        return show_review_page(self, request, trace=task.trace, task=task)

    @admin.display(description="Question")
    def asked(self, task: ReviewTask) -> str:
        language = task.trace.language
        text = shorten(task.trace.question, 90) or f"Trace {task.trace}"
        return format_html('<span lang="{}">{}</span>', language, text) if language else text

    @admin.display(description="Risk", ordering=rank_of_risk())
    def risk(self, task: ReviewTask) -> str:
        return badge(task.risk_tier)

    @admin.display(description="Standing")
    def standing(self, task: Any) -> str:
        if task.is_overdue:
            return badge("overdue")
        if task.is_open:
            return badge("open")
        if task.is_disputed:
            return badge("disagreement")
        if task.is_settled:
            return badge("adjudicated")
        return badge("superseded" if task.is_superseded else "closed")

    @admin.display(description="Reviews")
    def progress(self, task: Any) -> str:
        told = {"n": task.n_reviews, "required": task.reviews_required}
        if task.is_mine:
            return _("%(n)s of %(required)s, one is yours") % told
        return _("%(n)s of %(required)s") % told

    @admin.display(description=gettext_lazy("Due"), ordering="due_at")
    def due(self, task: Any) -> str:
        """Show how soon it is due or how late, while something is to be done; then when it was."""
        return due(task.due_at) if task.is_open or task.is_disputed else ago(task.due_at)

    due.holds_times = True  # type: ignore[attr-defined]

    @admin.display(description="Asked because", ordering="reason")
    def why(self, task: ReviewTask) -> str:
        return str(in_words(task.reason))


@admin.register(QueuedTask)
class QueuedTaskAdmin(ReadOnlyModelAdmin):
    list_display = ["task", "stage", "due_at", "held_by", "held_until", "system"]
    list_filter = [related("system"), "stage"]
    list_select_related = ["task__trace", "held_by", "system"]
    fields = [
        "task", "system", "stage", "risk_rank", "due_on", "reason_rank", "due_at", "language", "held_by", "held_until",
    ]  # fmt: skip
    kept_columns = ["may_have_reviews"]  # it tells what is gold
    list_defer = [
        "task__trace__answer", "task__trace__question", "task__trace__confidence_factors", "task__trace__limitations",
        "task__trace__exchanges", "task__trace__sources",
    ]  # fmt: skip
    ordering = list(QUEUE_ORDER)


@admin.register(ReviewDraft)
class ReviewDraftAdmin(ReadOnlyModelAdmin):
    """A person's own, and nobody else's: `visible_to` shows no other."""

    list_display = ["trace", "saved_at", "takes_effect_at", "refusal"]
    list_select_related = ["trace"]
    list_defer = ["trace__answer", "trace__question", "trace__exchanges", "trace__sources"]
    ordering = ["-saved_at"]


@admin.register(Review)
class ReviewAdmin(CameByToken, ReadOnlyModelAdmin):
    change_list_template = "admin/evidence/reviews.html"
    list_display = [
        "decided",
        "reason_given",
        "reviewer",
        "by_token",
        "task_link",
        "standing",
        "machine_said",
        "created_at",
    ]
    list_filter = [related("task__system"), "decision", "reason_code", ByTokenFilter]
    list_select_related = ["reviewer", "task__trace", *REASON_JOINS]
    list_defer = [
        "corrected_answer", "rationale", "task__trace__answer", "task__trace__question", "task__trace__exchanges",
    ]  # fmt: skip
    search_fields = ["=reviewer__username"]
    ordering = ["-id"]
    chain_lookups = ["task__trace__id__exact", "task__trace__release__id__exact"]
    fields = [
        "task", "standing", "reviewer", "by_token", "decided", "reason_given", "rationale", "corrected",
        "machine_verdict_as_json", "created_at",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_revision(super().get_queryset(request))

    @admin.display(description="Standing")
    def standing(self, review: Any) -> str:
        return badge("superseded", _("for an earlier revision")) if review.is_for_earlier_revision else "–"

    @admin.display(description="Decision", ordering="decision")
    def decided(self, review: Review) -> str:
        return badge(review.decision)

    @admin.display(description="Reason", ordering="reason_code")
    def reason_given(self, review: Review) -> str:
        return reason_in_words(review) or "–"

    @admin.display(description="Answer")
    def task_link(self, review: Review) -> str:
        return link(review.task, review.task.trace)

    @admin.display(description="The machine had said")
    def machine_said(self, review: Review) -> str:
        verdicts = [citation["verdict"] for citation in review.machine_verdict.get("citations", [])]
        counts = [f"{verdicts.count(word)} {in_words(word)}" for word in dict.fromkeys(verdicts)]
        return listed(counts) or _("no citations")

    @admin.display(description="Corrected answer")
    def corrected(self, review: Review) -> str:
        return prose(review.corrected_answer, review.task.trace.language)


@admin.register(ClaimJudgement)
class ClaimJudgementAdmin(ReadOnlyModelAdmin):
    list_display = ["judgement", "claim", "review"]
    list_filter = [related("review__task__system"), "judgement"]
    list_select_related = ["claim", "review__reviewer", "review__task__trace"]
    list_defer = [
        "review__corrected_answer", "review__rationale", "review__task__trace__answer",
        "review__task__trace__question", "review__task__trace__exchanges",
    ]  # fmt: skip
    ordering = ["-id"]


@admin.register(Adjudication)
class AdjudicationAdmin(CameByToken, ReadOnlyModelAdmin):
    list_display = ["decided", "adjudicator", "by_token", "task_link", "created_at"]
    list_filter = [related("task__system"), "decision", ByTokenFilter]
    list_select_related = ["adjudicator", "task__trace"]
    ordering = ["-id"]
    chain_lookups = ["task__trace__release__id__exact"]

    @admin.display(description="Decision", ordering="decision")
    def decided(self, settled: Adjudication) -> str:
        return badge(settled.decision)

    @admin.display(description="Answer")
    def task_link(self, settled: Adjudication) -> str:
        return link(settled.task, settled.task.trace)
