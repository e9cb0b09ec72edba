"""The reviewer's page: answer and evidence side by side, and the form that records a judgement."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from evidence import acts
from evidence.access import Principal, visible_to
from evidence.admin.frame.display import list_url
from evidence.admin.frame.words import in_words
from evidence.admin.review.answer import count_declared, read_claims
from evidence.admin.review.conversation import is_place, place_of, read_sources, read_turns
from evidence.admin.review.forms import AdjudicationForm, ReviewForm
from evidence.admin.review.reason import REASON_JOINS
from evidence.errors import EvidenceError, NotFound, NotYetSigned
from evidence.models import Adjudication, Evidence, Review, ReviewTask, Trace
from evidence.pages.frame import Page, Step, show_page
from evidence.pages.reader import principal_of
from evidence.pages.refusals import refusal, refusal_detail
from evidence.pages.refused_forms import tell_in_form
from evidence.selectors.claim_judgements import with_claim_judgements
from evidence.selectors.review_reasons import reasons_of
from evidence.selectors.review_tasks import with_queue_state
from evidence.selectors.revisions import find_later_revision
from evidence.services import reviews
from evidence.services.gold_judgements import record_judgement
from evidence.worded import worded

CHANGES: Final = ("question_changed", "answer_changed", "documents_changed")  # flags of a later revision
TEMPLATE: Final = "admin/evidence/review.html"


def show_review_page(
    model_admin: admin.ModelAdmin[Any], request: HttpRequest, *, trace: Trace, task: ReviewTask | None
) -> HttpResponse:
    """Answer GET with the page and POST with the outcome of a form; what a service refuses is said on the page.

    Raises:
        PermissionDenied: the person's roles do not show this noun.
    """
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    principal = principal_of(request)
    listed = reasons_of(trace.system)
    makers: dict[str, Callable[..., forms.Form]] = {
        "review": partial(ReviewForm, listed=listed), "adjudication": AdjudicationForm,
    }  # fmt: skip
    forms_by_name = {name: make() for name, make in makers.items()}
    status = 200
    if request.method == "POST":
        name = "adjudication" if "adjudicate" in request.POST else "review"
        form = forms_by_name[name] = makers[name](request.POST)
        status = _carry_out(request, _ACTIONS[name], principal, trace, task, form) if form.is_valid() else 422
        if status == 200:
            return HttpResponseRedirect(reverse("admin:evidence_trace_review", args=[trace.pk]))
    context = {
        **_page(trace, task, principal),
        "review_form": forms_by_name["review"],
        "adjudication_form": forms_by_name["adjudication"],
    }
    title = _("Review an answer") if acts.can_judge(principal) else _("An answer and its evidence")
    trail = [Step(_("Review tasks"), list_url("evidence.reviewtask"))]
    return show_page(request, Page(TEMPLATE, title, context, trail, here=str(trace), status=status))


def _page(trace: Trace, task: ReviewTask | None, principal: Principal) -> dict[str, Any]:
    claims = read_claims(trace)
    state = _state_of(trace, task, principal)
    told = visible_to(Review.objects.filter(task__trace=trace), principal)
    readable = list(with_claim_judgements(told).select_related("reviewer", *REASON_JOINS).order_by("pk"))
    refusal = _refusal(principal, trace)
    return {
        "trace": trace,
        "task": task,
        "state": state,
        "turns": read_turns(trace, claims),
        "sources": read_sources(trace),
        "changed": [flag["code"] for flag in trace.flags if flag["code"] in CHANGES],
        "claims": claims,
        "n_declared": count_declared(claims),
        "policy_checks": trace.policy_checks.select_related("version__artefact").order_by("pk"),
        "tool_calls": _tool_calls(trace),
        "retrievals": trace.retrievals.select_related("document")
        .defer("document__text")
        .order_by("span_id", "rank"),
        "versions": trace.versions.select_related("version__artefact", "version__registration").order_by(
            "slot"
        ),
        "facts": getattr(trace, "facts", None),
        "newer_revision": find_later_revision(trace) if state is None or state.is_superseded else None,
        "evidence_items": _evidence_for(trace, principal),
        "reviews": readable,
        "earlier_reviews": _of_earlier_revisions(trace, principal),
        "n_hidden_reviews": state.n_reviews - len(readable) if state is not None else 0,
        "adjudication": visible_to(Adjudication.objects.filter(task__trace=trace), principal).first(),
        "can_review": not refusal,
        "can_adjudicate": state is not None and acts.can_adjudicate(principal, state),
        "refusal": refusal if acts.can_judge(principal) else "",  # others were never meant to
    }


def _state_of(trace: Trace, task: ReviewTask | None, principal: Principal) -> Any:
    """Return the task with how it stands for this person, which a row of the queue's list has already."""
    if task is not None and hasattr(task, "is_mine"):
        return task
    tasks = ReviewTask.objects.filter(trace=trace).select_related("system", "trace__release")
    return with_queue_state(tasks, principal.person).first()


