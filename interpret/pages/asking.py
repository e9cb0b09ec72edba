"""Asking for a probe: which are there, in plain words; a form for one; and what it takes, told before it is asked for.

What is refused stands beside its field, or above the form in the service's words, and what was written stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence.access import Principal, member_systems, visible_to
from evidence.digests import digest_of
from evidence.errors import AccessDenied, EvidenceError, InvalidInput, NotFound
from evidence.figures import in_figures
from evidence.models import ArtefactKind, ArtefactVersion, Release, System
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.refusals import refusal_detail, refusal_title
from evidence.pages.sent_forms import check_names
from evidence.selectors.traces import current_traces
from evidence.services.registry import find_release
from evidence.worded import worded
from interpret import acts
from interpret.contracts import ProbeInput
from interpret.errors import InterpretError
from interpret.models import ProbeRun
from interpret.pages.addresses import ask_url, findings_url, ledger_url, run_url
from interpret.pages.durations import in_time
from interpret.pages.probe_fields import DATASET, SEED, Asked, ProbeForm
from interpret.pages.probe_words import Worded, question_of
from interpret.pages.systems import chosen_system, systems_of
from interpret.registry import PROBES, ProbeEntry, describe
from interpret.selectors.costs import Cost, cost_of, pending_before
from interpret.selectors.ledger import history_for_next
from interpret.selectors.models import models_of
from interpret.services.prompts import NEWEST, read_inputs
from interpret.services.queueing import model_to_probe, queue_probe_run

_MOST_OFFERED: Final = 100  # releases, models and datasets, newest first
LOOKED: Final = "looked"  # the field that says what the reader was told the cost of
_BESIDE: Final = ("act", LOOKED)
_TITLE: Final = gettext_lazy("Run a probe")


@dataclass(frozen=True, slots=True)
class OfferedProbe:
    """A probe that may be chosen."""

    key: str
    question: Worded
    entry: ProbeEntry


@dataclass(frozen=True, slots=True)
class _Form:
    """Who asks what of which release."""

    request: HttpRequest
    principal: Principal
    systems: Sequence[System]
    release: Release
    model: ArtefactVersion
    form: ProbeForm

    @property
    def probe(self) -> str:
        """Return the probe's name."""
        return self.form.probe


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why nothing was queued."""

    title: str
    text: str
    status: int


@page_view(parameters=["system", "release", "probe", "like"])
def ask_probe(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Offer the probes there are, or the form of the one that was chosen; have what was asked queued."""
    systems = list(member_systems(principal))
    system = chosen_system(request, principal, systems)
    releases = list(Release.objects.filter(system=system).order_by("-pk")[:_MOST_OFFERED])
    asked = request.GET.get("release")
    release = find_release(system, asked) if asked else next(iter(releases), None)
    if release is None:
        return _offer(systems_of(principal), system, [], None)
    acts.check_can_queue_probe_run(principal, release)
    probe = request.GET.get("probe")
    if probe is None:
        return _offer(systems, system, releases, release)
    describe(probe)
    form = _form(request, principal, systems, release, probe)
    if request.method == "POST":
        return _answer(form)
    return _show(form, _written_first(form))


def _offer(
    systems: Sequence[System], system: System, releases: Sequence[Release], release: Release | None
) -> Page:
    context: dict[str, Any] = {
        "system": system,
        "systems": systems,
        "releases": releases,
        "release": release,
        "probes": [OfferedProbe(key, question_of(key), entry) for key, entry in PROBES.items()],
    }
    return Page("pages/choose_probe.html", _TITLE, context, [_findings_of(system)])


def _form(
    request: HttpRequest, principal: Principal, systems: Sequence[System], release: Release, probe: str
) -> _Form:
    model, entry = model_to_probe(release), describe(probe)
    others, datasets = list[ArtefactVersion](), list[ArtefactVersion]()
    if entry.models:
        rows = models_of(release.system).exclude(digest=model.digest).select_related("artefact")
        others = list(rows.order_by("-pk")[:_MOST_OFFERED])
    if entry.reads_prompts:
        kept = visible_to(ArtefactVersion.objects.filter(artefact__kind=ArtefactKind.PROBE_INPUTS), principal)
        rows = kept.filter(artefact__system=release.system, blob__isnull=False, blob__removal=None)
        datasets = list(rows.select_related("artefact").order_by("-pk")[:_MOST_OFFERED])
    return _Form(request, principal, systems, release, model, ProbeForm(probe, others, datasets))


def _written_first(form: _Form) -> Mapping[str, str]:
    like = form.request.GET.get("like")
    if like is None:
        return form.form.defaults()
    runs = visible_to(ProbeRun.objects.select_related("spec__dataset_version"), form.principal)
    run = runs.filter(pk=int(like), spec__probe=form.probe).first() if like.isdecimal() else None
    if run is None:
        raise NotFound(worded("There is no such run of this probe among those that you may see."))
    return form.form.like(run.spec)


