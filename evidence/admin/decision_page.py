"""A gate's decision as its page shows it: each reason with its bar, its runs, and what would settle it.

What was stored is shown as it was stored; of decisions from before reasons were data, the sentences. Where the reader's
language is another than theirs, the words of the code stand before them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import drawings
from evidence.admin.frame.display import (
    badge,
    beside,
    drawing,
    figure,
    list_url,
    listed,
    listed_apart,
    tone_of,
)
from evidence.admin.frame.people import names_of, show_actor
from evidence.admin.frame.units import unit_in_words, whole_of
from evidence.admin.frame.words import in_words
from evidence.figures import in_figures
from evidence.models import GateDecision
from evidence.reason_words import say_run, say_settling, say_title

Json = Mapping[str, Any]

# What units are, by the name that a decision stores.
_UNITS: Final = {"conversations": gettext_lazy("conversations"), "traces": gettext_lazy("traces")}


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run that decided or was passed over."""

    name: SafeString | str
    outcome: SafeString
    received: str
    commit: str
    posted_by: str
    detail: SafeString | str
    retractions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownReason:
    """What a decision says of one criterion, pin, run or commit."""

    title: str
    requirement: str
    verdict: SafeString
    tone: str
    code: str
    detail: SafeString | str
    bar: SafeString | str
    measured: str
    n: str
    judge: str
    runs: tuple[ShownRun, ...]
    tried: str
    settles: SafeString | str
    waiver: str


def show_reasons(decision: GateDecision) -> list[ShownReason]:
    """Return the reasons of a decision, as they stand in it."""
    return show_reasons_of(decision.reasons)


def show_reasons_of(reasons: Sequence[Json]) -> list[ShownReason]:
    """Return single reasons of a decision, as they stand in it."""
    names = names_of(_actors_in(reasons))
    return [_show(reason, names) for reason in reasons]


def say_measured(reason: Json) -> str:
    """Return what a reason says was measured, in a line; empty where nothing was."""
    measured = reason.get("measured") or {}
    if measured.get("value") is None:
        return ""
    return figure(
        value=measured["value"], unit=measured["unit"], low=measured["low"], high=measured["high"],
        n=measured["n_observations"], bound_confidence=measured["bound_confidence"], threshold=measured["threshold"],
    )  # fmt: skip


def _show(reason: Json, names: Mapping[str, str]) -> ShownReason:
    verdict, measured = str(reason.get("verdict", "")), reason.get("measured") or {}
    runs = [*reason.get("runs", ()), *reason.get("passed_over", ())]
    code = str(reason.get("code", ""))
    return ShownReason(
        title=str(reason.get("criterion", "")),
        requirement=str(reason.get("requirement", "")),
        verdict=badge(verdict),
        tone=tone_of(verdict),
        code=code,
        detail=beside(say_title(code), str(reason.get("detail", ""))),
        bar=_bar(reason, measured) if measured.get("value") is not None else "",
        measured=say_measured(reason),
        n=_say_n(measured),
        judge=_say_judge(measured.get("judge")),
        runs=tuple(_show_run(run, names) for run in runs),
        tried=_say_tried(reason.get("tried")),
        settles=_say_settles(code, reason.get("would_settle")),
        waiver=_say_waiver(reason.get("waiver"), names),
    )


def _say_settles(code: str, settles: Json | None) -> SafeString | str:
    if not settles:
        return ""
    stored = str(settles.get("detail", ""))
    return beside(say_settling(code, settles.get("more_units"), stored), stored)


def _bar(reason: Json, measured: Json) -> SafeString:
    unit = str(measured["unit"])
    bar = f"{in_figures(measured['threshold'])} {unit_in_words(unit)}"
    at_least = measured["comparator"] == "at_least"
    return drawing(
        drawings.bullet(
            value=measured["value"], low=measured["low"], high=measured["high"], threshold=measured["threshold"],
            at_least=at_least, unit=unit_in_words(unit), least=whole_of(unit), tone=tone_of(reason["verdict"]),
            title=f"{reason['criterion']}: {in_words(reason['verdict'])}",
            threshold_label=_("at least %(bar)s") % {"bar": bar} if at_least else _("at most %(bar)s") % {"bar": bar},
            caption=say_measured(reason),
        )
    )  # fmt: skip


def _say_n(measured: Json) -> str:
    """Say how many units and observations there are, how many are missing, and in which slice."""
    if not measured:
        return ""
    said = [_("%(n)s observations") % {"n": measured["n_observations"]}]
    if measured["n_units"] is not None:
        said.insert(0, _say_units(measured))
    missing = sum(measured["missing"].values())
    if missing:
        said.append(_("%(n)s of them missing") % {"n": missing})
    if measured.get("compared"):
        said.append(_say_compared(measured["compared"]))
    if measured.get("n_waiting"):
        said.append(_("%(n)s more wait until their unit is complete") % {"n": measured["n_waiting"]})
    look = measured.get("look")
    if look:
        said.append(_("look %(number)s of %(planned)s") % look)
    if measured["where"]:
        said.append(
            _("in %(slice)s") % {"slice": listed(f"{k}={v}" for k, v in sorted(measured["where"].items()))}
        )
    return listed(said)


