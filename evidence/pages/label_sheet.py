"""The label sheet: answers of an eval run in the order in which they are drawn, without what the judge said of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence import acts
from evidence.access import Principal, visible_to
from evidence.admin.frame.display import list_url, record_url
from evidence.api.inputs import unknown_choice
from evidence.errors import EvidenceError, InvalidInput, NotFound
from evidence.models import EvalRun, EvalSample, LabelSet
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.refusals import refusal
from evidence.pages.sent_forms import check_names
from evidence.selectors.desk_labels import labels_from_reviews
from evidence.selectors.labels import draw_sheet, judged_metrics
from evidence.services.labels import LabelDraft, record_labels, record_labels_from_reviews
from evidence.worded import worded

_A_SHEET: Final = 20  # answers
_METRIC: Final = "metric"
_FIELD: Final = "label-"  # before the key of a sample
_DIGITS: Final = 19  # fewer fit a key
# What a button sends, and the value it stands for.
_SAYS: Final[Mapping[str, float | None]] = {"yes": 1.0, "no": 0.0, "unclear": None}


_MADE_FROM: Final = "made_from"
_MAPPINGS: Final[Mapping[str, StrOrPromise]] = {
    LabelSet.MadeFrom.DECISIONS.value: gettext_lazy(
        "My decisions: approve is yes, override and reject are no, escalate is that I cannot tell"
    ),
    LabelSet.MadeFrom.CLAIMS.value: gettext_lazy(
        "What I said of each claim: the share that stands, where I judged them all"
    ),
}


@dataclass(frozen=True, slots=True)
class _FromDesk:
    """What was said at the desk and can be labels of this run."""

    made_from: str
    text: StrOrPromise
    n: int  # answers


@dataclass(frozen=True, slots=True)
class _Shown:
    """An answer, what its fields are called, and what was said of it on a sheet that was refused."""

    sample: EvalSample
    name: str
    said: str = ""


@page_view(permission="evidence.view_evalsample", parameters=[_METRIC])
def label_sheet(request: HttpRequest, principal: Principal, run_id: int) -> Page | HttpResponseBase:
    """Show the next answers to label; store what was said of those before."""
    runs = visible_to(EvalRun.objects.select_related("system", "release"), principal)
    run = runs.filter(pk=run_id).first()
    if run is None:
        raise NotFound(worded("There is no such eval run among those that you may see."))
    acts.check_can_label(principal, run)
    metrics = judged_metrics(run)
    metric = request.GET.get(_METRIC) or (metrics[0] if metrics else "")
    if metric not in metrics:
        raise NotFound(worded("No judge gave this metric, so there is nothing to label."))
    if request.method != "POST":
        return _page(principal, run, metric, metrics, draw_sheet(run, metric, principal.actor, _A_SHEET))
    try:
        if (made_from := request.POST.get(_MADE_FROM)) is not None:
            check_names(request, also=[_MADE_FROM])
            return _take_from_desk(request, principal, run, metric, made_from)
        return _store(request, principal, run, metric)
    except InvalidInput as exc:
        messages.error(request, refusal(exc))
        shown = draw_sheet(run, metric, principal.actor, _A_SHEET)
        return _page(principal, run, metric, metrics, shown, said=request.POST.dict(), status=exc.http_status)


def _take_from_desk(
    request: HttpRequest, principal: Principal, run: EvalRun, metric: str, made_from: str
) -> HttpResponseRedirect:
    try:
        stored = record_labels_from_reviews(principal=principal, run=run, metric=metric, made_from=made_from)
    except EvidenceError as exc:
        messages.error(request, refusal(exc))
    else:
        messages.success(request, _("%(n)s labels are on record.") % {"n": stored.labels.count()})
    return HttpResponseRedirect(_address(run, metric))


def _store(request: HttpRequest, principal: Principal, run: EvalRun, metric: str) -> HttpResponseRedirect:
    samples = _samples_named(run, metric, request.POST)
    _check_sent(request, samples)
    drafts = [LabelDraft(each.sample_id, metric, _SAYS[request.POST[_name(each)]]) for each in samples]
    try:
        record_labels(principal=principal, run=run, labels=drafts)
    except EvidenceError as exc:
        messages.error(request, refusal(exc))
    else:
        messages.success(request, _("%(n)s labels are on record.") % {"n": len(drafts)})
    return HttpResponseRedirect(_address(run, metric))


def _samples_named(run: EvalRun, metric: str, names: Collection[str]) -> list[EvalSample]:
    """Return the answers of this run whose fields were sent."""
    keys = [
        digits
        for name in names
        if (digits := name.removeprefix(_FIELD)) != name and digits.isdecimal() and len(digits) < _DIGITS
    ]
    return list(EvalSample.objects.filter(run=run, metric=metric, pk__in=keys).only("sample_id"))


def _check_sent(request: HttpRequest, samples: Sequence[EvalSample]) -> None:
    """Refuse a field of no answer of this run, and what no button says.

    Raises:
        InvalidInput: naming each.
    """
    names = [_name(each) for each in samples]
    check_names(request, also=names)
    sent = request.POST
    if faults := [
        unknown_choice(sent[name], _SAYS, part="body", path=name) for name in names if sent[name] not in _SAYS
    ]:
        raise InvalidInput(faults=faults)


def _name(sample: EvalSample) -> str:
    return f"{_FIELD}{sample.pk}"


def _address(run: EvalRun, metric: str) -> str:
    return f"{reverse('admin:label_sheet', args=[run.pk])}?{urlencode({_METRIC: metric})}"


def _at_the_desk(principal: Principal, run: EvalRun, metric: str) -> list[_FromDesk]:
    """Return what could be made labels of what this person said at the desk."""
    try:
        found = {each: labels_from_reviews(run, metric, principal.person, each) for each in _MAPPINGS}
    except InvalidInput:
        return []
    return [_FromDesk(each, text, len(found[each])) for each, text in _MAPPINGS.items() if found[each]]


def _page(
    principal: Principal, run: EvalRun, metric: str, metrics: Sequence[str], samples: Sequence[EvalSample],
    *, said: Mapping[str, Any] | None = None, status: int = 200,
) -> Page:  # fmt: skip
    said = said or {}
    context: dict[str, Any] = {
        "run": run,
        "metric": metric,
        "others": [(name, _address(run, name)) for name in metrics if name != metric],
        "at_the_desk": _at_the_desk(principal, run, metric),
        "shown": [_Shown(one, _name(one), said.get(_name(one), "")) for one in samples],
    }
    trail = [
        Step(gettext_lazy("Eval runs"), list_url("evidence.evalrun")),
        Step(run.run_key, record_url(run)),
    ]
    return Page("pages/label_sheet.html", gettext_lazy("Label sheet"), context, trail, status=status)
