"""The label sheet: answers of an eval run in the order in which they are drawn, without what the judge said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from evidence.errors import EvidenceError, InvalidInput, NotFound
from evidence.models import EvalRun, EvalSample, LabelSet
from evidence.pages.frame import Page, Step, page_view
from evidence.selectors.desk_labels import labels_from_reviews
from evidence.selectors.labels import draw_sheet, judged_metrics
from evidence.services.labels import LabelDraft, record_labels, record_labels_from_reviews

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
    """An answer, and what its fields are called."""

    sample: EvalSample
    name: str


@page_view(permission="evidence.view_evalsample", parameters=[_METRIC])
def label_sheet(request: HttpRequest, principal: Principal, run_id: int) -> Page | HttpResponseBase:
    """Show the next answers to label; store what was said of those before."""
    runs = visible_to(EvalRun.objects.select_related("system", "release"), principal)
    run = runs.filter(pk=run_id).first()
    if run is None:
        raise NotFound(_("There is no such eval run among those that you may see."))
    acts.check_can_label(principal, run)
    metrics = judged_metrics(run)
    metric = request.GET.get(_METRIC) or (metrics[0] if metrics else "")
    if metric not in metrics:
        raise NotFound(_("No judge gave this metric, so there is nothing to label."))
    if request.method != "POST":
        return _page(principal, run, metric, metrics, draw_sheet(run, metric, principal.actor, _A_SHEET))
    made_from = request.POST.get(_MADE_FROM)
    if made_from is not None:
        return _take_from_desk(request, principal, run, metric, made_from)
    return _store(request, principal, run, metric)


def _take_from_desk(
    request: HttpRequest, principal: Principal, run: EvalRun, metric: str, made_from: str
) -> HttpResponseRedirect:
    try:
        stored = record_labels_from_reviews(principal=principal, run=run, metric=metric, made_from=made_from)
    except EvidenceError as exc:
        messages.error(request, f"{exc.title}. {exc}")
    else:
        messages.success(request, _("%(n)s labels are on record.") % {"n": stored.labels.count()})
    return HttpResponseRedirect(_address(run, metric))


def _store(request: HttpRequest, principal: Principal, run: EvalRun, metric: str) -> HttpResponseRedirect:
    said = {name: _SAYS[value] for name, value in request.POST.dict().items() if value in _SAYS}
    keys = [
        digits for name in said if (digits := name.removeprefix(_FIELD)).isdecimal() and len(digits) < _DIGITS
    ]
    samples = EvalSample.objects.filter(run=run, metric=metric, pk__in=keys).only("sample_id")
    drafts = [LabelDraft(each.sample_id, metric, said[_name(each)]) for each in samples]
    try:
        record_labels(principal=principal, run=run, labels=drafts)
    except EvidenceError as exc:
        messages.error(request, f"{exc.title}. {exc}")
    else:
        messages.success(request, _("%(n)s labels are on record.") % {"n": len(drafts)})
    return HttpResponseRedirect(_address(run, metric))


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
    principal: Principal, run: EvalRun, metric: str, metrics: Sequence[str], samples: Sequence[EvalSample]
) -> Page:
    context: dict[str, Any] = {
        "run": run,
        "metric": metric,
        "others": [(name, _address(run, name)) for name in metrics if name != metric],
        "at_the_desk": _at_the_desk(principal, run, metric),
        "shown": [_Shown(sample, _name(sample)) for sample in samples],
    }
    trail = [
        Step(gettext_lazy("Eval runs"), list_url("evidence.evalrun")),
        Step(run.run_key, record_url(run)),
    ]
    return Page("pages/label_sheet.html", gettext_lazy("Label sheet"), context, trail)
