"""The review desk: one answer at a time, its claims, the source behind each, and the judgement beside them.

Every key presses a button, and every button works without scripts. What a button records can be taken back for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import acts, clock
from evidence.access import Principal, visible_to
from evidence.admin.frame.display import list_url
from evidence.api.inputs import unknown_choice
from evidence.errors import ConflictingContent, EvidenceError, InvalidInput, NotFound
from evidence.models import (
    QueuedTask,
    Review,
    ReviewDraft,
    ReviewTask,
    SavedFilter,
    Trace,
)
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.refusals import refusal, refusal_text
from evidence.pages.review_desk.address import PARAMETERS, address_of
from evidence.pages.review_desk.judgement import (
    WRITTEN,
    check_said,
    compare_correction,
    is_too_long,
    read_opened,
    read_said,
)
from evidence.pages.review_desk.shown import show_answer
from evidence.pages.review_filters import FILTER, desk_context, filter_chosen
from evidence.pages.sent_forms import check_names
from evidence.selectors.counting import count_some
from evidence.selectors.review_tasks import (
    find_task,
    held_by,
    is_free,
    waiting_for,
    waits_to_be_settled,
)
from evidence.selectors.review_work import narrowed
from evidence.services import review_drafts, review_queue
from evidence.services.review_draws import AT_RANDOM, draw_at_random
from evidence.worded import worded

_PERMISSION: Final = "evidence.view_reviewtask"
_MOST_SHOWN: Final = 5  # of what was decided before
_KEEP: Final = "keep"  # what the script sends
_BY: Final = "review_desk_filter"  # in the session: by which filter of theirs answers are taken
_STARTS: Final = ("take", "draw", "settle")  # what the buttons of the start page send
_JUDGE, _SETTLE = QueuedTask.Stage.JUDGE, QueuedTask.Stage.SETTLE


@page_view(permission=_PERMISSION, parameters=[FILTER])
def review_desk(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Lead to the answer that the reviewer holds; without one, offer the next."""
    acts.check_can_judge(principal)
    if request.method == "POST":
        return _start(request, principal)
    held = held_by(principal.person).select_related("task").first()
    if held is not None:
        return _to_answer(held.task.trace_id)
    told = desk_context(request, principal)
    waiting = waiting_for(principal.person)
    if told["chosen_filter"] is not None:
        waiting = narrowed(waiting, told["chosen_filter"])
    free = is_free(principal.person, clock.now())
    context = {
        "n_waiting": count_some(waiting.filter(free)),
        "n_held": count_some(waiting.exclude(free)),
        "n_to_settle": count_some(waiting_for(principal.person, _SETTLE)),
        "n_drawn": AT_RANDOM,
        **told,
        **_of_before(principal),
    }
    return Page("pages/review_desk/start.html", gettext_lazy("Review desk"), context)


@page_view(permission=_PERMISSION, parameters=PARAMETERS)
def judge_answer(request: HttpRequest, principal: Principal, trace_id: int) -> Page | HttpResponseBase:
    """Show an answer with what stands behind it; carry out what a button says."""
    acts.check_can_judge(principal)
    traces = visible_to(Trace.objects.select_related("system", "release"), principal)
    trace = traces.filter(pk=trace_id).first()
    if trace is None:
        return _lost(request)
    if request.method != "POST":
        return _page(request, principal, trace)
    try:
        check_said(request, trace)
    except InvalidInput as exc:
        if request.POST.get("act") == _KEEP:
            raise
        messages.error(request, refusal(exc))
        return _page(request, principal, trace, sent=read_said(request, trace), status=exc.http_status)
    if request.POST.get("act") == _KEEP:
        return _keep(request, principal, trace)
    act = _ACTS.get(request.POST.get("act", ""))
    if act is None:
        raise NotFound(worded("This page has no such button."))
    try:
        return act(request, principal, trace)
    except EvidenceError as exc:
        messages.error(request, refusal(exc))
        if request.POST["act"] == "decide":
            _keep_what_was_written(request, principal, trace)
        return _to_answer(trace.pk)


def _lost(request: HttpRequest) -> Page:
    """Say that there is no such answer, as of one that there never was, and give back what was written about it.

    Raises:
        NotFound: nothing was written, or the script asks, which has it still.
    """
    is_overridden = (
        request.POST.get("decision") == Review.Decision.OVERRIDE
    )  # else the field has the answer itself
    asked = [name for name in WRITTEN if name != "corrected_answer" or is_overridden]
    written = [text for name in asked if (text := request.POST.get(name, "").strip())]
    if not written or request.POST.get("act") == _KEEP:
        raise NotFound(
            worded(
                "There is no such answer among those that you may see. If you were judging it a moment ago, you may "
                "judge it no more: nothing was recorded, and what you had saved is kept."
            )
        )
    title = gettext_lazy("You may not judge this answer")
    return Page("pages/review_desk/lost.html", title, {"written": written}, status=NotFound.http_status)


def _start(request: HttpRequest, principal: Principal) -> HttpResponseRedirect:
    """Give what the button of the start page asks for."""
    check_names(request, also=["act"])
    act = request.POST.get("act", "take")
    if act not in _STARTS:
        raise InvalidInput(faults=[unknown_choice(act, _STARTS, part="body", path="act")])
    chosen = filter_chosen(request, principal)
    request.session[_BY] = chosen.pk if chosen is not None else None
    if act == "draw":
        try:
            if not draw_at_random(principal=principal):
                messages.info(request, _("There is no answer that nobody was asked about."))
        except ConflictingContent as exc:
            messages.error(request, refusal(exc))
    return _take_next(request, principal, stage=_SETTLE if act == "settle" else _JUDGE)


