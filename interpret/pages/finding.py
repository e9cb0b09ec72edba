"""A finding: what it says and does not say, what that rests on, and where it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence.access import Principal, visible_to
from evidence.admin.frame.display import badge, figure, link, listed, record_url, short_digest
from evidence.admin.frame.units import unit_in_words
from evidence.errors import NotFound
from evidence.figures import in_figures
from evidence.pages.frame import Page, Step, page_view
from evidence.worded import worded
from interpret.contracts import CPU
from interpret.finding_parts import Beside, Malformed, read_beside, read_number
from interpret.models import Finding
from interpret.pages import pictures
from interpret.pages.addresses import findings_url, ledger_url, run_url
from interpret.pages.limits import show_limits
from interpret.pages.reasons import read_reasons
from interpret.selectors.calibration import Calibration, calibration_of
from interpret.selectors.findings import latest_release, stale_slots

_RELATED: Final = ("run__spec__system", "run__spec__model_version__artefact", "run__release__system")
# What stands before the claim, by status: a claim that was not supported is not to be read as one that was.
_LEADS: Final[Mapping[str, StrOrPromise]] = {
    Finding.Status.SUPPORTED: gettext_lazy("Supported, on what it was measured on:"),
    Finding.Status.NOT_SUPPORTED: gettext_lazy(
        "Less than matters, on what it was measured on. What was asked:"
    ),
    Finding.Status.INCONCLUSIVE: gettext_lazy("Undecided. What was asked:"),
    Finding.Status.INVALID: gettext_lazy("Invalid: the number means nothing. What was asked:"),
    Finding.Status.DESCRIBED: gettext_lazy("A number, of which nothing is claimed:"),
}


@page_view()
def finding(request: HttpRequest, principal: Principal, finding_id: int) -> Page:
    """Show a finding to whoever sees internals; to anybody else there is none."""
    del request
    rows = visible_to(Finding.objects.select_related(*_RELATED), principal)
    found = rows.filter(pk=finding_id).first()
    if found is None:
        raise NotFound(worded("There is no such finding among those that you may see."))
    system = found.run.spec.system
    context: dict[str, Any] = {
        "finding": found,
        "system": system,
        "limits": show_limits(found.does_not_show),
        "lead": _LEADS.get(found.status, ""),
        "is_described": found.status == Finding.Status.DESCRIBED,
        "measured": figure(
            value=found.value, unit=found.unit, low=found.low, high=found.high, n=found.n, confidence=found.confidence
        ),
        "verdict": _mapping(found.verdict),
        "reason": read_reasons(_mapping(found.verdict), "because", "reason"),
        "why": _text(_mapping(found.verdict), "why"),
        "smallest": _smallest(found),
        "second": _second(found),
        "stale": _stale(found),
        "where": _where(found),
        "compared": pictures.compare(found),
        "differences": pictures.differ(found),
        "items": pictures.show_items(found),
        "beside": _beside(found),
        "doses": pictures.show_doses(found),
        "heat": pictures.show_heat(found),
        "history": _history(found),
        "calibration": _calibration(found),
        "provenance": _provenance(found),
        "record": record_url(found),
        "run": run_url(found.run),
        "ledger": ledger_url(system, found.run.spec.model_version.digest),
    }  # fmt: skip
    trail = [Step(gettext_lazy("Findings"), findings_url(system))]
    return Page("pages/finding.html", found.title, context, trail)


def _stale(found: Finding) -> Mapping[str, Any]:
    """Return the release that was registered last, and the slots in which it is another than was measured."""
    latest = latest_release(found.run.spec.system)
    slots = stale_slots(found, latest) if latest else []
    return {"release": latest, "slots": slots}


def _smallest(found: Finding) -> str:
    smallest = read_number(found.verdict, "smallest_effect")
    return "" if smallest is None else f"{in_figures(smallest)} {unit_in_words(found.unit)}"


def _second(found: Finding) -> Mapping[str, Any]:
    """Return what the second seed came to: its own verdict where it has one, or whether the intervals meet."""
    verdict, stability = _mapping(found.verdict), _mapping(found.stability)
    status = _text(verdict, "second")
    return {
        "status": badge(status) if status else "",
        "reason": read_reasons(verdict, "second_because", "second_reason"),
        "agrees": stability.get("agrees"),
        "what": _text(stability, "what"),
        "p": _figure(read_number(stability, "p_value")),
    }


def _beside(found: Finding) -> Beside | None:
    """Return what stands beside the statistic; what has another shape than it should is not shown."""
    try:
        return read_beside(_mapping(_mapping(found.internals).get("details")))
    except Malformed:
        return None


def _where(found: Finding) -> Sequence[tuple[StrOrPromise, SafeString | str]]:
    """Return where the finding holds; outside of it nobody has looked."""
    told, spec = _mapping(found.holds_for), found.run.spec
    languages = told.get("languages")
    part = _mapping(told.get("slice"))
    digests = (
        (_("Dataset"), "dataset_digest"), (_("Tokenizer"), "tokenizer_digest"),
        (_("Chat template"), "chat_template_digest"),
    )  # fmt: skip
    return [
        (_("Model"), link(spec.model_version)),
        (_("Model digest"), short_digest(_text(told, "model_digest"))),
        (_("Site"), _text(told, "site") or "–"),
        (_("Languages"), listed(languages) if isinstance(languages, list) and languages else "–"),
        *([(_("Slice"), listed(f"{name}: {value}" for name, value in part.items()))] if part else []),
        *((name, short_digest(_text(told, key))) for name, key in digests),
        (_("Release"), link(found.run.release)),
    ]  # fmt: skip


def _history(found: Finding) -> Mapping[str, str]:
    verdict = _mapping(found.verdict)
    history = _mapping(verdict.get("history"))
    return {
        "runs_before": _figure(read_number(history, "runs_before")),
        "found_before": _figure(read_number(history, "found_before")),
        "level": _figure(read_number(verdict, "level")),
        "p": _figure(found.p_value),
        "q": _figure(found.q_value),
    }


def _calibration(found: Finding) -> Calibration | None:
    told = _mapping(found.provenance)
    return calibration_of(
        probe=found.run.spec.probe, code_version=_text(told, "code_version"), statistic=found.statistic,
        rung=found.rung,
    )  # fmt: skip


def _provenance(found: Finding) -> Sequence[tuple[StrOrPromise, str]]:
    told, stability = _mapping(found.provenance), _mapping(found.stability)
    shown = (
        (_("Specification"), told.get("specification_digest")),
        (_("Probe"), told.get("probe")),
        (_("Code version"), told.get("code_version")),
        (_("Seed"), told.get("seed")),
        (_("Second seed"), stability.get("second_seed")),
        (_("Interval"), told.get("interval")),
        (_("Versions"), _listed(told.get("versions"))),
        (_("Threads"), told.get("threads")),
        (_("Device"), told.get("device", CPU)),
        (_("Forward passes"), told.get("forward_passes")),
        (_("Calls of each hook"), _listed(told.get("fire_counts"))),
        (_("Digest of the finding"), found.digest),
    )
    return [(name, str(value)) for name, value in shown if value not in (None, "")]


def _listed(told: object) -> str:
    return listed(f"{name} {value}" for name, value in _mapping(told).items())


def _figure(value: float | None) -> str:
    """Return a number as text; empty: there is none."""
    return "" if value is None else in_figures(value, 3)


def _text(told: Mapping[str, Any], name: str) -> str:
    given = told.get(name)
    return given if isinstance(given, str) else ""


def _mapping(told: object) -> Mapping[str, Any]:
    return told if isinstance(told, Mapping) else {}