def _say_compared(compared: Json) -> str:
    """Say how many items either of two runs has, and how many are missing of the baseline's."""
    of, baseline = compared["release"], compared["baseline"]
    said = _("%(n)s items of this release beside %(of)s of the baseline") % {
        "n": of["n"],
        "of": baseline["n"],
    }
    missing = sum(baseline["missing"].values())
    return f"{said}, {_('%(n)s of the baseline missing') % {'n': missing}}" if missing else said


def _say_tried(tried: Json | None) -> str:
    """Say which releases a criterion judged since one met it, and how surely one of so many passes wrongly."""
    if not tried:
        return ""
    said = _(
        "This is release %(number)s that the criterion judged since one met it (%(releases)s). Each alone passes "
        "wrongly in at most %(alpha)s %%, one of so many in %(together)s %%."
    )
    shares = {name: in_figures(100 * tried[name], 3) for name in ("alpha", "together")}
    return said % {"number": tried["number"], "releases": listed(tried["releases"]), **shares}


def _say_units(measured: Json) -> str:
    """Say how many independent units there are, and what they are where they are not the observations."""
    by_labels = (measured.get("judge") or {}).get("decides")
    said = _("%(n)s independent units that people labelled") if by_labels else _("%(n)s independent units")
    units = said % {"n": measured["n_units"]}
    named = _UNITS.get(measured.get("units_of", ""))
    return f"{units} ({named})" if named and measured["n_units"] != measured["n_observations"] else units


def _say_judge(judge: Json | None) -> str:
    """Say what people's labels make of the judge's scores: raw and corrected value, agreement, how many labels."""
    if not judge:
        return ""
    said = [judge["judge"], in_words(judge["state"]), _("raw value %(raw)s") % {"raw": _figure(judge["raw"])}]
    if judge["value"] is not None:
        corrected = _("corrected by people %(value)s (%(low)s to %(high)s)")
        said.append(corrected % {name: _figure(judge[name]) for name in ("value", "low", "high")})
        said.append(_("which decides") if judge["decides"] else _("which the criterion does not ask for"))
    if judge["kappa"] is not None:
        agreement = _("agreement kappa %(kappa)s (%(kappa_low)s to %(kappa_high)s)")
        said.append(agreement % {name: _figure(judge[name]) for name in ("kappa", "kappa_low", "kappa_high")})
    said.append(_("%(n_labels)s labels in %(n_units)s independent units by %(n_people)s people") % judge)
    if judge["n_out_of_order"]:
        said.append(_("%(n_out_of_order)s further labels are ahead of their turn and do not count") % judge)
    return listed_apart(said)


def _figure(value: float | None) -> str:
    return "–" if value is None else in_figures(value)


def _show_run(run: Json, names: Mapping[str, str]) -> ShownRun:
    received = parse_datetime(run["received_at"])
    return ShownRun(
        name=format_html(
            '<a href="{}">{}</a>', list_url("evidence.evalrun", id__exact=run["id"]), run["run_key"]
        ),
        outcome=badge(run["code"]),
        received=f"{received:%Y-%m-%d %H:%M} UTC" if received else "–",
        commit=run["commit"] or "–",
        posted_by=show_actor(run["posted_by"], names),
        detail=beside(say_run(run["code"]), run["detail"]),
        retractions=tuple(_say_retraction(each, names) for each in run["retractions"]),
    )


def _say_retraction(retraction: Json, names: Mapping[str, str]) -> str:
    asked = show_actor(retraction["requested_by"], names)
    if retraction["confirmed_by"] is None:
        return format_html(
            _("Retraction asked for by {}, and not confirmed: “{}”"), asked, retraction["reason"]
        )
    if not retraction["confirmed_by"]:
        return format_html(_("Retracted by {}; nobody confirmed it: “{}”"), asked, retraction["reason"])
    confirmed = show_actor(retraction["confirmed_by"], names)
    return format_html(_("Retracted by {}, confirmed by {}: “{}”"), asked, confirmed, retraction["reason"])


def _say_waiver(waiver: Json | None, names: Mapping[str, str]) -> str:
    if not waiver:
        return ""
    until = parse_datetime(waiver["expires_at"])
    return format_html(
        _("Waived by {} until {}: “{}”"), show_actor(waiver["approved_by"], names),
        f"{until:%Y-%m-%d}" if until else "–", waiver["reason"],
    )  # fmt: skip


def _actors_in(reasons: Sequence[Json]) -> set[str]:
    """Return everybody whom the reasons name."""
    runs = [run for reason in reasons for run in (*reason.get("runs", ()), *reason.get("passed_over", ()))]
    said = [each for run in runs for each in run["retractions"]]
    waivers = [reason["waiver"]["approved_by"] for reason in reasons if reason.get("waiver")]
    asked = [each["requested_by"] for each in said]
    confirmed = [each["confirmed_by"] or "" for each in said]
    return {*(run["posted_by"] for run in runs), *asked, *confirmed, *waivers}