def _take_next(
    request: HttpRequest,
    principal: Principal,
    after: ReviewTask | None = None,
    stage: QueuedTask.Stage = _JUDGE,
) -> HttpResponseRedirect:
    by = _filter_in_use(request, principal) if stage == _JUDGE else None
    try:
        given = review_queue.take_next(principal=principal, after=after, by=by, stage=stage)
    except ConflictingContent as exc:  # they hold as many as one person may
        messages.error(request, refusal(exc))
        return HttpResponseRedirect(reverse("admin:review_desk"))
    if given is None:
        messages.info(request, _("Nothing waits for you."))
        return HttpResponseRedirect(reverse("admin:review_desk"))
    return _to_answer(given.task.trace_id)


def _decide(request: HttpRequest, principal: Principal, trace: Trace) -> HttpResponseRedirect:
    decided = review_drafts.decide(principal=principal, trace=trace, said=read_said(request, trace))
    return _take_next(request, principal, stage=QueuedTask.Stage(decided.stage))


def _save(request: HttpRequest, principal: Principal, trace: Trace) -> HttpResponseRedirect:
    review_drafts.save_draft(principal=principal, trace=trace, said=read_said(request, trace))
    return _to_answer(trace.pk)


def _keep(request: HttpRequest, principal: Principal, trace: Trace) -> HttpResponse:
    """Save what is being written, as the script asks without being told to: a refusal is said in the page alone.

    The answer is how what is written differs from the answer that is judged, to be shown beside it; or, in plain text,
    why nothing was saved.
    """
    said = read_said(request, trace)
    try:
        review_drafts.save_draft(principal=principal, trace=trace, said=said, opened=read_opened(request))
    except EvidenceError as exc:
        return HttpResponse(
            refusal_text(exc), status=exc.http_status, content_type="text/plain; charset=utf-8"
        )
    return render(
        request,
        "pages/review_desk/difference.html",
        {"difference": compare_correction(trace, said), "is_too_long": is_too_long(trace, said)},
    )


def _take_back(request: HttpRequest, principal: Principal, trace: Trace) -> HttpResponseRedirect:
    review_drafts.take_back(principal=principal, trace=trace)
    messages.success(request, _("Taken back: nothing is on record, and what you wrote is here."))
    return _to_answer(trace.pk)


def _discard(request: HttpRequest, principal: Principal, trace: Trace) -> HttpResponseRedirect:
    review_drafts.discard(principal=principal, trace=trace)
    messages.success(request, _("Your draft is gone."))
    return HttpResponseRedirect(reverse("admin:review_desk"))


def _put_back(request: HttpRequest, principal: Principal, trace: Trace) -> HttpResponseRedirect:
    _keep_what_was_written(request, principal, trace)
    task = find_task(trace, principal.person)
    if task is None:
        return _take_next(request, principal)
    review_queue.put_back(principal=principal, task=task)
    return _take_next(request, principal, task, _SETTLE if waits_to_be_settled(task) else _JUDGE)


_ACTS: Final[Mapping[str, Callable[[HttpRequest, Principal, Trace], HttpResponseRedirect]]] = {
    "decide": _decide,
    "save": _save,
    "take_back": _take_back,
    "put_back": _put_back,
    "discard": _discard,
}


def _keep_what_was_written(request: HttpRequest, principal: Principal, trace: Trace) -> None:
    said = read_said(request, trace)
    if said == {"claims": {}}:
        return
    with suppress(EvidenceError):  # it is theirs no more, decided, or newer: what they wrote before stands
        review_drafts.save_draft(principal=principal, trace=trace, said=said, opened=read_opened(request))


def _page(
    request: HttpRequest,
    principal: Principal,
    trace: Trace,
    *,
    sent: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Page:
    """Show the answer with what was said of it so far: in a form that was refused, otherwise in the draft."""
    context = {
        **show_answer(request, principal, trace, by=_filter_in_use(request, principal), sent=sent),
        **_of_before(principal),
    }
    trail = [Step(gettext_lazy("Review tasks"), list_url("evidence.reviewtask"))]
    title = gettext_lazy("Review desk")
    return Page("pages/review_desk/desk.html", title, context, trail, here=str(trace), status=status)


def _filter_in_use(request: HttpRequest, principal: Principal) -> SavedFilter | None:
    """Return the filter by which this person takes answers in this session."""
    key = request.session.get(_BY)
    if key is None:
        return None
    return visible_to(SavedFilter.objects.select_related("system").filter(pk=key), principal).first()


def _of_before(principal: Principal) -> dict[str, list[ReviewDraft]]:
    """Return what this reviewer decided and may still take back, the last first, and what could not be recorded."""
    told = visible_to(ReviewDraft.objects.filter(~Q(takes_effect_at=None) | ~Q(refusal="")), principal)
    newest = list(told.select_related("trace").defer("trace__exchanges").order_by("-saved_at")[:_MOST_SHOWN])
    return {
        "decided": [draft for draft in newest if draft.takes_effect_at is not None],
        "refused": [draft for draft in newest if draft.takes_effect_at is None],
    }


def _to_answer(trace_id: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(address_of(trace_id))
