"""A probe run: how far it is, since when, who asked what, and what came of it; the way to cancel it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import clock
from evidence.access import Principal, visible_to
from evidence.admin.frame.display import link, record_url, short_digest
from evidence.admin.frame.people import names_of, show_actor
from evidence.errors import AccessDenied, EvidenceError, InvalidInput, NotFound
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.refusals import refusal
from evidence.pages.sent_forms import check_names
from evidence.probe_rules import REPORT
from evidence.worded import worded
from interpret.acts import can_cancel_probe_run, can_queue_probe_run
from interpret.model_store import DIGEST
from interpret.models import ProbePart, ProbeRun
from interpret.pages.addresses import ask_again_url, findings_url, ledger_url, run_url
from interpret.pages.durations import in_time
from interpret.pages.probe_words import Worded, question_of
from interpret.registry import PROBES
from interpret.selectors.costs import PENDING, pending_before, time_spent
from interpret.selectors.progress import PartCounts
from interpret.services.queueing import cancel_probe_run

_RELATED: Final = (
    "spec__system",
    "spec__model_version__artefact",
    "spec__dataset_version__artefact",
    "release",
)
_MOST_PARTS: Final = 100  # that are listed


@page_view()
def probe_run(request: HttpRequest, principal: Principal, run_id: int) -> Page | HttpResponseBase:
    """Show a run to whoever sees internals; to anybody else there is none."""
    rows = visible_to(ProbeRun.objects.select_related(*_RELATED), principal)
    run = rows.filter(pk=run_id).first()
    if run is None:
        raise NotFound(worded("There is no such probe run among those that you may see."))
    if request.method == "POST":
        return _cancel(request, principal, run)
    spec = run.spec
    parts = list(run.parts.defer("measured").order_by("pk")[: _MOST_PARTS + 1])
    is_pending = run.state in PENDING
    may_ask = can_queue_probe_run(principal, run.release)
    context: dict[str, Any] = {
        "run": run,
        "spec": spec,
        "question": question_of(spec.probe) if spec.probe in PROBES else Worded(""),
        "asked_by": show_actor(run.queued_by, names_of([run.queued_by])),
        "is_pending": is_pending,
        "now": clock.now(),
        "address": run_url(run),
        "counts": _counts(run),
        "before": pending_before(visible_to(ProbeRun.objects.all(), principal), run) if is_pending else 0,
        "spent": in_time(time_spent(run)),
        "parts": [_part(each) for each in parts[:_MOST_PARTS]],
        "has_more_parts": len(parts) > _MOST_PARTS,
        "most_parts": _MOST_PARTS,
        "parameters": _parameters(run),
        "model": link(spec.model_version),
        "dataset": link(spec.dataset_version) if spec.dataset_version else "",
        "release": link(run.release),
        "found": list(run.findings.only("title", "status", "run").order_by("ordinal")),
        "may_cancel": is_pending and can_cancel_probe_run(principal, run),
        "again": ask_again_url(run) if may_ask and spec.probe in PROBES else "",
        "record": record_url(run),
        "ledger": ledger_url(spec.system, spec.model_version.digest),
    }
    trail = [Step(gettext_lazy("Findings"), findings_url(spec.system))]
    title = _("Run %(number)d: %(probe)s") % {"number": run.pk, "probe": spec.probe}
    return Page("pages/probe_run.html", title, context, trail)


def _cancel(request: HttpRequest, principal: Principal, run: ProbeRun) -> HttpResponseRedirect:
    check_names(request, also=["act", "reason"])
    if request.POST.get("act") != "cancel":
        raise InvalidInput(worded("act is cancel."))
    try:
        cancel_probe_run(principal=principal, run=run, reason=request.POST.get("reason", "").strip())
    except AccessDenied:
        raise
    except EvidenceError as exc:
        messages.error(request, refusal(exc))
    else:
        messages.success(request, _("Cancelled: nothing more of it is measured."))
    return HttpResponseRedirect(run_url(run))


def _counts(run: ProbeRun) -> PartCounts:
    parts = run.parts.exclude(part=REPORT)
    return PartCounts(parts.count(), parts.filter(state=ProbePart.State.DONE).count())


def _part(part: ProbePart) -> Mapping[str, Any]:
    begun, ended = part.started_at, part.finished_at
    took = in_time(ended - begun) if begun and ended else ""
    return {"name": part.part or _("the report"), "part": part, "took": took}


def _parameters(run: ProbeRun) -> Sequence[tuple[str, str]]:
    """Return what was asked with, in the order of the form; digests are cut."""
    entry = PROBES.get(run.spec.probe)
    named = [*entry.choices, *entry.models, *entry.parameters] if entry else []
    told = run.spec.parameters
    ordered = {name: told[name] for name in named if name in told} | told
    return [
        (name, short_digest(value) if isinstance(value, str) and DIGEST.fullmatch(value) else str(value))
        for name, value in ordered.items()
    ]