def _answer(form: _Form) -> Page | HttpResponseBase:
    """Tell what it takes, or queue it where that was told of the very same."""
    posted = form.request.POST
    check_names(form.request, also=[*_BESIDE, *form.form.names()])
    act = posted.get("act", "look")
    if act not in {"look", "ask"}:
        raise InvalidInput(worded("act is one of look, ask."))
    written = form.form.posted(posted)
    asked = form.form.read(written)
    if asked.faults or act == "look":
        return _show(form, written, asked)
    if posted.get(LOOKED, "") != looked_at(form.release, form.probe, asked):
        return _show(form, written, asked, is_other=True)
    try:
        return _ask(form, asked)
    except AccessDenied:
        raise
    except (EvidenceError, InterpretError) as exc:
        return _show(
            form, written, asked, refusal=_Refusal(refusal_title(exc), refusal_detail(exc), exc.http_status)
        )


def _ask(form: _Form, asked: Asked) -> HttpResponseRedirect:
    newest = ProbeRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    run = queue_probe_run(
        principal=form.principal, release=form.release, probe=form.probe, parameters=asked.parameters, seed=asked.seed,
        inputs=_inputs_of(form, asked),
    )  # fmt: skip
    if run.pk > newest:
        messages.success(form.request, _("Asked for. A worker begins it as soon as one is free."))
    else:
        messages.info(form.request, _("The same was asked before: this is its run, and nothing was queued."))
    return HttpResponseRedirect(run_url(run))


def _inputs_of(form: _Form, asked: Asked) -> tuple[ProbeInput, ...] | None:
    chosen = next((each for each in form.form.datasets if each.digest == asked.dataset), None)
    return None if chosen is None else read_inputs(chosen)


def looked_at(release: Release, probe: str, asked: Asked) -> str:
    """Return what the form carries to say of what exactly the cost was shown."""
    return digest_of(
        {
            "release": release.pk,
            "probe": probe,
            "parameters": dict(asked.parameters),
            "seed": asked.seed,
            "dataset": asked.dataset,
        }
    )


def _show(
    form: _Form,
    written: Mapping[str, str],
    asked: Asked | None = None,
    *,
    is_other: bool = False,
    refusal: _Refusal | None = None,
) -> Page:
    asked, entry = asked or form.form.read(written), describe(form.probe)
    is_posted = form.request.method == "POST"
    faults = asked.faults if is_posted else {}
    fields = list(form.form.fields(written, faults))
    context: dict[str, Any] = {
        "system": form.release.system,
        "systems": form.systems,
        "release": form.release,
        "model": form.model,
        "probe": OfferedProbe(form.probe, question_of(form.probe), entry),
        "declared": [field for field in fields if field.is_declared],
        "others": [field for field in fields if not field.is_declared],
        "seed": (written[SEED], faults.get(SEED, "")),
        "dataset": (written[DATASET], faults.get(DATASET, "")),
        "datasets": form.form.datasets,
        "most_traces": NEWEST,
        "has_traces": not entry.reads_prompts or current_traces().filter(release=form.release).exists(),
        "faults": len(faults),
        "is_other": is_other,
        "refusal": refusal,
        "looked": "" if asked.faults else looked_at(form.release, form.probe, asked),
        "ledger": ledger_url(form.release.system, form.model.digest),
        "back": ask_url(form.release.system, release=form.release.name),
        **_taken(form, asked),
    }
    trail = [_findings_of(form.release.system), Step(_TITLE, context["back"])]
    status = refusal.status if refusal else 422 if faults else 200
    return Page("pages/ask_probe.html", form.probe, context, trail, status=status)


def _taken(form: _Form, asked: Asked) -> dict[str, Any]:
    """Return what it takes, as the page says it: time, limits, who waits, and what it leaves for later tests."""
    runs = visible_to(ProbeRun.objects.all(), form.principal)
    cost = cost_of(runs, probe=form.probe, model=form.model, parameters=asked.parameters)
    history = history_for_next(form.release.system, form.model.digest)
    level = history.level(1)
    return {
        "cost": _said(cost) if cost else None,
        "pending": pending_before(runs),
        "limit": in_time(timedelta(seconds=settings.PROBE_SOFT_LIMIT)),
        "memory": settings.PROBE_MEMORY,
        "device": settings.PROBE_DEVICE,
        "most_inputs": settings.MAX_PROBE_INPUTS,
        "history": history,
        "number": history.runs_before + 1,
        "level": in_figures(level, 3),
    }


def _said(cost: Cost) -> dict[str, StrOrPromise | int | bool]:
    return {
        "n": cost.n,
        "alike": cost.alike,
        "usual": in_time(cost.usual),
        "least": in_time(cost.least),
        "most": in_time(cost.most),
    }


def _findings_of(system: System) -> Step:
    return Step(gettext_lazy("Findings"), findings_url(system))