def _refusal(principal: Principal, trace: Trace) -> str:
    """Say why this person cannot judge the answer; empty where they can."""
    try:
        acts.check_can_review(principal, trace)
    except EvidenceError as exc:
        return refusal_detail(exc)
    return ""


def _tool_calls(trace: Trace) -> list[Any]:
    """Return the calls of tools, each with where it was read for people."""
    calls: list[Any] = list(trace.tool_calls.select_related("version__artefact").order_by("pk"))
    for call in calls:
        call.place = (
            place_of(trace, call.source | {"span_id": call.span_id}) if is_place(call.source) else None
        )
    return calls


def _of_earlier_revisions(trace: Trace, principal: Principal) -> Any:
    """Return what was said of the revisions that this one replaced, as far as this person may read it."""
    if trace.revision == 1:
        return ()
    told = visible_to(Review.objects.select_related("reviewer", "task__trace", *REASON_JOINS), principal)
    earlier = told.filter(
        task__system=trace.system_id,
        task__trace__trace_id=trace.trace_id,
        task__trace__revision__lt=trace.revision,
    )
    return earlier.defer("task__trace__exchanges").order_by("-task__trace__revision", "pk")


def _evidence_for(trace: Trace, principal: Principal) -> Any:
    """Return evidence items measured on the release's versions; mechanistic ones only to who may see internals."""
    if trace.release_id is None:
        return Evidence.objects.none()
    rows = Evidence.objects.filter(
        system=trace.system_id, links__version__release_pins__release=trace.release_id
    )
    return visible_to(rows, principal).distinct().order_by("-observed_to")[:10]


def _carry_out(
    request: HttpRequest,
    action: Callable[[Trace, ReviewTask | None, Principal, dict[str, Any]], str],
    principal: Principal,
    trace: Trace,
    task: ReviewTask | None,
    form: forms.Form,
) -> int:
    """Call the service; say what came of it, a refusal beside the form too. Return the answer's status."""
    try:
        sentence = action(trace, task, principal, form.cleaned_data)
    except EvidenceError as exc:
        status = tell_in_form(request, form, exc)
        if not isinstance(exc, NotYetSigned):
            messages.error(request, refusal(exc))
        return status
    messages.success(request, sentence)
    return 200


def _review(trace: Trace, task: ReviewTask | None, principal: Principal, data: dict[str, Any]) -> str:
    del task
    judged = record_judgement(principal=principal, trace=trace, **data)
    return _("Your decision is on record: %s.") % in_words(judged.decision)


def _adjudicate(trace: Trace, task: ReviewTask | None, principal: Principal, data: dict[str, Any]) -> str:
    del trace
    if task is None:
        raise NotFound(worded("Nobody judged this answer yet, so there is nothing to settle."))
    settled = reviews.adjudicate(principal=principal, task=task, **data)
    return _("The disagreement is settled: %s.") % in_words(settled.decision)


_ACTIONS: Final = {"review": _review, "adjudication": _adjudicate}
